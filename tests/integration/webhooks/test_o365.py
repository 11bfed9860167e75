"""The Management Activity API's notifications at the gateway."""

from __future__ import annotations

import pytest

from aoc_common.contracts.sources import CONTENT_TYPES
from aoc_common.contracts.webhooks import Seals
from notifying import CONTOSO, FABRIKAM, SEALS


def content(content_type="Audit.Exchange", key="c1", tenant=CONTOSO):
    return {
        "tenantId": tenant,
        "clientId": "c0a70501-a99c-4011-8ec7-0a0c51a00011",
        "contentType": content_type,
        "contentId": key,
        "contentUri": f"https://manage.office.com/api/v1.0/{tenant}/activity/feed/audit/{key}",
        "contentCreated": "2026-11-23T07:00:00.000Z",
        "contentExpiration": "2026-11-30T07:00:00.000Z",
    }


async def test_the_validation_is_answered_200(hooks):
    answer = await hooks.o365({"validationCode": "abc"}, **{"Webhook-ValidationCode": "abc"})

    assert (answer.status_code, answer.content, hooks.bus.asked) == (200, b"", [])


@pytest.mark.parametrize("body", [{"validationCode": "other"}, {"validationCode": 1}, {}, [], "abc", None])
async def test_a_validation_whose_body_does_not_match_its_header_is_refused(hooks, body):
    answer = await hooks.o365(body, **{"Webhook-ValidationCode": "abc"})

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-request")


@pytest.mark.parametrize(("content_type", "source"), CONTENT_TYPES.items())
async def test_new_content_becomes_a_look_at_its_source(hooks, content_type, source):
    answer = await hooks.o365([content(content_type)])

    assert (200, b"", [f"poll.contoso.{source}"]) == (answer.status_code, answer.content, hooks.bus.asked)


async def test_a_batch_is_one_look_for_each_source(hooks):
    await hooks.o365([content(name, str(number)) for number in range(50) for name in ("Audit.Exchange", "DLP.All")])

    assert hooks.bus.asked == ["poll.contoso.o365-dlp", "poll.contoso.o365-exchange"]


@pytest.mark.parametrize(
    "auth_id",
    [
        "",
        "o365-activity-webhook",
        Seals(["x" * 40]).seal("o365", "contoso", CONTOSO),
        SEALS.seal("users", "contoso", CONTOSO),
        SEALS.seal("o365", "contoso", CONTOSO) + "x",
    ],
)
async def test_another_auth_id_is_refused_also_to_validate(hooks, auth_id):
    notified = await hooks.o365([content()], auth_id)
    validated = await hooks.o365({"validationCode": "abc"}, auth_id, **{"Webhook-ValidationCode": "abc"})

    assert (notified.status_code, validated.status_code, hooks.bus.asked) == (403, 403, [])
    assert notified.json()["type"] == "/problems/webhook-refused"


async def test_content_of_another_tenant_than_the_auth_ids_is_refused(hooks):
    answer = await hooks.o365([content(tenant=FABRIKAM)])
    mixed = await hooks.o365([content(tenant=FABRIKAM), content(key="c2")])

    assert (answer.status_code, mixed.status_code) == (403, 200)
    assert hooks.bus.asked == ["poll.contoso.o365-exchange"]


async def test_content_that_is_told_of_again_does_not_poll_again(hooks):
    for _ in range(2):
        assert (await hooks.o365([content()])).status_code == 200

    assert hooks.bus.asked == ["poll.contoso.o365-exchange"]


async def test_content_of_a_type_that_nobody_collects_is_taken_and_left(hooks):
    answer = await hooks.o365([content("Audit.Something")])

    assert (answer.status_code, hooks.bus.asked) == (200, [])


async def test_while_the_bus_is_away_microsoft_is_asked_to_come_again(hooks):
    hooks.bus.away = True
    refused = await hooks.o365([content()])
    hooks.bus.away = False
    accepted = await hooks.o365([content()])

    assert (refused.status_code, accepted.status_code) == (503, 200)
    assert hooks.bus.asked == ["poll.contoso.o365-exchange"]


@pytest.mark.parametrize("body", [{}, None, [1], [{}], [{"tenantId": 1}], [content()] * 1001])
async def test_what_is_no_notification_is_refused(hooks, body):
    answer = await hooks.o365(body)

    assert (answer.status_code, hooks.bus.asked) == (400, [])

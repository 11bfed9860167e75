"""Graph's notifications at the gateway: who is believed, and what it becomes."""

from __future__ import annotations

import json

import pytest

from aoc_common.contracts.webhooks import Seals
from aoc_common.errors import BadConfiguration
from notifying import CONTOSO, FABRIKAM, OLD_SECRET, SEALS, SUBSCRIPTION, change, lifecycle

REACHABLE = "Validation: Testing client application reachability for subscription Request-Id: 522a8e7e+%/?&=é"


async def test_pitfall_12_an_empty_secret_accepts_nobody(serve, options, monkeypatch):
    monkeypatch.setenv("AOC_TEST_HOOKS", "")

    with pytest.raises(BadConfiguration):
        await serve(options)


async def test_without_a_secret_there_is_nothing_at_the_address(serve):
    hooks = await serve()
    paths = ["/api/webhooks/graph", "/api/webhooks/graph?validationToken=x", "/api/webhooks/o365", "/api/webhooks/x"]
    answers = [await hooks.client.post(path, json={"value": []}) for path in paths]

    assert [404] * len(paths) == [answer.status_code for answer in answers]
    documents = [answer.json() for answer in answers]
    assert len({(document["type"], document["detail"]) for document in documents}) == 1


async def test_the_handshake_gives_the_token_back_as_plain_text(hooks):
    answer = await hooks.client.post("/api/webhooks/graph", params={"key": "1", "validationToken": REACHABLE})

    assert (answer.status_code, answer.text) == (200, REACHABLE)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_handshake_gives_nothing_back_that_a_browser_might_run(hooks):
    token = "<script>alert(1)</script>"
    answer = await hooks.client.post("/api/webhooks/graph", params={"validationToken": token})

    assert answer.text == "&lt;script&gt;alert(1)&lt;/script&gt;"


@pytest.mark.parametrize(("token", "status"), [("a\r\nSet-Cookie: x", 400), ("a\x00", 400), ("x" * 2049, 422)])
async def test_the_handshake_refuses_what_is_no_token(hooks, token, status):
    answer = await hooks.client.post("/api/webhooks/graph", params={"validationToken": token})

    assert status == answer.status_code
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("kind", "job"),
    [
        ("users", "poll.contoso.directory"),
        ("groups", "poll.contoso.directory"),
        ("alerts", "poll.contoso.graph-alerts"),
    ],
)
async def test_a_notification_becomes_a_look_at_what_changed(hooks, kind, job):
    answer = await hooks.graph(change(kind))

    assert (202, b"", [job]) == (answer.status_code, answer.content, hooks.bus.asked)


async def test_a_storm_of_notifications_is_one_job_for_each_source(hooks):
    await hooks.graph(*(change("users") for _ in range(200)), *(change("alerts") for _ in range(200)))

    assert hooks.bus.asked == ["poll.contoso.directory", "poll.contoso.graph-alerts"]


@pytest.mark.parametrize(
    ("event", "job"),
    [
        ("reauthorizationRequired", f"subscriptions.contoso.{SUBSCRIPTION}"),
        ("subscriptionRemoved", "subscriptions.contoso.all"),
        ("missed", "poll.contoso.graph-alerts"),
    ],
)
async def test_a_lifecycle_event_is_answered_202_and_becomes_a_job(hooks, event, job):
    answer = await hooks.graph(lifecycle(event, "alerts"))

    assert (202, [job]) == (answer.status_code, hooks.bus.asked)


async def test_a_notification_made_with_the_secret_before_is_still_believed(hooks):
    await hooks.graph(change(clientState=Seals([OLD_SECRET]).seal("users", "contoso", CONTOSO)))

    assert hooks.bus.asked == ["poll.contoso.directory"]


@pytest.mark.parametrize(
    "state",
    [
        None,
        "",
        "secretClientValue",
        "users.contoso",
        Seals(["x" * 40]).seal("users", "contoso", CONTOSO),
        SEALS.seal("users", "contoso", CONTOSO)[:-1],
        SEALS.seal("users", "contoso", CONTOSO).replace("users", "alerts"),
        SEALS.seal("users", "contoso", CONTOSO).replace("contoso", "fabrikam"),
        SEALS.seal("o365", "contoso", CONTOSO),
        SEALS.seal("users", "fabrikam", FABRIKAM),
    ],
)
async def test_a_notification_with_another_client_state_asks_for_nothing_and_is_not_told_so(hooks, state):
    answer = await hooks.graph(change(clientState=state))

    assert (answer.status_code, answer.content, hooks.bus.asked) == (202, b"", [])
    assert hooks.refusals() == ["clientState is none of ours"]


@pytest.mark.parametrize("tenant_id", [FABRIKAM, "", "not-a-guid", None])
async def test_a_client_state_is_good_for_its_own_tenant_only(hooks, tenant_id):
    await hooks.graph(change(tenantId=tenant_id))

    assert hooks.bus.asked == []


async def test_a_forged_item_does_not_take_a_genuine_one_with_it(hooks):
    answer = await hooks.graph(change(clientState="made up"), change("alerts"))

    assert (answer.status_code, hooks.bus.asked) == (202, ["poll.contoso.graph-alerts"])


async def test_a_replay_is_accepted_and_does_not_poll_again(hooks):
    notification = change()
    answers = [(await hooks.graph(notification)).status_code for _ in range(3)]

    assert (answers, hooks.bus.asked) == ([202, 202, 202], ["poll.contoso.directory"])


async def test_a_replay_within_a_batch_is_one_look_and_other_words_of_the_same_id_too(hooks):
    notification = change()
    await hooks.graph(notification)
    await hooks.graph(notification | {"resource": "Users/another"}, notification)

    assert hooks.bus.asked == ["poll.contoso.directory"]


async def test_notifications_without_an_id_are_told_apart_by_all_that_they_say(hooks):
    first, second = (change(id=None, resourceData={"id": "1", "sequenceNumber": number}) for number in (1, 2))
    for notification in (first, second, first, second):
        await hooks.graph(notification)

    assert hooks.bus.asked == ["poll.contoso.directory"] * 2


async def test_while_the_bus_is_away_microsoft_is_asked_to_come_again_and_then_believed(hooks):
    notification = change()
    hooks.bus.away = True
    refused = await hooks.graph(notification)
    hooks.bus.away = False
    accepted = await hooks.graph(notification)

    assert (refused.status_code, accepted.status_code) == (503, 202)
    assert int(refused.headers["retry-after"]) > 0
    assert refused.json()["type"] == "/problems/not-now"
    assert hooks.bus.asked == ["poll.contoso.directory"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"value": null}',
        b'{"value": [1]}',
        b'{"value": [{}]}',
        b'{"value": [{"subscriptionId": 1}]}',
        b'{"value": [{"subscriptionId": "x", "lifecycleEvent": "other"}]}',
        b'{"value": [], "validationTokens": [1]}',
        b'{"value": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"value": [{"subscriptionId": "x", "resourceData": ' + b'{"a":' * 13 + b"1" + b"}" * 13 + b"}]}",
        json.dumps({"value": [change()] * 1001}).encode(),
        json.dumps({"value": [change(clientState="x" * 256)]}).encode(),
        "\ud800".encode("utf-8", "surrogatepass"),
    ],
)
async def test_what_is_no_notification_is_refused(hooks, body):
    answer = await hooks.client.post("/api/webhooks/graph", content=body)

    assert (answer.status_code, answer.json()["type"], hooks.bus.asked) == (400, "/problems/bad-request", [])
    assert b"\x1b" not in answer.content


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_that_is_too_large_is_refused_before_it_is_read(hooks, announced):
    read = 0

    async def trickle():
        nonlocal read
        for _ in range(64):
            read += 1
            yield b" " * 65_536

    headers = {"Content-Length": str(64 * 65_536)} if announced else {}
    answer = await hooks.client.post("/api/webhooks/graph", content=trickle(), headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
    assert read <= 18


async def test_a_subscription_id_that_is_none_asks_for_nothing(hooks):
    answer = await hooks.graph(lifecycle("reauthorizationRequired") | {"subscriptionId": "../../aoc.jobs.>"})

    assert (answer.status_code, hooks.bus.asked) == (202, [])


async def test_nothing_of_what_was_sent_is_logged(hooks):
    word = "evil\x1b[31m"
    await hooks.graph(change(clientState=word, resource=word, tenantId=word, id=word))
    await hooks.client.post("/api/webhooks/graph", json={"value": [{"subscriptionId": [word], word: word}]})

    assert "evil" not in repr(hooks.logged)


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        ("aoc.example", "/api/webhooks/graph", 202),
        ("AOC.example:443", "/api/webhooks/graph", 202),
        ("other.example", "/api/webhooks/graph", 421),
        ("aoc.example", "/api/events", 421),
        ("aoc.example", "/health", 421),
    ],
)
async def test_under_the_public_name_there_are_webhooks_and_nothing_else(hooks, host, path, status):
    answer = await hooks.client.request(
        "POST" if "webhooks" in path else "GET", path, json={"value": []}, headers={"Host": host}
    )

    assert status == answer.status_code

"""A repeated parameter, or member of a JSON object, is refused."""

from __future__ import annotations

import pytest

from each import each

BACKFILL = b'{"source": "o365-exchange", "start": "2026-11-20T00:00:00Z", "end": "2026-11-21T00:00:00Z"%s}'


@each(
    ("path", "name"),
    [
        ("/api/events?actor=dana%40contoso.example&actor=eve%40contoso.example", "actor"),
        ("/api/events?tenant=contoso&tenant=contoso", "tenant"),
        ("/api/events?page_size=1&page_size=500", "page_size"),
        ("/api/events/019ab0c4-2f40-8a1b-9c2d-0123456789ab?tenant=contoso&tenant=fabrikam", "tenant"),
        ("/api/facets?top=1&top=2", "top"),
        ("/api/source-health?tenant=contoso&tenant=fabrikam", "tenant"),
        ("/api/completeness?tenant=contoso&tenant=fabrikam", "tenant"),
        ("/health?x=1&x=2", "x"),
    ],
)
async def test_a_parameter_that_stands_twice_is_refused_and_named(gateway, path, name) -> None:
    answer = await gateway.client.get(path)

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/repeated")
    assert [error["name"] for error in answer.json()["errors"]] == [name]


async def test_a_parameter_that_is_a_list_may_stand_several_times(gateway) -> None:
    answer = await gateway.client.get("/api/facets?field=actor&field=ip")

    assert answer.status_code == 200
    assert set(answer.json()["facets"]) == {"actor", "ip"}


@pytest.mark.parametrize("member", [b', "source": "graph-alerts"', b', "x": {"a": 1, "a": 1}'])
async def test_a_member_that_stands_twice_in_a_body_is_refused_and_named(gateway, member) -> None:
    answer = await gateway.client.post(
        "/api/fetch-audit-logs", content=BACKFILL % member, headers={"Content-Type": "application/json"}
    )

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/repeated")
    assert [(error["location"], error["name"]) for error in answer.json()["errors"]] == [
        ("body", "source" if b"source" in member else "a")
    ]


async def test_a_body_that_is_no_json_is_told_as_before(gateway) -> None:
    answer = await gateway.client.post(
        "/api/fetch-audit-logs", content=b'{"a":', headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 422


@pytest.mark.parametrize("member", [rb', "\ud800": 1', rb', "x": "\udfff"', b', "x": NaN'])
async def test_a_body_that_only_some_readers_take_for_json_is_refused(gateway, member) -> None:
    answer = await gateway.client.post(
        "/api/fetch-audit-logs", content=BACKFILL % member, headers={"Content-Type": "application/json"}
    )

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameters")

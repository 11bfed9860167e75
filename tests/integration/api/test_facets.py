"""Counting what events are made of, over HTTP."""

from __future__ import annotations

import pytest

from aoc_common.store.mongo import event_search


def counts(answer, field):
    return [(value["value"], value["count"]) for value in answer.json()["facets"][field]]


async def test_without_a_start_the_last_day_is_counted(gateway, store, event) -> None:
    await store(event("a"), event("b", hours=23.9), event("c", hours=24.1, actor="eve"))
    answer = await gateway.get("/api/facets")

    assert counts(answer, "actor") == [("dana@contoso.example", 2)]
    assert (answer.json()["start"], answer.json()["end"]) == ("2026-11-22T08:00:00Z", None)
    assert answer.json()["complete"]
    assert set(answer.json()["facets"]) == {"source", "service", "operation", "result", "actor", "ip", "country"}


async def test_with_an_end_only_the_day_before_it_is_counted(gateway, store, event) -> None:
    await store(event("a"), event("b", hours=48, actor="eve"), event("c", hours=72, actor="zoe"))
    answer = await gateway.get("/api/facets", end="2026-11-22T08:00:00Z")

    assert counts(answer, "actor") == [("eve", 1)]
    assert answer.json()["start"] == "2026-11-21T08:00:00Z"


async def test_the_most_frequent_values_come_first(gateway, store, event) -> None:
    actors = ["eve", "dana", "dana", "bob", "eve", "zoe", "adam", None]
    await store(*(event(str(n), actor=actor) for n, actor in enumerate(actors)))
    answer = await gateway.get("/api/facets", field=["actor", "result"], top=3)

    assert answer.json()["facets"] == {
        "actor": [{"value": "dana", "count": 2}, {"value": "eve", "count": 2}, {"value": "adam", "count": 1}],
        "result": [{"value": "success", "count": 8}],
    }


async def test_the_filters_of_a_search_hold_for_its_facets(gateway, store, event) -> None:
    await store(event("a", result="failure"), event("b"), event("c", result="failure", terms=("eve",)))
    answer = await gateway.get("/api/facets", field="result", result="failure", q="dana")

    assert counts(answer, "result") == [("failure", 1)]


async def test_a_tenant_counts_its_own_events_only(gateway, store, event) -> None:
    await store(event("ours"), event("theirs", tenant="fabrikam", actor="eve"))

    assert counts(await gateway.get("/api/facets"), "actor") == [("dana@contoso.example", 1)]
    assert counts(await gateway.get("/api/facets", tenant="fabrikam"), "actor") == [("eve", 1)]


async def test_more_events_than_are_counted_are_told(gateway, store, event, monkeypatch) -> None:
    monkeypatch.setattr(event_search, "FACET_EVENTS", 2)
    await store(event("a"), event("b"))
    whole = await gateway.get("/api/facets")
    await store(event("c"))
    part = await gateway.get("/api/facets")

    assert (whole.json()["complete"], part.json()["complete"]) == (True, False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value"), [("field", "raw"), ("field", "$where"), ("top", 0), ("top", 101), ("cursor", "x")]
)
async def test_what_cannot_be_counted_is_refused_by_name(gateway, name, value) -> None:
    answer = await gateway.get("/api/facets", **{name: value})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["name"].startswith(name)


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T10:00:00-23:00",
        "0001-01-01T00:00:00+23:59",
        "1969-12-31T23:59:59.999999Z",
        "9999-12-31T23:59:59.999999-23:59",
    ],
)
async def test_no_moment_is_too_far_away_to_be_asked_for(gateway, moment) -> None:
    asked = [(path, name) for path in ("/api/facets", "/api/events") for name in ("start", "end")]
    answers = [await gateway.get(path, **{name: moment}) for path, name in asked]

    assert [answer.status_code for answer in answers] == [200] * 4


async def test_a_search_up_to_a_moment_of_any_age_goes_on_by_its_cursor(gateway, store, event) -> None:
    await store(event("a"), event("b", hours=1))
    parameters = {"start": "0001-01-01T00:00:00+23:59", "end": "9999-12-31T23:59:59.999999-23:59", "page_size": 1}
    first = (await gateway.get("/api/events", **parameters)).json()
    second = (await gateway.get("/api/events", **parameters, cursor=first["next_cursor"])).json()

    assert [item["message"] for item in first["items"] + second["items"]] == ["a", "b"]

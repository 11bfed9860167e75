"""Events that belong to an event, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from aoc_common.contracts import ids, terms

SESSION, CORRELATION = "00aa5c1e-0000-4000-8000-000000000001", "00aa5c1e-0000-4000-8000-00000000000c"
KIM = "00aa5c1e-0000-4000-8000-00000000000a"


@pytest.fixture
def told(event):
    """`told("a", hours=1, actor=..., ip=..., session=..., target=...)`: an event that is found by what it tells."""

    def make(record: str, hours: float = 0, session: str = "", target: str = "", **changes: Any):
        changes = {"actor": None, "ip": None, "correlation_id": None} | changes
        ocsf: dict[str, Any] = {"metadata": {"uid": record}, "class_uid": 3001, "message": record, "actor": {}}
        if session:
            ocsf["actor"] = {"session": {"uid": session}}
        if target:
            ocsf["user"] = {"uid": target, "name": "Kim Vale"}
        texts = [text for text in (session, target, changes["correlation_id"], changes["ip"]) if text]
        found = [term for text in texts for term in terms.query_terms(text)]
        found += terms.name_terms(changes["actor"] or "")
        return event(record, hours, ocsf=ocsf, terms=tuple(found), **changes)

    return make


def grouped(answer) -> dict[str, list[str]]:
    return {group["reason"]: [item["message"] for item in group["items"]] for group in answer.json()["groups"]}


async def test_events_are_grouped_by_what_they_share(gateway, store, told) -> None:
    it = told("it", 5, SESSION, KIM, actor="dana@contoso.example", ip="203.0.113.9", correlation_id=CORRELATION)
    await store(
        it,
        told("of actor", 4, actor="dana@contoso.example"),
        told("of address", 6, actor="eve@contoso.example", ip="203.0.113.9"),
        told("of session", 3, SESSION),
        told("of correlation", 7, correlation_id=CORRELATION),
        told("of target", 2, target=KIM),
        told("of two", 1, SESSION, actor="dana@contoso.example"),
        told("of nothing", 5, actor="eve@contoso.example", ip="203.0.113.90"),
    )
    answer = await gateway.get(f"/api/events/{it.id}/related")

    assert grouped(answer) == {
        "actor": ["of two", "of actor"],
        "address": ["of address"],
        "session": ["of two", "of session"],
        "correlation": ["of correlation"],
        "target": ["of target"],
    }
    groups = answer.json()["groups"]
    assert [group["values"] for group in groups] == [
        ["dana@contoso.example"], ["203.0.113.9"], [SESSION], [CORRELATION], [KIM, "Kim Vale"],
    ]  # fmt: skip
    assert not any(group["more"] or group["searched_back_to"] for group in groups)
    [entry] = await gateway.noted("events.related")
    assert entry.event["unmapped"]["rows"] == 7


async def test_what_an_event_does_not_tell_is_no_reason(gateway, store, told, event) -> None:
    nothing, unknown = told("nothing"), event(
        "unknown", 1, actor=None, ip=None, correlation_id=None,
        ocsf={"metadata": {"uid": "u"}, "class_uid": 3001, "message": "u", "user": {"name": "Unknown"}, "entity": [7]},
    )  # fmt: skip
    await store(nothing, unknown)

    assert grouped(await gateway.get(f"/api/events/{nothing.id}/related")) == {}
    assert grouped(await gateway.get(f"/api/events/{unknown.id}/related")) == {}


async def test_who_acts_upon_himself_is_the_actor_and_no_target(gateway, store, event) -> None:
    ocsf = {"metadata": {"uid": "s"}, "class_uid": 3002, "message": "s",
            "actor": {"user": {"uid": KIM, "name": "Kim"}}, "user": {"uid": KIM, "name": "Kim"}}  # fmt: skip
    it = event("it", actor="kim@contoso.example", ocsf=ocsf)
    await store(it)

    assert "target" not in grouped(await gateway.get(f"/api/events/{it.id}/related"))


async def test_only_events_of_the_time_around_are_related(gateway, store, told) -> None:
    it = told("it", 48, actor="dana@contoso.example")
    others = [told(f"{hours}", hours, actor="dana@contoso.example") for hours in (46.999, 47, 49, 49.001)]
    await store(it, *others)
    answer = await gateway.get(f"/api/events/{it.id}/related", minutes=60)

    assert grouped(answer) == {"actor": ["47", "49"]}
    assert answer.json()["start"] == f"{ids.time_of(others[2].id):%Y-%m-%dT%H:%M:%SZ}"


async def test_more_than_are_shown_are_told_and_the_event_itself_takes_no_place(gateway, store, told) -> None:
    it = told("it", 2, actor="dana@contoso.example")
    await store(it, *(told(f"{n}", n, actor="dana@contoso.example") for n in (1, 3)))
    asked = f"/api/events/{it.id}/related"

    for limit, shown, more in ((1, ["1"], True), (2, ["1", "3"], False), (3, ["1", "3"], False)):
        answer = await gateway.get(asked, limit=limit)
        [group] = answer.json()["groups"]
        assert ([item["message"] for item in group["items"]], group["more"]) == (shown, more)
    await store(*(told(f"{n}", n, actor="dana@contoso.example") for n in (0.5, 0.6)))
    [group] = (await gateway.get(asked, limit=2)).json()["groups"]
    assert ([item["message"] for item in group["items"]], group["more"]) == (["0.5", "0.6"], True)


async def test_reasons_are_chosen(gateway, store, told) -> None:
    it = told("it", 2, SESSION, actor="dana@contoso.example", correlation_id=CORRELATION)
    await store(it)
    answer = await gateway.get(f"/api/events/{it.id}/related", reason=["session", "target", "correlation"])

    assert grouped(answer) == {"session": [], "correlation": []}


async def test_a_word_that_is_found_elsewhere_is_no_session_of_an_event(gateway, store, told) -> None:
    it = told("it", 2, SESSION)
    await store(it, told("names it", 1, target=SESSION))

    assert grouped(await gateway.get(f"/api/events/{it.id}/related"))["session"] == []


async def test_of_two_twins_the_second_is_left_out_when_asked(gateway, store, told, database) -> None:
    it, first, second = (told(name, n, actor="dana@contoso.example") for n, name in enumerate(("it", "1", "2")))
    await store(it, first, second)
    await database["events"].update_one({"_id": first.id}, {"$set": {"twin_of": second.id}})

    asked = f"/api/events/{it.id}/related"
    assert grouped(await gateway.get(asked)) == {"actor": ["1", "2"]}
    assert grouped(await gateway.get(asked, twins="out")) == {"actor": ["2"]}


async def test_events_of_another_tenant_are_not_related(gateway, store, told) -> None:
    it = told("it", 2, SESSION, actor="dana@contoso.example")
    await store(it, told("theirs", 1, SESSION, tenant="fabrikam", actor="dana@contoso.example"))

    assert grouped(await gateway.get(f"/api/events/{it.id}/related")) == {"actor": [], "session": []}
    assert (await gateway.get(f"/api/events/{it.id}/related", tenant="fabrikam")).status_code == 404


async def test_an_event_that_is_not_there_has_none(gateway) -> None:
    answer = await gateway.get(f"/api/events/{uuid4()}/related")

    assert answer.status_code == 404
    assert answer.json()["errors"][0]["name"] == "event_id"


async def test_events_at_the_ends_of_time_have_others_around_them(gateway, store, told) -> None:
    undated = told("undated", 24 * 365 * 60, actor="dana@contoso.example")
    await store(undated)

    assert (await gateway.get(f"/api/events/{undated.id}/related", minutes=43_200)).status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value"),
    [("reason", "colour"), ("minutes", 0), ("minutes", 43_201), ("limit", 0), ("limit", 101), ("q", "dana")],
)
async def test_what_cannot_be_asked_is_refused_by_name(gateway, store, told, name, value) -> None:
    it = told("it")
    await store(it)
    answer = await gateway.get(f"/api/events/{it.id}/related", **{name: value})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["name"].startswith(name)

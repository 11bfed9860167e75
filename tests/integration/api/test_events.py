"""Searching events over HTTP."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from aoc_common.contracts.terms import NOT_UNDERSTOOD
from aoc_common.contracts.twins import TwinLink
from aoc_common.store.mongo.event_versions import MongoEventVersions
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.term_edition import TOP, MongoTermEdition
from aoc_common.store.mongo.twins import MongoTwins
from aoc_common.store.versions import NewVersion
from each import each
from making import NOW

HOSTILE = (
    '{"a": "\u2028\u2029 \x7f\x9b \\u0000 \\u001b[31m \x1b]0;title\x07", "b": "</script><img src=x onerror=alert(1)>",'
    "\r\n  'c': `${7*7}` {{7*7}} \\\" \\ud800 \U0001f600 \ufeff \u202e =cmd|' /C calc'!A0 }"
)


async def pages(gateway, size=None, **parameters):
    """Every page of a search of this month, as the lists of its messages."""
    parameters = {"start": "2026-11-01"} | parameters
    cursor = {}
    found = []
    while True:
        answer = await gateway.get("/api/events", **parameters, **cursor, **({"page_size": size} if size else {}))
        assert answer.status_code == 200
        page = answer.json()
        found.append([item["message"] for item in page["items"]])
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def found(gateway, **parameters):
    return [message for page in await pages(gateway, **parameters) for message in page]


@pytest.mark.parametrize("size", [1, 5, 22, 23, 500])
async def test_following_next_cursor_gives_each_event_once(gateway, store, event, size) -> None:
    await store(*(event(f"{n:02}", hours=n // 3) for n in range(23)), event("theirs", tenant="fabrikam"))
    got = await pages(gateway, size)

    assert sorted(message for page in got for message in page) == [f"{n:02}" for n in range(23)]
    assert [len(page) for page in got[:-1]] == [size] * (len(got) - 1)
    assert len(got) == -(-23 // size)


async def test_without_a_size_a_page_holds_fifty(gateway, store, event) -> None:
    await store(*(event(str(n), hours=n) for n in range(51)))

    # Where the machine is busy, a search that has used up its time gives what it has, be it nothing, and goes on.
    assert [len(page) for page in await pages(gateway) if page] == [50, 1]


async def test_a_search_with_filters_is_paged_like_any_other(gateway, store, event) -> None:
    await store(*(event(str(n), hours=n, actor=("dana", "eve")[n % 2]) for n in range(9)))
    filters = {"actor": "eve", "q": "inboxrule", "start": "2026-11-22T08:00:00+01:00", "end": "2026-11-23T08:00:00.001"}

    assert await pages(gateway, 3, **filters) == [["1", "3", "5"], ["7"]]


async def test_the_size_may_change_from_page_to_page(gateway, store, event) -> None:
    await store(*(event(str(n), hours=n) for n in range(6)))
    first = (await gateway.get("/api/events", page_size=1)).json()
    second = (await gateway.get("/api/events", page_size=3, cursor=first["next_cursor"])).json()

    assert [item["message"] for item in second["items"]] == ["1", "2", "3"]


@each("cursor", ["", "x", "AZqwxC9Aihuc", "Ä", "A" * 87, "../../etc/passwd", "\x00"])
async def test_a_cursor_that_is_not_ours_is_refused(gateway, cursor) -> None:
    answer = await gateway.get("/api/events", cursor=cursor)

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/cursor-invalid")


@each("changed", [{"actor": "eve"}, {"q": "dana"}, {"tenant": "fabrikam"}, {"end": "2027-01-01"}, {"ip": "::1"}])
async def test_a_cursor_of_another_search_is_refused(gateway, store, event, changed) -> None:
    await store(event("a"), event("b"))
    cursor = (await gateway.get("/api/events", page_size=1)).json()["next_cursor"]
    answer = await gateway.get("/api/events", cursor=cursor, **changed)

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/cursor-foreign")


async def test_naming_the_default_tenant_is_the_same_search(gateway, store, event) -> None:
    await store(event("a", hours=1), event("b"))
    cursor = (await gateway.get("/api/events", page_size=1)).json()["next_cursor"]
    answer = await gateway.get("/api/events", cursor=cursor, tenant="contoso")

    assert [item["message"] for item in answer.json()["items"]] == ["a"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ({"source": "graph-signins"}, {"source": "graph-signins"}),
        ({"service": "entra"}, {"service": "entra"}),
        ({"operation": "Add member to role"}, {"operation": " Add member to role. "}),
        ({"result": "failure"}, {"result": "failure"}),
        ({"actor": "eve@contoso.example"}, {"actor": " Eve@Contoso.example"}),
        ({"ip": "2001:db8::a"}, {"ip": "2001:0DB8:0:0::A"}),
        ({"ip": "198.51.100.7"}, {"ip": "::ffff:198.51.100.7"}),
        ({"ip": "fe80::1"}, {"ip": "fe80::1%eth0"}),
        ({"correlation_id": "c-1"}, {"correlation_id": "c-1"}),
        ({"terms": ("eve", "payroll", "rule")}, {"q": "Payroll, EVE!"}),
        ({"terms": (NOT_UNDERSTOOD, "eve")}, {"understood": "no"}),
        ({}, {"start": "2026-11-23T07:59:59", "end": "2026-11-23T09:00:00.5+01:00"}),
    ],
)
async def test_every_filter_finds_its_events_only(gateway, store, event, stored, asked) -> None:
    await store(event("it", **stored), event("other", hours=3))

    assert await found(gateway, **asked) == ["it"]


async def test_a_tenant_sees_its_own_events_only(gateway, store, event) -> None:
    await store(event("ours"), event("theirs", tenant="fabrikam"))

    assert await found(gateway) == ["ours"]
    assert await found(gateway, tenant="fabrikam") == ["theirs"]
    assert await found(gateway, tenant="nobody") == []


async def test_an_event_comes_whole_with_the_text_of_its_record(gateway, store, event) -> None:
    deep: dict[str, Any] = {"$where": HOSTILE, "a.b": None}
    for _ in range(40):
        deep = {"": [deep]}
    made = event(HOSTILE, raw=HOSTILE, unmapped=deep, operation=HOSTILE[:200], tags=("no-id",))
    await store(made)
    answer = await gateway.get(f"/api/events/{made.id}")
    whole = answer.json()

    assert answer.headers["content-type"] == "application/json"
    assert (whole["raw"], whole["message"], whole["operation"]) == (HOSTILE, HOSTILE, HOSTILE[:200])
    assert whole["event"]["unmapped"] == deep
    assert (whole["id"], whole["page"], whole["tags"]) == (str(made.id), "p42", ["no-id"])


async def test_an_event_lists_its_versions_with_their_times(gateway, store, event, database) -> None:
    def told(text: str, at: int):
        return {"metadata": {"uid": "a", "logged_time": at}, "class_uid": 3004, "message": text}

    made = event("a", raw='{"n": 1}', ocsf=told("first", 1_795_937_400_000))
    await store(made)
    versions = MongoEventVersions(database)
    later = event("a", raw='{"n": 2}', ocsf=told("second", 1_795_941_000_000))
    encoded = MongoEvents(database, lambda *_: timedelta(days=30)).encoded(later, "p43")
    history = (await versions.histories([made.id]))[made.id]
    await versions.add([NewVersion(history, 2, "d" * 32, encoded)])
    history = (await versions.histories([made.id]))[made.id]
    await versions.show([(history, 2)])
    answer = (await gateway.get(f"/api/events/{made.id}/versions")).json()
    whole = (await gateway.get(f"/api/events/{made.id}")).json()

    assert (whole["message"], whole["version"], whole["versions"]) == ("second", 2, 2)
    assert answer["current"] == 2
    shown = [(item["version"], item["message"], item["logged_time"]) for item in answer["items"]]
    assert shown == [(1, "first", "2026-11-29T07:30:00Z"), (2, "second", "2026-11-29T08:30:00Z")]
    assert (await gateway.get(f"/api/events/{made.id}/versions", tenant="fabrikam")).status_code == 404


async def test_an_event_of_many_versions_lists_every_one_of_them(gateway, store, event, database) -> None:
    made = event("a", ocsf={"metadata": {"uid": "a", "logged_time": 1_795_937_400_000}, "class_uid": 3004})
    await store(made)
    first = await database["events"].find_one({})
    numbers = [*range(450, 0, -1)]
    await database["event_versions"].insert_many(
        [{**first, "_id": f"{made.id}:{number}", "event_id": made.id, "number": number} for number in numbers]
    )
    await database["events"].update_one({}, {"$set": {"version": 450, "versions": 450}})
    found, after = [], 0
    while after is not None:
        answer = (await gateway.get(f"/api/events/{made.id}/versions", after=after)).json()
        found += [item["version"] for item in answer["items"]]
        after = answer["next_after"]

    assert found == sorted(numbers)


async def test_a_page_is_what_events_say_in_short(gateway, store, event) -> None:
    ocsf = {
        "class_uid": 3004,
        "class_name": "Entity Management",
        "activity_id": 1,
        "severity": "High",
        "severity_id": 4,
        "message": "dana created a rule",
        "metadata": {"logged_time": 1_795_937_400_000},
        "observables": [{"name": "target", "value": f"t{n}"} for n in range(12)] + [{"name": "actor", "value": "dana"}],
    }
    made = event("a", ocsf=ocsf, correlation_id="c-1")
    await store(made)
    (item,) = (await gateway.get("/api/events")).json()["items"]

    assert item == {
        "id": str(made.id),
        "tenant": "contoso",
        "time": "2026-11-23T08:00:00Z",
        "logged_time": datetime.fromtimestamp(1_795_937_400, UTC).isoformat().replace("+00:00", "Z"),
        "source": "o365-exchange",
        "service": "exchange",
        "operation": "New-InboxRule",
        "result": "success",
        "actor": "dana@contoso.example",
        "ip": "203.0.113.9",
        "correlation_id": "c-1",
        "message": "dana created a rule",
        "severity": "High",
        "severity_id": 4,
        "class_uid": 3004,
        "class_name": "Entity Management",
        "activity_id": 1,
        "targets": [f"t{n}" for n in range(10)],
        "tags": [],
        "note_tags": [],
        "comments": 0,
        "twin_of": None,
        "twin": None,
        "version": 1,
        "versions": 1,
    }


async def test_an_event_of_little_is_shown_with_what_there_is(gateway, store, event) -> None:
    made = event("a", ocsf={"metadata": {}}, actor=None, ip=None)
    await store(made)
    item = (await gateway.get(f"/api/events/{made.id}")).json()

    assert [item[name] for name in ("actor", "ip", "logged_time", "message", "severity", "targets")] == [
        None,
        None,
        None,
        "",
        "Unknown",
        [],
    ]


async def test_an_event_of_another_tenant_is_as_unknown_as_one_that_is_not(gateway, store, event) -> None:
    theirs = event("theirs", tenant="fabrikam")
    await store(theirs, event("ours"))
    asked = [str(theirs.id), str(uuid4())]
    answers = [await gateway.get(f"/api/events/{identity}") for identity in asked]
    bodies = [
        json.loads(answer.text.replace(identity, "ID")) | {"trace_id": ""}
        for identity, answer in zip(asked, answers, strict=True)
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert bodies[0] == bodies[1]
    assert (await gateway.get(f"/api/events/{theirs.id}", tenant="fabrikam")).json()["message"] == "theirs"


async def test_twins_name_each_other_and_the_second_can_be_left_out(gateway, store, event, database) -> None:
    first, second, lone = event("first", hours=2), event("second", hours=1), event("lone", hours=3)
    await store(first, second, lone)
    await MongoTwins(database).decide([TwinLink("contoso", first.id, second.id, first.id)], ["p1"], NOW)
    [shown, other] = [(await gateway.get(f"/api/events/{stored.id}")).json() for stored in (first, second)]

    assert (shown["twin"], shown["twin_of"]) == (str(second.id), None)
    assert (other["twin"], other["twin_of"]) == (None, str(first.id))
    assert await found(gateway, twins="out") == ["first", "lone"]
    assert await found(gateway, twins="in") == await found(gateway) == ["second", "first", "lone"]
    assert (await gateway.get("/api/events", twins="maybe")).status_code == 422


async def test_a_query_says_what_parameters_say(gateway, store, event) -> None:
    await store(
        event("it", actor="eve@contoso.example", ip="203.0.113.9", result="failure"),
        event("other", hours=1, actor="dana@contoso.example", ip="198.51.100.7", service="sharepoint"),
        event("third", hours=2, actor="ada@contoso.example", ip="203.0.114.9", service="entra"),
    )

    assert await found(gateway, q="actor:eve ip:203.0.113.0/24 result:failed -service:sharepoint") == ["it"]
    assert await found(gateway, q="-service:sharepoint,entra") == ["it"]
    assert await found(gateway, service="SharePoint,entra") == ["other", "third"]
    assert await found(gateway, ip="203.0.113.0/24,198.51.100.0/24") == ["it", "other"]
    assert await found(gateway, actor="ev*,ad*", result="failure") == ["it"]
    facets = (await gateway.get("/api/facets", q="inboxrule -actor:eve", field="actor")).json()
    assert [one["value"] for one in facets["facets"]["actor"]] == ["ada@contoso.example", "dana@contoso.example"]


async def test_a_query_that_cannot_be_read_says_where(gateway) -> None:
    answer = (await gateway.get("/api/events", q="dana actr:kim")).json()

    assert answer["errors"][0]["name"] == "q"
    assert "at character 6: there is no field `actr`" in answer["errors"][0]["detail"]


async def test_nothing_found_comes_with_what_may_be_the_matter(gateway, database, store, event) -> None:
    await store(event("it", actor="holland@contoso.example"))
    answer = (await gateway.get("/api/events", q="hollnad")).json()
    first = (await gateway.get("/api/events", q="holland")).json()

    assert answer["hint"] == {"tenants": [], "sources": [], "unknown": ["hollnad"], "instead": {"q": "holland"}}
    assert (first["hint"], first["incomplete_before"]) == (None, None)


async def test_events_of_before_are_said_to_be_found_incompletely(gateway, database, store, event) -> None:
    await store(event("it"))
    await MongoTermEdition(database).move(TOP)

    assert (await gateway.get("/api/events", q="dana")).json()["incomplete_before"] == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"

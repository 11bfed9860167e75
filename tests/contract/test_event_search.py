"""What reading events promises, held against a real MongoDB-protocol server: as MongoDB is asked, and by windows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from aoc_common.contracts import ids, terms
from aoc_common.contracts.access import Scope
from aoc_common.contracts.query import values
from aoc_common.contracts.query.filters import Check, Clause, Span, Value
from aoc_common.contracts.query.grammar import parse
from aoc_common.errors import Malformed, Unreachable
from aoc_common.settings import MongoSettings
from aoc_common.store.mongo import event_search, field_values
from aoc_common.store.mongo.client import Database, connect, ensure_indexes
from aoc_common.store.mongo.event_search import MongoEventSearch, make_event_search
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.server_kinds import MONGODB, SECANTUS, SECANTUS_RS
from aoc_common.store.searches import EventQuery
from each import each
from making import NOW, asking
from making import an_event as event
from manual_clock import ManualClock

if TYPE_CHECKING:
    from aoc_common.contracts.event import Event

type Store = Callable[..., Awaitable[None]]

EVER = EventQuery(Scope("contoso"))
ALL = replace(EVER, start=NOW - timedelta(days=60))
EXACT = {
    "source": "graph-signins",
    "service": "entra",
    "operation": "Sign-in",
    "result": "failure",
    "actor": "eve@contoso.example",
    "ip": "2001:db8::7",
    "correlation_id": "c-1",
}


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


@pytest.fixture
async def store(database: Database) -> Store:
    await ensure_indexes(database, ("events",))
    events = MongoEvents(database, lambda _tenant, _source: timedelta(days=30))

    async def insert(*made: Event) -> None:
        await events.insert(made, ["p1"] * len(made))

    return insert


@pytest.fixture(params=[MONGODB, SECANTUS, SECANTUS_RS], ids=["mongodb", "secantus", "secantus-rs"])
def search(database: Database, store: Store, request: pytest.FixtureRequest) -> MongoEventSearch:
    """As each server is asked: all find the same on any of them."""
    return MongoEventSearch(database, ManualClock(NOW), request.param)


def newest_first(made: list[Event]) -> list[str]:
    return [e.ocsf["metadata"]["uid"] for e in sorted(made, key=lambda e: e.id, reverse=True)]


async def found(search: MongoEventSearch, query: EventQuery = ALL) -> list[str]:
    return [event.ocsf["metadata"]["uid"] for event in (await search.search(query)).events]


async def paged(search: MongoEventSearch, query: EventQuery, between: Store | None = None) -> list[str]:
    records: list[str] = []
    while True:
        page = await search.search(query)
        records += [event.ocsf["metadata"]["uid"] for event in page.events]
        if not page.more:
            return records
        if between is not None:
            await between(event(f"new after {len(records)}", NOW + timedelta(seconds=len(records))))
        query = replace(query, before=page.events[-1].id)


async def test_events_come_newest_first(search: MongoEventSearch, store: Store) -> None:
    await store(event("old", ago(hours=2)), event("new"), event("middle", ago(minutes=1)))

    assert await found(search) == ["new", "middle", "old"]


async def test_records_own_text_comes_only_when_it_is_asked_for(search: MongoEventSearch, store: Store) -> None:
    await store(event("a", raw='{"Id":"a"}'))
    [with_text] = (await search.search(ALL, raw=True)).events
    [without] = (await search.search(ALL)).events

    assert (with_text.raw, without.raw) == ('{"Id":"a"}', None)


async def test_a_page_tells_whether_older_events_match(search: MongoEventSearch, store: Store) -> None:
    await store(*(event(str(number), ago(minutes=number)) for number in range(3)))

    assert [(await search.search(replace(ALL, limit=limit))).more for limit in (2, 3, 4)] == [True, False, False]


@each("limit", [1, 7, 50])
async def test_pages_give_each_event_exactly_once(search: MongoEventSearch, store: Store, limit: int) -> None:
    dice = Random(7)
    made = [event(f"same {number}") for number in range(12)]
    made += [event(f"r{number}", ago(seconds=dice.expovariate(1 / 90_000))) for number in range(40)]
    await store(*made)

    assert await paged(search, replace(ALL, limit=limit)) == newest_first(made)


async def test_events_that_arrive_between_pages_move_no_page(search: MongoEventSearch, store: Store) -> None:
    await store(*(event(str(number), ago(minutes=number)) for number in range(9)))

    assert await paged(search, replace(ALL, limit=2), between=store) == [str(number) for number in range(9)]


@pytest.mark.parametrize("field", EXACT)
async def test_a_filter_matches_its_field_exactly(search: MongoEventSearch, store: Store, field: str) -> None:
    value = EXACT[field]
    await store(
        event("it", **{field: value}),
        event("longer", **{field: value + "x"}),
        event("other"),
    )

    assert await found(search, replace(ALL, where=asking(**{field: value}))) == ["it"]


async def test_every_filter_must_match(search: MongoEventSearch, store: Store) -> None:
    await store(event("it", **EXACT), *(event(f"not {f}", **(EXACT | {f: "other"})) for f in EXACT))

    assert await found(search, replace(ALL, where=asking(**EXACT))) == ["it"]


async def test_every_term_must_occur(search: MongoEventSearch, store: Store) -> None:
    await store(
        event("both", terms=("dana", "invoices", "rule")),
        event("one", ago(hours=1), terms=("dana",)),
        event("other", ago(hours=2), terms=("invoices", "danas")),
    )

    assert await found(search, replace(ALL, where=asking(text="dana"))) == ["both", "one"]
    assert await found(search, replace(ALL, where=asking(text="invoices dana"))) == ["both"]
    assert await found(search, replace(ALL, where=asking(text="dana rule invoices", result="success"))) == ["both"]
    assert await found(search, replace(ALL, where=asking(text="dana absent"))) == []


async def test_a_range_holds_its_start_and_not_its_end(search: MongoEventSearch, store: Store) -> None:
    ms = timedelta(milliseconds=1)
    await store(event("before", NOW - ms), event("start"), event("later", NOW + ms), event("end", NOW + 2 * ms))

    assert await found(search, replace(ALL, start=NOW, end=NOW + 2 * ms)) == ["later", "start"]
    assert await found(search, replace(ALL, start=NOW, end=NOW)) == []
    assert await found(search, replace(ALL, end=NOW)) == ["before"]


async def test_parts_of_a_millisecond_in_a_range_count(search: MongoEventSearch, store: Store) -> None:
    await store(event("now"))
    little = timedelta(microseconds=1)

    assert await found(search, replace(ALL, start=NOW + little)) == []
    assert await found(search, replace(ALL, start=NOW, end=NOW + little)) == ["now"]


@each("filters", [{}, EXACT, {"text": "eve sign"}, {"correlation_id": "c-1"}])
async def test_no_search_and_no_facet_takes_events_of_another_tenant(search, store, filters) -> None:
    await store(event("ours", **EXACT), event("theirs", tenant="fabrikam", **EXACT))

    query = replace(ALL, where=asking(**filters))
    assert await found(search, query) == ["ours"]
    assert await found(search, replace(query, scope=Scope("fabrikam"))) == ["theirs"]
    assert await found(search, replace(query, scope=Scope("nobody"))) == []
    assert (await search.facets(query, ("result",), 9)).fields == {"result": [("failure", 1)]}


async def test_an_id_unknown_or_of_another_tenant_leads_to_nothing(search: MongoEventSearch, store: Store) -> None:
    theirs = event("theirs", tenant="fabrikam")
    await store(event("ours"), theirs)

    assert await search.get(Scope("contoso"), event("unknown").id) is None
    assert await search.get(Scope("contoso"), theirs.id) is None
    assert await search.get(Scope("fabrikam"), theirs.id) is not None


async def test_raw_text_comes_with_one_event_and_not_with_pages(search: MongoEventSearch, store: Store) -> None:
    hostile = '{"a":"\u2028\x1b[31m\\u0000<script>\'\\""}'
    made = event("a", raw=hostile, unmapped={"$ne": {"a.b": None}}, tags=("no-id",), correlation_id="c-1")
    await store(made)
    one = await search.get(Scope("contoso"), made.id)
    listed = (await search.search(ALL)).events[0]

    assert (one.raw, one.page, one.unmapped) == (hostile, "p1", {"$ne": {"a.b": None}})
    assert listed == replace(one, raw=None)
    assert (one.time, one.tags, one.correlation_id) == (NOW, ("no-id",), "c-1")


async def test_the_text_of_records_is_looked_through_where_a_query_says_so(search, store) -> None:
    await store(
        event("path", raw=r'{"Path":"C:\\Users\\kim\\wombat.exe"}'),
        event("coded", ago(minutes=1), raw=r'{"City":"M\u00c1laga\nwombat"}', actor="eve@contoso.example"),
        event("other", ago(minutes=2), raw='{"wombats":1}'),
    )

    def asked(query: str) -> EventQuery:
        return replace(ALL, where=parse(query))

    assert await found(search, asked("raw:wombat")) == ["path", "coded"]
    assert await found(search, asked("raw:womba*")) == ["path", "coded", "other"]
    assert await found(search, asked(r"raw:users\kim")) == ["path"]
    assert await found(search, asked("raw:málaga")) == ["coded"]
    assert await found(search, asked("-raw:wombat")) == ["other"]
    assert await found(search, asked("raw:wombat actor:eve@contoso.example")) == ["coded"]


@pytest.mark.timeout(20)
async def test_events_of_the_future_or_without_a_time_are_found_each_time(search, store) -> None:
    await store(event("future", NOW + timedelta(days=400)), event("now"), event("no time", ids.EPOCH))

    for _ in range(3):
        assert await paged(search, replace(EVER, limit=1)) == ["future", "now", "no time"]
    assert await found(search, replace(EVER, where=asking(actor="nobody"))) == []
    await store(event("further", NOW + timedelta(days=4000)), event("nearer", NOW + timedelta(minutes=1)))
    assert await found(search, EVER) == ["further", "future", "nearer", "now", "no time"]


async def test_new_events_are_found_after_silent_searches(search: MongoEventSearch, store: Store) -> None:
    await store(event("first", ago(days=3)))
    seen = [await found(search), await found(search)]
    await store(event("second", ago(days=2)), event("third", ago(seconds=1)))

    assert [*seen, await found(search)] == [["first"], ["first"], ["third", "second", "first"]]


@each(
    "query", [EVER, replace(EVER, where=asking(text="dana")), replace(EVER, where=asking(actor="dana@contoso.example"))]
)
async def test_events_spread_over_years_are_all_found(search, store, query) -> None:
    dice = Random(3)
    heaps = [ago(days=days) for days in (0, 1, 45, 400, 2_000, 3_700, 9_000, 15_000)]
    times = [heap - timedelta(seconds=dice.random() * 600) for heap in heaps for _ in range(9)]
    made = [event(f"{number}", time) for number, time in enumerate(times)]
    await store(*made)

    assert await paged(search, replace(query, limit=20)) == newest_first(made)


async def test_facets_count_the_most_frequent_first_and_equals_by_value(search, store) -> None:
    actors = ["eve", "dana", "dana", "bob", "eve", "zoe", "adam", None]
    await store(*(event(str(n), ago(minutes=n), actor=actor) for n, actor in enumerate(actors)))
    counts = await search.facets(ALL, ("actor", "result"), 3)

    assert counts.fields == {"actor": [("dana", 2), ("eve", 2), ("adam", 1)], "result": [("success", 8)]}
    assert counts.complete


async def test_facets_count_what_the_filters_leave(search: MongoEventSearch, store: Store) -> None:
    await store(event("a", result="failure"), event("b", ago(days=2), result="failure"), event("c"))
    counts = await search.facets(replace(ALL, where=asking(result="failure"), start=ago(days=1)), ("operation",), 10)

    assert counts.fields == {"operation": [("Set-Mailbox", 1)]}


async def test_facets_count_what_several_values_of_a_filter_find(search: MongoEventSearch, store: Store) -> None:
    await store(event("a", actor="eve"), event("b", actor="bob"), event("c", ago(days=2), actor="dana"))
    either = tuple(value for clause in asking(actor="eve") + asking(actor="bob") for value in clause.values)

    counts = await search.facets(replace(ALL, where=(Clause("actor", either),)), ("actor", "operation"), 10)

    assert counts.fields == {"actor": [("bob", 1), ("eve", 1)], "operation": [("Set-Mailbox", 2)]}


async def test_facets_of_more_events_than_are_counted_say_so(search, store, monkeypatch) -> None:
    monkeypatch.setattr(event_search, "FACET_EVENTS", 3)
    await store(*(event(str(n), ago(minutes=n), actor=f"a{n}") for n in range(3)))
    exactly = await search.facets(ALL, ("actor",), 10)
    await store(event("older", ago(days=2), actor="old"))
    more = await search.facets(ALL, ("actor",), 10)

    assert (exactly.complete, more.complete) == (True, False)
    assert more.fields == {"actor": [("a0", 1), ("a1", 1), ("a2", 1)]}


async def test_values_of_fields_come_newest_first_with_their_times(search, store, monkeypatch) -> None:
    monkeypatch.setattr(field_values, "_TOGETHER", 2)
    await store(*(event(str(n), ago(minutes=n), actor=None if n == 1 else f"a{n}") for n in range(5)))
    whole = await search.field_values(ALL, ("actor", "result"), 5)
    part = await search.field_values(ALL, ("actor",), 4)

    assert [row.values for row in whole.rows] == [(a, "success") for a in ("a0", None, "a2", "a3", "a4")]
    assert [row.time_ms for row in whole.rows] == [ids.to_ms(ago(minutes=n)) for n in range(5)]
    assert (whole.complete, part.complete) == (True, False)
    assert [row.values for row in part.rows] == [("a0",), (None,), ("a2",), ("a3",)]
    with pytest.raises(Malformed, match="raw"):
        await search.field_values(ALL, ("raw",), 10)


async def test_a_facet_of_no_such_field_is_refused(search: MongoEventSearch) -> None:
    with pytest.raises(Malformed, match="raw"):
        await search.facets(ALL, ("actor", "raw"), 10)


@each("field", [*EXACT, "text"])
async def test_a_filter_that_is_not_text_is_refused(search: MongoEventSearch, field: str) -> None:
    for value in ({"$ne": None}, {"$gt": ""}, ["x"], 1):
        need, check = ((Span(value, value),),), Check("equal", value)
        hostile = replace(ALL, where=(Clause(field, (Value(need if field == "text" else (), check),)),))
        with pytest.raises(Malformed, match=field):
            await search.search(hostile)
        with pytest.raises(Malformed, match=field):
            await search.facets(hostile, ("actor",), 10)


async def test_a_store_that_is_away_is_a_transient_failure() -> None:
    async with connect(MongoSettings(uri="mongodb://127.0.0.1:1", timeout_s=0.2)) as database:
        search = make_event_search(database)
        asking = (search.search(ALL), search.get(Scope("contoso"), event("a").id), search.facets(ALL, ("ip",), 1))
        assert [type(it) for it in await asyncio.gather(*asking, return_exceptions=True)] == [Unreachable] * 3


WIDE = {
    "near": {"ip": "203.0.113.9", "actor": "ada.hollander@contoso.example", "operation": "New-InboxRule"},
    "far": {"ip": "203.0.114.1", "actor": "hollis@contoso.example", "operation": "Set-InboxRule", "service": "entra"},
    "six": {"ip": "2001:db8::7", "actor": "adam@contoso.example", "operation": "Sign-in", "service": "sharepoint"},
}


@each(
    ("where", "names"),
    [
        ((Clause("text", (values.beginning("text", "holl"),)),), ["near", "far"]),
        ((Clause("text", (values.beginning("text", "ada.holl"),)),), ["near"]),
        ((Clause("actor", (values.beginning("actor", "Ada"),)),), ["near", "six"]),
        ((Clause("operation", (values.beginning("operation", "new-"),)),), ["near"]),
        ((Clause("service", (values.beginning("service", "ex"),)),), ["near"]),
        (asking(ip="203.0.113.0/24"), ["near"]),
        (asking(ip="203.0.112.0/22"), ["near", "far"]),
        (asking(ip="203.0."), ["near", "far"]),
        (asking(ip="2001:db8::/32"), ["six"]),
        (asking(ip="::/0"), ["six"]),
        (asking(actor="hollis"), ["far"]),
        (asking(operation="set-INBOXRULE"), ["far"]),
        (asking(service="Entra"), ["far"]),
        ((Clause("service", tuple(values.exactly("service", one) for one in ("entra", "exchange"))),), ["near", "far"]),
        ((Clause("ip", (values.exactly("ip", "::/0"), values.exactly("ip", "203.0.113.9"))),), ["near", "six"]),
        ((Clause("text", (values.exactly("text", "adam"), values.exactly("text", "ada"))),), ["near", "six"]),
        ((Clause("service", (values.exactly("service", "entra"),), excluded=True),), ["near", "six"]),
        ((*asking(text="contoso"), Clause("text", (values.exactly("text", "inboxrule"),), excluded=True)), ["six"]),
        ((Clause("ip", (values.exactly("ip", "203.0.113.0/24"),), excluded=True),), ["far", "six"]),
        ((Clause("text", (values.phrase("Inbox Rule (payroll)"),)),), ["near"]),
        ((Clause("text", (values.phrase("rule inbox"),)),), []),
    ],
)  # fmt: skip
async def test_a_clause_finds_what_it_says(search: MongoEventSearch, store: Store, where, names) -> None:
    for number, (name, fields) in enumerate(WIDE.items()):
        told = {"near": "created an inbox rule: payroll", "far": "inbox: a rule"}.get(name, "")
        made = event(name, ago(minutes=number), **fields)
        ocsf = made.ocsf | {"message": told}
        found_by = (*made.terms, *terms.name_terms(told))
        await store(replace(made, ocsf=ocsf, terms=found_by))

    assert await found(search, replace(ALL, where=where)) == names


async def test_an_actor_is_found_by_the_name_that_is_shown(search: MongoEventSearch, store: Store) -> None:
    named = event("it", terms=("mara", "holland", "dana", "contoso"))
    named.ocsf["actor"] = {"user": {"name": "Mara Holland", "uid": "u-1"}}
    target = event("about her", ago(hours=1), terms=("mara", "holland"))
    await store(named, target)

    assert await found(search, replace(ALL, where=asking(actor="mara holland"))) == ["it"]
    assert await found(search, replace(ALL, where=asking(actor="Mara"))) == []


async def test_an_address_is_found_as_events_of_before_spell_it(search: MongoEventSearch, store: Store) -> None:
    await store(event("before", terms=("203.0.113.9",)), event("now", ago(hours=1)))

    assert await found(search, replace(ALL, where=asking(ip="203.0.113.9"))) == ["before", "now"]
    assert await found(search, replace(ALL, where=asking(text="203.0.113.9"))) == ["before", "now"]

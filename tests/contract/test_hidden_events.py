"""What is hidden from a reader is nowhere in what he is answered, held against a real MongoDB-protocol server."""

from __future__ import annotations

import json
import threading
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import bson
import pytest

from aoc_common.contracts import terms
from aoc_common.contracts.access import Hidden, Scope
from aoc_common.contracts.privacy.seen import seen
from aoc_common.contracts.query import grammar, values
from aoc_common.contracts.query.filters import Clause
from aoc_common.store.hints import Hints
from aoc_common.store.mongo import visible_events
from aoc_common.store.mongo.client import CODEC, Database, ensure_indexes
from aoc_common.store.mongo.event_search import MongoEventSearch
from aoc_common.store.mongo.event_versions import version_key
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.server_kinds import MONGODB, SECANTUS, SECANTUS_RS
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.mongo.term_edition import MongoTermEdition
from aoc_common.store.mongo.vocabulary import MongoVocabulary
from aoc_common.store.searches import EventQuery
from each import each
from making import NOW, an_event
from manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from aoc_common.contracts.event import Event, StoredEvent

EVERY = EventQuery(Scope("contoso"))
NO_MAIL = Hidden(services=frozenset({"exchange"}))
NO_RULES = Hidden(operations=frozenset({"new-inboxrule"}))
NO_SUBJECTS = Hidden(fields=frozenset({"subject"}))


def mail(record: str, subject: str, minutes: int = 0, **changes: Any) -> Event:
    """Somebody read a mail: its subject stands in the record, in the sentence, in an observable and in the terms."""
    message = f"Dana Reyes read {subject}"
    made = {
        "operation": "MailItemsAccessed",
        "raw": json.dumps({"Id": record, "Item": {"Subject": subject}, "Folder": "Inbox"}),
        "unmapped": {"Item": {"Subject": subject}},
        "ocsf": {
            "class_uid": 6003,
            "metadata": {"uid": record},
            "message": message,
            "observables": [{"name": "target", "type_id": 10, "type": "Resource UID", "value": subject}],
            "resources": [{"name": subject, "type": "message"}],
        },
        "terms": (*terms.name_terms(message), "mailitemsaccessed"),
    }
    return an_event(record, NOW - timedelta(minutes=minutes), **(made | changes))


@pytest.fixture
async def store(database: Database) -> Callable[..., Awaitable[None]]:
    await ensure_indexes(database, ("events", "vocabulary", "event_versions"))
    await MongoTermEdition(database).begin()
    events = MongoEvents(database, lambda _tenant, _source: timedelta(days=30))

    async def insert(*made: Event) -> None:
        await events.insert(made, ["p1"] * len(made))

    return insert


@pytest.fixture(params=[MONGODB, SECANTUS, SECANTUS_RS], ids=["mongodb", "secantus", "secantus-rs"])
def search(database: Database, store: object, request: pytest.FixtureRequest) -> MongoEventSearch:
    return MongoEventSearch(database, ManualClock(NOW), request.param)


def asking(hidden: Hidden, q: str = "", **changes: Any) -> EventQuery:
    return replace(EVERY, scope=Scope("contoso", hidden), where=grammar.parse(q), **changes)


async def found(search: MongoEventSearch, query: EventQuery) -> list[str]:
    return [event.ocsf["metadata"]["uid"] for event in (await search.search(query)).events]


@pytest.mark.parametrize("hidden", [NO_MAIL, NO_RULES])
async def test_events_that_are_hidden_whole_are_in_no_answer(search, store, hidden) -> None:
    rule = an_event("rule", operation="New-InboxRule")
    await store(rule, an_event("sign-in", service="entra", operation="Sign-in", ip="203.0.113.77"))
    query = asking(hidden)

    assert await found(search, query) == ["sign-in"]
    assert await search.get(query.scope, rule.id) is None
    assert await search.versions(query.scope, rule.id) == []
    assert await search.count(query, 10) == (1, True)
    facets = (await search.facets(query, ("service", "operation"), 5)).fields
    assert facets == {"service": [("entra", 1)], "operation": [("Sign-in", 1)]}
    assert await found(search, asking(hidden, "service:exchange")) == []
    assert await found(search, asking(hidden, "operation:new-inboxrule OR operation:sign-in")) == ["sign-in"]
    assert set(await found(search, EVERY)) == {"rule", "sign-in"}


async def test_an_operation_is_hidden_however_it_is_spelt(search, store) -> None:
    spelt = ("NEW-InboxRule", "new-inboxrule", "New-INBOXRULE")
    await store(*(an_event(name, operation=name) for name in spelt), an_event("other"))

    assert await found(search, asking(NO_RULES)) == ["other"]
    assert await search.count(asking(NO_RULES), 10) == (1, True)
    assert NO_RULES.hides("exchange", "New-InboxRule.")
    assert Hidden(services=frozenset({"exchange"})).hides("Exchange", "x")


async def test_a_hidden_kind_that_appears_after_a_search_began_is_hidden_too(search, store) -> None:
    await store(an_event("first", service="entra"))
    assert await found(search, asking(NO_MAIL)) == ["first"]
    await store(an_event("second"), an_event("third", service="teams"))

    assert set(await found(search, asking(NO_MAIL))) == {"first", "third"}


async def test_a_hidden_value_stands_nowhere_in_an_answer(search, store) -> None:
    made = mail("a", "Redundancies in Lisbon")
    await store(made)
    query = asking(NO_SUBJECTS)

    listed = (await search.search(query)).events[0]
    whole = await search.get(query.scope, made.id)
    versions = await search.versions(query.scope, made.id)
    for event in (listed, whole, *versions):
        told = json.dumps([event.ocsf, event.unmapped, event.raw]).lower()
        assert "redundanc" not in told
        assert "lisbon" not in told
        assert "dana reyes" in told
    assert listed.raw is None
    assert "[hidden]" in whole.raw


@each(
    "q",
    [
        "redundancies",
        "raw:redundancies",
        "raw:redund*",
        "redundan*",
        '"redundancies in lisbon"',
        "lisbon dana",
        "lisbon,paris",
    ],
)
async def test_an_event_is_not_found_by_what_is_hidden_of_it(search, store, q) -> None:
    await store(mail("a", "Redundancies in Lisbon"))
    if "," in q:
        q = "lisbon OR paris"

    assert await found(search, asking(Hidden(), q)) == ["a"]
    assert await found(search, asking(NO_SUBJECTS, q)) == []
    assert await search.count(asking(NO_SUBJECTS, q), 10) == (0, True)
    assert (await search.facets(asking(NO_SUBJECTS, q), ("actor",), 5)).fields == {"actor": []}


async def test_what_is_left_out_does_not_tell_by_what_is_missing(search, store) -> None:
    await store(mail("a", "Redundancies in Lisbon"), mail("b", "Lunch", minutes=1))

    assert await found(search, asking(Hidden(), "-redundancies")) == ["b"]
    assert await found(search, asking(NO_SUBJECTS, "-redundancies")) == ["a", "b"]
    assert await found(search, asking(NO_SUBJECTS, "-raw:redundancies")) == ["a", "b"]
    assert await found(search, asking(NO_SUBJECTS, "-reyes")) == []


async def test_records_own_text_comes_without_what_is_hidden_and_only_when_it_is_asked_for(search, store) -> None:
    await store(mail("a", "walrus"))
    query = replace(EVERY, scope=Scope("contoso", NO_SUBJECTS))
    [with_text] = (await search.search(query, raw=True)).events
    [without] = (await search.search(query)).events

    assert "Inbox" in (with_text.raw or "")
    assert "walrus" not in (with_text.raw or "")
    assert without.raw is None


async def test_what_is_not_hidden_finds_events_as_before(search, store) -> None:
    await store(mail("a", "Redundancies"), mail("b", "Holidays of Noel", minutes=1, actor="noel@contoso.example"))

    assert await found(search, asking(NO_SUBJECTS, "reyes mailitemsaccessed")) == ["a", "b"]
    assert await found(search, asking(NO_SUBJECTS, "actor:noel")) == ["b"]
    assert await found(search, asking(NO_SUBJECTS, "reyes service:exchange")) == ["a", "b"]


async def test_pages_are_full_though_many_events_match_by_hidden_words_only(search, store, monkeypatch) -> None:
    made = [mail(f"h{number}", "Payroll", minutes=number) for number in range(60)]
    shown = [an_event(f"s{n}", NOW - timedelta(minutes=100 + n), terms=("payroll",), ocsf={
        "metadata": {"uid": f"s{n}"}, "class_uid": 6003, "message": "Payroll opened"}) for n in range(30)]  # fmt: skip
    await store(*made, *shown)
    query = asking(NO_SUBJECTS, "payroll", limit=10)

    records: list[str] = []
    while True:
        page = await search.search(query)
        records += [event.ocsf["metadata"]["uid"] for event in page.events]
        if not page.more:
            break
        query = replace(query, before=page.events[-1].id)
    assert records == [f"s{n}" for n in range(30)]

    monkeypatch.setattr(visible_events, "_MOST", 16)
    page = await search.search(replace(query, before=None))
    assert (page.events, page.more) == ((), False)
    assert page.searched_to is not None
    assert (await search.count(replace(query, before=None), 10)) == (0, False)


async def test_facets_of_hidden_kinds_have_no_values(search, store) -> None:
    await store(an_event("a", ocsf={"class_uid": 6003, "metadata": {"uid": "a"},
                "src_endpoint": {"ip": "203.0.113.9", "location": {"country": "PT"}}}))  # fmt: skip
    fields = ("ip", "country", "actor")

    for kind, without in (("address", "ip"), ("location", "country")):
        counted = (await search.facets(asking(Hidden(fields=frozenset({kind}))), fields, 5)).fields
        assert [name for name in fields if not counted[name]] == [without]
    hidden = Hidden(fields=frozenset({"address"}))
    assert await found(search, asking(hidden, "ip:203.0.113.0/24")) == []
    assert await found(search, asking(hidden, "-ip:203.0.113.9")) == ["a"]
    assert (await search.search(asking(hidden))).events[0].ip is None


async def test_of_two_twins_one_that_is_hidden_leaves_no_trace_and_the_other_one_stays(
    search, store, database: Database
) -> None:
    first, second = an_event("first", service="entra"), an_event("second", NOW + timedelta(seconds=1))
    await store(first, second)
    await database["events"].update_one({"_id": first.id}, {"$set": {"twin": second.id}})
    await database["events"].update_one({"_id": second.id}, {"$set": {"twin_of": first.id}})
    no_entra = Hidden(services=frozenset({"entra"}))
    no_teams = Hidden(services=frozenset({"teams"}))

    assert await found(search, asking(Hidden(), twins=False)) == ["first"]
    assert await found(search, asking(no_teams, twins=False)) == ["first"]
    assert await found(search, asking(no_entra, twins=False)) == ["second"]
    assert await search.count(asking(no_entra, twins=False), 5) == (1, True)
    alone = await search.get(Scope("contoso", no_entra), second.id)
    both = await search.get(Scope("contoso", no_teams), second.id)
    assert alone is not None
    assert both is not None
    assert (alone.twin_of, both.twin_of) == (None, first.id)


async def test_a_version_of_a_hidden_service_is_neither_listed_nor_found_by(search, store, database: Database) -> None:
    made = an_event("a", service="teams", terms=("dana", "payroll"),
                    ocsf={"class_uid": 6003, "metadata": {"uid": "a"}, "message": "dana wrote"})  # fmt: skip
    await store(made)
    document = await database["events"].find_one({"_id": made.id})
    assert document is not None
    for number, service in ((1, "exchange"), (2, "teams")):
        version = bson.decode(bson.encode(document, codec_options=CODEC), CODEC)
        version |= {"_id": version_key(made.id, number), "event_id": made.id, "number": number, "service": service}
        await database["event_versions"].insert_one(version)
    await database["events"].update_one({"_id": made.id}, {"$set": {"version": 2, "versions": 2}})
    scope = Scope("contoso", NO_MAIL)

    assert [one.version for one in await search.versions(Scope("contoso"), made.id)] == [1, 2]
    assert [one.version for one in await search.versions(scope, made.id)] == [2]
    assert await search.versions(Scope("contoso", Hidden(services=frozenset({"teams"}))), made.id) == []
    assert await found(search, asking(Hidden(), "payroll")) == ["a"]
    assert await found(search, asking(NO_MAIL, "payroll")) == []
    assert await found(search, asking(NO_MAIL, "dana")) == ["a"]


async def test_a_word_that_only_hidden_events_have_is_one_that_no_event_has(database, store) -> None:
    plain = {"class_uid": 6003, "metadata": {"uid": "b"}, "message": "Mara Holland signed in"}
    await store(mail("a", "Redundancies"), an_event("b", service="entra", terms=("mara", "holland"), ocsf=plain))
    hints = Hints(MongoEventSearch(database), MongoVocabulary(database), MongoSources(database).by_tenant)

    for hidden in (NO_SUBJECTS, NO_MAIL):
        for word, unknown in (("redundancies", ("redundancies",)), ("redundancis", ("redundancis",)), ("holland", ())):
            query = replace(asking(hidden), where=(Clause("text", (values.exactly("text", word),)),))
            hint = await hints.of(query, [("q", "text", word)])

            assert (hint.unknown, dict(hint.instead)) == (unknown, {})
    query = replace(EVERY, where=grammar.parse("redundancis"))
    assert dict((await hints.of(query, [("q", "text", "redundancis")])).instead) == {"q": "redundancies"}


class Impatient:
    """`Pace` of a search that has so many turns."""

    def __init__(self, turns: int) -> None:
        self._turns = turns

    @asynccontextmanager
    async def turn(self, needed_s: float = 0.0) -> AsyncIterator[float | None]:
        self._turns -= 1
        yield 20.0 if self._turns >= 0 else None


@each("turns", [2, 3, 5])
async def test_a_search_that_runs_out_of_time_says_where_it_stopped_and_goes_on_there(search, store, turns) -> None:
    await store(*(mail(f"h{n}", "Payroll", n) for n in range(40)), an_event("last", NOW - timedelta(hours=2), ocsf={
        "metadata": {"uid": "last"}, "class_uid": 6003, "message": "payroll"}, terms=("payroll",)))  # fmt: skip
    query, records, asked = asking(NO_SUBJECTS, "payroll", limit=5), [], 0
    while True:
        page = await search.search(query, Impatient(turns))
        records += [event.ocsf["metadata"]["uid"] for event in page.events]
        asked += 1
        if page.searched_to is None:
            break
        query = replace(query, before=page.searched_to)

    assert records == ["last"]
    assert asked < 60


async def test_records_are_looked_through_beside_the_loop_which_serves_everybody(search, store, monkeypatch) -> None:
    threads = set()

    def noting(event: StoredEvent, hidden: Hidden) -> StoredEvent | None:
        threads.add(threading.get_ident())
        return seen(event, hidden)

    monkeypatch.setattr(visible_events, "seen", noting)
    made = mail("a", "Payroll")
    await store(made)
    await found(search, asking(NO_SUBJECTS, "reyes"))
    await search.get(Scope("contoso", NO_SUBJECTS), made.id)

    assert threads
    assert threading.get_ident() not in threads

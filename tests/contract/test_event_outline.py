"""What is noted of a tenant's events, held against a real MongoDB-protocol server, and what searches make of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from aoc_common.contracts.access import Scope
from aoc_common.contracts.query import values
from aoc_common.contracts.query.filters import Clause
from aoc_common.errors import Unreachable
from aoc_common.store.mongo import event_outline
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.event_outline import Kind, MongoOutline, fill
from aoc_common.store.mongo.event_search import make_event_search
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.searches import EventQuery
from making import NOW, an_event, asking
from manual_clock import ManualClock

if TYPE_CHECKING:
    from aoc_common.contracts.event import Event
    from aoc_common.store.mongo.client import Database

MAILBOX = Kind("o365-exchange", "exchange", "Set-Mailbox", "success")
RULE = MAILBOX._replace(operation="New-InboxRule")


async def store(database: Database, *made: Event) -> None:
    events = MongoEvents(database, lambda _tenant, _source: timedelta(days=30))
    await events.insert(made, ["p"] * len(made))


async def found(database: Database, *where: Clause) -> list[str]:
    page = await make_event_search(database, ManualClock(NOW)).search(EventQuery(Scope("contoso"), where))
    return [one.ocsf["metadata"]["uid"] for one in page.events]


@pytest.fixture
async def indexed(database: Database) -> Database:
    await ensure_indexes(database, ("events",))
    return database


async def test_kinds_and_times_of_all_that_is_stored_are_noted(indexed: Database) -> None:
    earlier = NOW - timedelta(days=40)
    await store(indexed, an_event("1"), an_event("2", operation="New-InboxRule"), an_event("3", earlier))
    await store(indexed, an_event("4"), an_event("5", tenant="fabrikam"))
    outline = await MongoOutline(indexed).read("contoso")

    assert outline.kinds is not None
    assert set(outline.kinds) == {MAILBOX, RULE}
    assert outline.months == {"2026-11": 3, "2026-10": 1}
    assert await MongoOutline(indexed).hours("contoso", "2026-11") == {int(NOW.timestamp()) // 3600: 3}


async def test_hours_are_counted_once_many_events_wait_for_it_and_at_the_end(indexed: Database, monkeypatch) -> None:
    monkeypatch.setattr(event_outline, "_MOST_UNCOUNTED", 3)
    events = MongoEvents(indexed, lambda _tenant, _source: timedelta(days=30))
    counted = []
    for number in range(6):
        await events.insert([an_event(f"{number}")], ["p"])
        counted.append((await MongoOutline(indexed).read("contoso")).months)
    await events.count()
    await events.count()

    # The first is of a new kind, which is not put off.
    assert counted == [{"2026-11": number} for number in (1, 1, 1, 4, 4, 4)]
    assert (await MongoOutline(indexed).read("contoso")).months == {"2026-11": 6}
    assert await MongoOutline(indexed).hours("contoso", "2026-11") == {int(NOW.timestamp()) // 3600: 6}
    assert list(((await MongoOutline(indexed).read("contoso")).kinds or {}).values()) == [6]


async def test_of_events_of_before_nothing_is_known_until_all_are_noted(indexed: Database) -> None:
    await store(indexed, an_event("1"), an_event("2", operation="New-InboxRule"))
    await indexed["event_outline"].drop()
    await store(indexed, an_event("3", service="entra"))
    before = await MongoOutline(indexed).read("contoso")

    assert (before.kinds, before.months) == (None, None)
    assert await found(indexed, *asking(operation="new-inboxrule")) == ["2"]
    assert await fill(indexed) == 3
    outline = await MongoOutline(indexed).read("contoso")
    assert outline.kinds is not None
    assert set(outline.kinds) == {MAILBOX, RULE, MAILBOX._replace(service="entra")}
    assert await found(indexed, *asking(operation="new-inboxrule")) == ["2"]
    assert await fill(indexed) == 0


async def test_more_kinds_than_are_noted_are_found_all_the_same(indexed, monkeypatch) -> None:
    monkeypatch.setattr(event_outline, "_MOST_KINDS", 2)
    names = [f"Op-{number}" for number in range(5)]
    await store(indexed, *(an_event(name, NOW - timedelta(minutes=n), operation=name) for n, name in enumerate(names)))
    await store(indexed, an_event("again", NOW + timedelta(minutes=1), operation="Op-0"))

    assert (await MongoOutline(indexed).read("contoso")).kinds is None
    assert await found(indexed, *asking(operation="op-4")) == ["Op-4"]
    assert await found(indexed, *asking(service="exchange")) == ["again", *names]
    assert len((await indexed["event_outline"].find_one({"_id": "contoso kinds"}))["kinds"]) == 2


async def test_a_kind_that_is_seen_once_more_by_another_process_is_one(indexed: Database) -> None:
    for _ in range(2):
        await store(indexed, an_event("1"))

    assert len((await MongoOutline(indexed).read("contoso")).kinds or {}) == 1


async def test_what_could_not_be_written_comes_with_the_next_try(indexed: Database, monkeypatch) -> None:
    outline = MongoOutline(indexed)
    await outline.write()
    outline.note("contoso", MAILBOX, int(NOW.timestamp() * 1000))
    with monkeypatch.context() as away:
        away.setattr(outline, "_outline", _Away())
        with pytest.raises(Unreachable):
            await outline.write()
    await outline.write()

    assert set((await MongoOutline(indexed).read("contoso")).kinds or {}) == {MAILBOX}


class _Away:
    """A collection that is away."""

    async def find_one(self, *_args: object) -> None:
        raise Unreachable("away")


@pytest.mark.parametrize("time", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2150, 5, 1, tzinfo=UTC), NOW])
async def test_an_event_of_any_time_is_found_by_its_kind(indexed: Database, time: datetime) -> None:
    await store(indexed, an_event("it", time), an_event("other", operation="Other"))

    assert await found(indexed, *asking(operation="set-mailbox", service="exchange")) == ["it"]


@pytest.mark.parametrize(
    ("clause", "names"),
    [
        (Clause("operation", (values.beginning("operation", "new-"),)), ["rule"]),
        (Clause("service", (values.exactly("service", "exchange"),), excluded=True), ["sign-in"]),
        (Clause("result", (values.exactly("result", "failed"), values.exactly("result", "partial"))), ["sign-in"]),
        (Clause("source", (values.exactly("source", "nothing"),)), []),
        (Clause("source", (values.exactly("source", "nothing"),), excluded=True), ["mailbox", "rule", "sign-in"]),
    ],
)
async def test_what_a_clause_says_of_kinds_is_found(indexed: Database, clause: Clause, names: list[str]) -> None:
    sign_in = {"service": "entra", "source": "graph-signins", "operation": "Sign-in", "result": "failure"}
    made = [an_event("mailbox"), an_event("rule", operation="New-InboxRule"), an_event("sign-in", **sign_in)]
    await store(indexed, *(replace(one, time_ms=one.time_ms) for one in made))

    assert sorted(await found(indexed, clause)) == names

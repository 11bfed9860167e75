"""What the stores of alerts, hits, groups and rules promise, on a real MongoDB-protocol server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from aoc_common.contracts.access import Hidden, Scope
from aoc_common.contracts.alert import AlertNote
from aoc_common.contracts.alert_changes import AlertChange, changed, joined
from aoc_common.contracts.alert_message import AlertMessage
from aoc_common.errors import Unreachable
from aoc_common.store.alert_groups import AlertGroup, Span
from aoc_common.store.alert_hits import HITS_KEPT, Hit
from aoc_common.store.alert_search import AlertQuery
from aoc_common.store.alerts import MOST_WAITING, AlertWrite, StoredAlert
from aoc_common.store.counted_hits import CountedHit, CountedHitStore, Stretch
from aoc_common.store.mongo.alert_census import MongoAlertCensus
from aoc_common.store.mongo.alert_groups import MongoAlertGroups
from aoc_common.store.mongo.alert_hits import MongoHits
from aoc_common.store.mongo.alerts import MongoAlertOutbox, MongoAlerts, MongoAlertSearch
from aoc_common.store.mongo.client import Database, ensure_indexes
from aoc_common.store.mongo.counted_hits import MongoCountedHits
from aoc_common.store.mongo.rules import MongoRules
from aoc_common.store.mongo.tenant_data import MongoTenantData
from aoc_common.store.mongo.window_ends import MongoWindowEnds
from aoc_common.store.rules import RuleChange, RuleException, StoredRule
from aoc_common.store.window_ends import WindowEnd
from aoc_rules.evaluation.memory import MemoryHits
from made_alerts import DANA, KEEP, NOW, alert_event, alert_of
from manual_clock import ManualClock

if TYPE_CHECKING:
    from aoc_common.contracts.alert import Alert

CONTOSO = Scope("contoso")
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
async def alerts(database: Database) -> MongoAlerts:
    await ensure_indexes(database, ("alerts", "hits", "alert_groups"))
    return MongoAlerts(database, KEEP)


def new(alert: Alert) -> AlertWrite:
    return AlertWrite(alert, None, AlertMessage.of(alert))


def next_of(stored: StoredAlert, after: Alert) -> AlertWrite:
    return AlertWrite(after, stored, AlertMessage.of(after))


async def test_an_alert_comes_back_as_it_was_stored_with_what_people_did(alerts, database) -> None:
    first = joined(alert_of(), [alert_event(1, 5, old=True)], 2, NOW)
    note = AlertNote("0b1c", LATER, DANA, "Asked her.")
    second = changed(first, AlertChange("resolved", "low", "benign", DANA, note), DANA, LATER)

    assert await alerts.write([new(first)]) == {first.id}
    stored = (await alerts.of([first.id]))[first.id]
    assert (stored.alert, stored.edition, stored.waiting) == (first, 1, 1)
    assert await alerts.write([next_of(stored, second)]) == {first.id}
    assert (await alerts.of([first.id]))[first.id].alert == second


async def test_of_two_who_change_what_they_have_read_one_does(alerts, database) -> None:
    alert = alert_of()
    made = await asyncio.gather(*(alerts.write([new(alert)]) for _ in range(4)))
    assert sorted(map(len, made)) == [0, 0, 0, 1]

    stored = (await alerts.of([alert.id]))[alert.id]
    some = [changed(alert, AlertChange(status), DANA, LATER) for status in ("acknowledged", "suppressed", "resolved")]
    changes = await asyncio.gather(*(alerts.write([next_of(stored, one)]) for one in some))
    assert sorted(map(len, changes)) == [0, 0, 1]
    other = alert_of(alert_event(1))
    assert await alerts.write([next_of(stored, some[0]), new(other)]) == {other.id}  # one of several is told apart


async def test_each_revision_waits_until_it_is_published(alerts, database) -> None:
    outbox, alert = MongoAlertOutbox(database), alert_of()
    await alerts.write([new(alert)])
    second = changed(alert, AlertChange("acknowledged"), DANA, LATER)
    await alerts.write([next_of((await alerts.of([alert.id]))[alert.id], second)])

    census = MongoAlertCensus(database)
    (waiting,) = await outbox.waiting(10)
    assert waiting.messages == (AlertMessage.of(alert), AlertMessage.of(second))
    assert await census.unpublished() == 1
    await outbox.published([replace(waiting, messages=waiting.messages[:1])])
    assert [one.messages for one in await outbox.waiting(10)] == [(AlertMessage.of(second),)]
    for _ in range(2):
        await outbox.published([waiting])
        assert await outbox.waiting(10) == []
    assert await census.unpublished() == 0
    counted = replace(second, count=7)
    stored = (await alerts.of([alert.id]))[alert.id]
    assert await alerts.write([AlertWrite(counted, stored, None)]) == {alert.id}
    assert await outbox.waiting(10) == []
    stored = (await alerts.of([alert.id]))[alert.id]
    assert (stored.alert.count, [one async for one in census.alerts()]) == (7, [stored])


async def test_how_long_an_alert_is_kept_says_who_raises_it(alerts, database) -> None:
    alert = alert_of()
    await alerts.write([new(alert)])
    stored = (await alerts.of([alert.id]))[alert.id]
    noted = changed(alert, AlertChange("acknowledged"), DANA, LATER)
    await MongoAlerts(database, None).write([next_of(stored, noted)])
    assert (await database["alerts"].find_one({"_id": alert.id}))["expire_at"] == NOW + KEEP

    more = joined(noted, [alert_event(1)], 2, LATER)
    await alerts.write([next_of((await alerts.of([alert.id]))[alert.id], more)])
    assert (await database["alerts"].find_one({"_id": alert.id}))["expire_at"] == LATER + KEEP


async def test_what_cannot_be_published_is_bounded(alerts, database) -> None:
    alert = alert_of()

    with pytest.raises(Unreachable, match="50 revisions of it wait"):
        await alerts.write([AlertWrite(alert, StoredAlert(alert, 1, MOST_WAITING), AlertMessage.of(alert))])


async def test_alerts_are_found_newest_first_by_what_is_asked(alerts, database) -> None:
    search = MongoAlertSearch(database)
    other_rule = replace(alert_of().rule, id="another")
    some = [alert_of(alert_event(number, number)) for number in range(3)]
    some.append(alert_of(alert_event(3, 3), rule=other_rule, status="resolved", severity="low", assignee=DANA))
    await alerts.write([new(one) for one in (*some, alert_of(tenant="fabrikam"))])

    async def found(**more) -> list[int]:
        return [some.index(one) for one in await search.search(AlertQuery(CONTOSO, **more))]

    assert await found() == [3, 2, 1, 0]
    assert await found(limit=2) == [3, 2]
    assert await found(before=some[2].id) == [1, 0]
    assert await found(statuses=("resolved", "suppressed")) == [3]
    assert await found(severities=("high",), end=NOW + timedelta(minutes=2)) == [1, 0]
    assert await found(start=NOW + timedelta(minutes=2), before=some[3].id) == [2]
    assert await found(rule="another") == await found(assignee=DANA.id) == [3]
    assert await found(event=some[1].events[0].id) == [1]
    facts = await search.facts(AlertQuery(CONTOSO, limit=1))
    assert [(one.rule, one.status, one.acknowledged_s) for one in facts] == [("another", "resolved", None)]


async def test_an_alert_is_of_one_tenant_and_hidden_with_any_of_its_events(alerts, database) -> None:
    search = MongoAlertSearch(database)
    alert = alert_of(alert_event(), alert_event(1, service="Teams", operation="ChatCreated"))
    await alerts.write([new(alert)])

    def scope(**hidden) -> Scope:
        return Scope("contoso", Hidden(**{name: frozenset({value}) for name, value in hidden.items()}))

    seen = [scope(), scope(services="sharepoint"), scope(fields="subject")]
    assert [await search.get(one, alert.id) is not None for one in seen] == [True, True, True]
    for one in (Scope("fabrikam"), scope(services="teams"), scope(operations="chatcreated")):
        assert await search.get(one, alert.id) is None
        assert await search.search(AlertQuery(one)) == []
        assert await search.facts(AlertQuery(one)) == []


async def test_a_hit_stays_of_the_alert_that_it_was_of(alerts, database) -> None:
    hits = MongoHits(database)
    alert, other, event = alert_of(), alert_of(alert_event(1)), alert_event()
    hit = Hit("contoso", "rule", event.id, event.at, "group", alert.id)

    assert await hits.known([hit.key]) == {}
    assert await hits.add([hit, hit]) == {hit.key: alert.id}
    again = [replace(hit, alert=other.id), replace(hit, rule="another")]
    assert await hits.add(again) == {hit.key: alert.id, ("another", event.id): alert.id}
    assert await hits.known([hit.key, ("none", event.id)]) == {hit.key: alert.id}
    assert await hits.count("contoso", alert.id, 10) == 2
    assert await hits.count("contoso", alert.id, 1) == 1
    assert await hits.count("fabrikam", alert.id, 10) == 0
    listed = [one async for one in MongoAlertCensus(database).hits()]
    assert sorted(listed, key=lambda one: one.rule) == [replace(hit, rule="another"), hit]


async def test_a_group_is_changed_by_one_at_a_time(alerts, database) -> None:
    groups, alert = MongoAlertGroups(database), alert_of()
    span = Span(alert.id, NOW, LATER)
    made = [AlertGroup("k1", "contoso", 0, (span,)), AlertGroup("k2", "contoso", 0, ())]

    assert await groups.write(made) == {"k1", "k2"}
    assert await groups.read(["k1", "k3"]) == {"k1": replace(made[0], revision=1)}
    wrong = [replace(made[0], spans=()), replace(made[1], revision=1, spans=(span,))]
    assert await groups.write(wrong) == {"k2"}
    assert (await groups.read(["k1"]))["k1"].spans == (span,)


@pytest.mark.parametrize("kind", ["mongo", "memory"])
async def test_hits_that_are_counted_are_found_by_key_and_time_the_latest_of_too_many(alerts, database, kind) -> None:
    await ensure_indexes(database, ("counted_hits",))
    hits: CountedHitStore = MongoCountedHits(database) if kind == "mongo" else MemoryHits(4)
    event = alert_event(1)
    made = [
        CountedHit(
            "contoso", "r", uuid4(), NOW + timedelta(seconds=at), (key, "z"), (event,), HITS_KEPT, {"a.b": ("x",)}
        )
        for at, key in ((0, "k"), (1, "k"), (2, "k"), (2, "l"))
    ]
    await hits.add([*made, made[0]])
    await hits.add([replace(made[1], at=NOW)])

    async def times(most: int, *keys: str, end: float = 2) -> list[float]:
        found = await hits.within(Stretch(keys, NOW, NOW + timedelta(seconds=end)), most)
        return [(one.at - NOW).total_seconds() for one in found]

    assert await times(10, "k") == [0, 1, 2]
    assert await times(10, "k", end=1.999) == [0, 1]
    assert await times(10, "k", "l") == [0, 1, 2, 2]
    assert await times(2, "z", end=1) == [0, 1]
    assert await times(1, "k") == [2]
    (one,) = await hits.within(Stretch(("k",), NOW, NOW), 1)
    assert (one.values, one.rule, one.event) == ({"a.b": ("x",)}, "r", made[0].event)
    # What matched, and who did what, a store need not keep.
    kept = tuple(replace(held, matched=(), evidence=None) for held in one.events)
    assert kept == (replace(event, matched=(), evidence=None),)
    if isinstance(hits, MemoryHits):
        assert (hits.full, [held.at for held in hits.of("r")]) == (True, [held.at for held in made])


async def test_the_end_of_windows_is_one_replica_s_for_a_minute_and_stays_when_it_is_asked_for_again(database) -> None:
    await ensure_indexes(database, ("window_ends",))
    clock = ManualClock(NOW)
    ends, other = MongoWindowEnds(database, clock), MongoWindowEnds(database, clock)
    end = WindowEnd("k", "contoso", "c", ("kim",), NOW, LATER, LATER)
    await ends.add([end, replace(end, key="l", due_at=LATER + timedelta(hours=1))])

    assert await ends.take(NOW, 10) == []
    taken = await asyncio.gather(ends.take(LATER, 10), other.take(LATER, 10))
    (mine,) = [one for some in taken for one in some]
    assert (mine.key, mine.group, mine.first, mine.last) == ("k", ("kim",), NOW, LATER)
    assert await other.take(LATER + timedelta(seconds=59), 10) == []
    await ends.add([end])
    await ends.done([mine])
    (again,) = await other.take(LATER + timedelta(minutes=1), 10)
    await other.done([again])
    await other.done([])
    assert await database["window_ends"].count_documents({}) == 1


async def test_who_took_the_end_of_windows_by_a_clock_that_was_ahead_and_died_holds_up_nobody(database) -> None:
    await ensure_indexes(database, ("window_ends",))
    ends = MongoWindowEnds(database)
    due = WindowEnd("k", "contoso", "c", ("kim",), NOW, NOW, NOW)
    await ends.add([due, replace(due, key="later", due_at=LATER + timedelta(days=9))])
    (lost,) = await ends.take(NOW + timedelta(days=3), 10)

    (taken,) = await ends.take(LATER, 10)
    assert taken.key == lost.key == "k"
    assert await ends.take(LATER + timedelta(seconds=59), 10) == []


async def test_what_is_kept_of_a_tenant_goes_with_it(alerts, database) -> None:
    alert = alert_of()
    await alerts.write([new(alert), new(alert_of(tenant="fabrikam"))])
    await MongoHits(database).add([Hit("contoso", "r", alert.events[0].id, NOW, "g", alert.id)])
    await MongoAlertGroups(database).write([AlertGroup("k", "contoso")])
    await MongoCountedHits(database).add([CountedHit("contoso", "r", alert.id, NOW, ("k",), (), HITS_KEPT)])
    await MongoWindowEnds(database).add([WindowEnd("k", "contoso", "c", (), NOW, NOW, NOW)])
    data = MongoTenantData(database, "contoso", "app")

    counts = await data.counts()
    assert [counts[name] for name in ("alerts", "hits", "alert_groups", "counted_hits", "window_ends")] == [1] * 5
    await data.remove()
    assert not any((await data.counts()).values())
    assert await database["alerts"].count_documents({}) == 1


async def test_rules_come_back_as_they_were_stored(database) -> None:
    rules = MongoRules(database)
    exception = RuleException("e1", "title: x", "d/dana", "her job", NOW, LATER, frozenset({"contoso"}))
    history = (RuleChange(1, NOW, "Dana", "added"),)
    attributes = {"window": None, "runbook": "\ud800$x.y", "severity": [{"actor": ["guest"], "raise": 1}]}
    rule = StoredRule("rule", "title: y", False, "low", (exception,), attributes, "d/dana", NOW, history=history)

    assert await rules.write(rule)
    assert not await rules.write(rule)
    first = await rules.marks()
    assert first.keys() == {"rule"}
    assert await rules.of(["rule", "none"]) == [replace(rule, revision=1)]
    assert await rules.write(replace(rule, revision=1, text=None, exceptions=()))
    second = await rules.marks()
    assert [one.mark for one in await rules.of(["rule"])] == list(second.values())
    assert await rules.remove("rule")
    assert not await rules.remove("rule")
    assert await rules.write(rule)
    assert len({*first.values(), *second.values(), *(await rules.marks()).values()}) == 3

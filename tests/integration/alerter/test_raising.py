"""Each event once: whatever comes late, twice, changed or out of order, and wherever the database dies."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from alerting import FORWARDS, MINE, Alerting, Stream, changed, message, rule_text
from aoc_common.contracts.access import Scope
from aoc_common.contracts.alert import MOST_EVENTS
from aoc_common.contracts.alert_changes import AlertChange
from aoc_common.contracts.alert_changes import changed as worked_on
from aoc_common.contracts.alert_message import AlertMessage
from aoc_common.errors import AocError, Unreachable
from aoc_common.store.alert_search import AlertQuery
from aoc_common.store.alerts import AlertWrite
from aoc_common.store.mongo.alerts import MongoAlertSearch
from aoc_common.store.mongo.client import Database, ensure_indexes
from aoc_common.store.rules import StoredRule
from made_alerts import DANA
from unsteady import Unsteady, deaths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.contracts.alert import Alert
    from aoc_common.contracts.event_message import EventMessage

ROLE = "Add member to role."


@pytest.fixture
async def alerting(database: Database) -> Alerting:
    await ensure_indexes(database, ("alerts", "hits", "alert_groups"))
    made = Alerting(database)
    await made.following.look()
    return made


def story(tenant: str = "contoso") -> list[EventMessage]:
    """An incident: two alerts of three and of one event, beside what is nobody's concern, and a twin."""
    events = [
        message("a", minutes=0, tenant=tenant),
        message("x", "Get-Mailbox", 1, tenant),
        message("b", minutes=20, tenant=tenant),
        message("c", ROLE, 30, tenant),
        message("d", minutes=50, tenant=tenant),
    ]
    twin = replace(message("twin", ROLE, 30.02, tenant), twin_of=events[3].id)
    return [*events, twin]


async def alerts_of(database: Database, tenant: str = "contoso") -> Sequence[Alert]:
    found = await MongoAlertSearch(database).search(AlertQuery(Scope(tenant)))
    return sorted(found, key=lambda alert: alert.rule.title)


def told(alerts: Sequence[Alert]) -> list[tuple[str, int, int]]:
    return [(alert.rule.title, alert.count, len(alert.events)) for alert in alerts]


#: What the story makes.
EXPECTED = [("Inbox rule made", 3, 3), ("Role granted", 1, 1)]


def published(stream: Stream, tenant: str) -> dict[str, list[int]]:
    """Alert -> the revisions of it that were published, in their order."""
    found: dict[str, list[int]] = {}
    for one in stream.messages.values():
        if one.headers["Aoc-Tenant"] == tenant:
            identity, _, revision = one.headers["Nats-Msg-Id"].partition(":")
            found.setdefault(identity, []).append(int(revision))
    return found


async def test_a_story_makes_its_alerts_and_each_revision_is_published_once(alerting, database) -> None:
    for event in story():
        await alerting.handle([event])
    alerts = await alerts_of(database)

    assert told(alerts) == EXPECTED
    assert alerts[0].events[0].matched[0].field == "Operation"
    assert published(alerting.stream, "contoso") == {str(one.id): list(range(1, one.revision + 1)) for one in alerts}
    last = alerting.stream.findings()[-1]["finding_info"]
    assert last["src_url"] == f"https://aoc.example/api/alerts/{alerts[0].id}?tenant=contoso"


async def test_what_comes_again_or_changed_or_in_another_order_makes_the_same(alerting, database) -> None:
    events = story()
    versions = [changed(event, ClientIP="192.0.2.9") for event in events]
    for number, order in enumerate(list(permutations(range(5)))[::17]):
        tenant = f"t{number}"
        told_there = story(tenant)
        batch = [told_there[place] for place in order]
        await alerting.handle(batch[:3])
        await alerting.handle([*batch, told_there[5]])
        assert told(await alerts_of(database, tenant)) == EXPECTED, order

    await alerting.handle(events)
    before = await alerts_of(database)
    sent = alerting.stream.sent
    await alerting.handle([*reversed(events), *versions])
    assert await alerts_of(database) == before
    assert alerting.stream.sent == sent


async def test_a_version_that_says_what_a_rule_looks_for_makes_an_alert_and_only_one(alerting, database) -> None:
    first = message("v", "Get-Mailbox")
    await alerting.handle([first])
    assert await alerts_of(database) == []

    second = changed(first, Operation="New-InboxRule")
    for _ in range(2):
        await alerting.handle([second, changed(second, 3, Operation="New-InboxRule", Extra=1)])
    assert told(await alerts_of(database)) == [("Inbox rule made", 1, 1)]


async def test_of_twins_whichever_a_rule_finds_there_is_one_alert(alerting, database) -> None:
    first, second = message("1", "Other"), replace(message("2"), twin_of=message("1").id)
    await alerting.handle([first, second, replace(second, adds="risk", version=2, digest="a")])

    (alert,) = await alerts_of(database)
    assert ([event.id for event in alert.events], alert.count) == ([first.id], 1)


@pytest.mark.slow
async def test_alerters_at_work_at_once_agree(alerting, database) -> None:
    others = [Alerting(database, stream=alerting.stream) for _ in range(3)]
    for other in others:
        await other.following.look()
    await asyncio.gather(*(one.handle([event]) for event in story() for one in [alerting, *others]))

    alerts = await alerts_of(database)
    assert told(alerts) == EXPECTED
    assert published(alerting.stream, "contoso").keys() == {str(one.id) for one in alerts}


@pytest.mark.slow
async def test_what_goes_on_is_listed_up_to_a_bound_and_counted_exactly(alerting, database) -> None:
    events = [message(str(number), minutes=number / 10) for number in range(MOST_EVENTS * 2 + 60)]
    for start in range(0, len(events), 70):
        await alerting.handle(events[start : start + 70])
        await alerting.handle(events[start : start + 70])

    assert told(await alerts_of(database)) == [("Inbox rule made", len(events), MOST_EVENTS)]
    assert len(alerting.stream.messages) == 3  # 70 events, 100 that are listed, and 256


async def test_what_happened_long_ago_is_marked_until_something_happens_now(alerting, database) -> None:
    alerting.clock.jump(timedelta(days=1))
    await alerting.handle([message("old")])
    assert [alert.retrospective for alert in await alerts_of(database)] == [True]
    alerting.clock.jump(timedelta(days=-1))
    await alerting.handle([message("new", minutes=30)])

    assert [alert.retrospective for alert in await alerts_of(database)] == [False]
    marks = ["Aoc-Retrospective" in one.headers for one in alerting.stream.messages.values()]
    assert marks == [True, False]


async def test_a_resolved_alert_gets_what_had_happened_before_and_no_more(alerting, database) -> None:
    await alerting.handle([message("a")])
    (alert,) = await alerts_of(database)
    stored = (await alerting.alerts.of([alert.id]))[alert.id]
    at = alert.first_at + timedelta(minutes=30)
    done = worked_on(alert, AlertChange("resolved"), DANA, at)
    assert await alerting.alerts.write([AlertWrite(done, stored, AlertMessage.of(done))])
    await alerting.publisher.run()

    await alerting.handle([message("late", minutes=10), message("new", minutes=40)])
    alerts = await alerts_of(database)
    assert sorted((one.status, one.count) for one in alerts) == [("new", 1), ("resolved", 2)]
    assert [one.headers["Aoc-Status"] for one in alerting.stream.messages.values()].count("resolved") == 2


async def test_after_a_false_positive_further_matches_are_counted_at_it_by_whichever_replica(database) -> None:
    await ensure_indexes(database, ("alerts", "hits", "alert_groups"))
    text = rule_text(FORWARDS, "New-InboxRule", aoc={"suppress": "1d", "severity": [{"actor": "guest", "raise": 1}]})
    first, second = Alerting(database, text), Alerting(database, text)
    for one in (first, second):
        await one.following.look()
    await first.handle([message("a")])
    (alert,) = await alerts_of(database)
    assert alert.severity == "high"
    stored = (await first.alerts.of([alert.id]))[alert.id]
    done = worked_on(
        alert, AlertChange("resolved", verdict="false_positive"), DANA, alert.first_at + timedelta(hours=2)
    )
    assert await first.alerts.write([AlertWrite(done, stored, AlertMessage.of(done))])

    later = [message("b", minutes=300), message("c", minutes=26 * 60), message("d", minutes=26 * 60 + 1)]
    await asyncio.gather(*(one.handle(events) for one in (first, second) for events in (later, later[::-1])))
    alerts = await alerts_of(database)
    assert sorted((one.status, one.count) for one in alerts) == [("new", 1), ("resolved", 3)]

    # An event of a guest makes the alert that it joins graver.
    guest = as_guest(message("e", minutes=26 * 60 + 2))
    await second.handle([guest])
    assert {one.status: one.severity for one in await alerts_of(database)} == {"new": "critical", "resolved": "high"}
    assert second.stream.findings()[-1]["severity"] == "Critical"


def as_guest(event: EventMessage) -> EventMessage:
    entry = {"name": "actor.user", "type": "directory", "value": "k", "data": {"guest": True}}
    return replace(event, body=orjson.dumps({**event.event, "enrichments": [entry]}))


async def test_rules_change_without_a_gap(alerting, database) -> None:
    rule = StoredRule(MINE, text=rule_text(MINE, "Get-Mailbox", "Of my own"))
    assert await alerting.rules.write(rule)
    await alerting.following.look()
    await alerting.handle(story())
    assert told(await alerts_of(database)) == sorted([*EXPECTED, ("Of my own", 1, 1)])

    await alerting.rules.write(replace(rule, revision=1, text="title: ["))
    await alerting.rules.write(StoredRule(FORWARDS, enabled=False))
    await alerting.following.look()
    assert {one.alert_rule.title for one in alerting.following.library.active.values()} == {"Role granted"}
    assert MINE in alerting.following.library.faults
    await alerting.rules.remove(FORWARDS)
    await alerting.following.look()
    assert len(alerting.following.library.active) == 2


async def test_a_tenant_that_is_deleted_gets_no_alerts(alerting, database) -> None:
    alerting.records["contoso"] = SimpleNamespace(state="deleting")
    await alerting.handle(story())

    assert await alerts_of(database) == []


async def test_what_cannot_be_published_now_waits(alerting, database, monkeypatch) -> None:
    async def away(_: Any) -> None:
        raise Unreachable("no bus")

    monkeypatch.setattr(alerting.publisher, "_publish", away)
    await alerting.handle(story())
    assert alerting.stream.messages == {}
    with pytest.raises(Unreachable):
        await alerting.publisher.run()

    monkeypatch.setattr(alerting.publisher, "_publish", alerting.stream.publish)
    await alerting.publisher.run()
    assert set(published(alerting.stream, "contoso")) == {str(one.id) for one in await alerts_of(database)}


async def live_through(database: Database, tenant: str, unsteady: Unsteady) -> Any:
    """The story in two batches, each delivered until it is handled; what is stored and published in the end."""
    alerting = Alerting(unsteady)
    await alerting.following.look()
    events = story(tenant)
    for batch in (events[:3], events[2:]):
        for _ in range(3):
            try:
                await alerting.handle(batch)
                break
            except AocError:
                alerting = Alerting(unsteady, stream=alerting.stream)  # it was killed, and comes back
                await alerting.following.look()
    for _ in range(2):
        try:
            await alerting.publisher.run()
        except AocError:
            continue
    alerts = await alerts_of(database, tenant)
    revisions = published(alerting.stream, tenant)
    whole = all(revisions[str(one.id)] == list(range(1, one.revision + 1)) for one in alerts)
    return told(alerts), len(revisions), whole, await database["alerts"].count_documents({"waiting": True})


@pytest.mark.slow
@pytest.mark.parametrize("how", ["before", "after"])
async def test_wherever_the_database_dies_each_alert_is_there_and_published_once(database: Database, how) -> None:
    await ensure_indexes(database, ("alerts", "hits", "alert_groups"))
    quiet = Unsteady(database)
    expected = await live_through(database, "quiet", quiet)
    assert expected == (EXPECTED, 2, True, 0)

    ends = {
        number: await live_through(database, f"t{number}", Unsteady(database, number, how))
        for number in deaths(quiet.writes, how)
    }
    assert {number: end for number, end in ends.items() if end != expected} == {}
    assert quiet.writes >= 10

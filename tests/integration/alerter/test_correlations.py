"""Correlations over a real store: each incident once, whatever comes late, twice, in pieces, or wherever it dies."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerting import MINE, NOW, ROLES, Alerting, Stream, changed, message, rule_text
from aoc_common.contracts.access import Scope
from aoc_common.errors import AocError
from aoc_common.store.alert_search import AlertQuery
from aoc_common.store.mongo.alerts import MongoAlertSearch
from aoc_common.store.mongo.client import Database, ensure_indexes
from aoc_common.store.mongo.window_ends import MongoWindowEnds
from correlating import ALL, base_texts, correlation_text
from unsteady import Unsteady, deaths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.contracts.alert import Alert
    from aoc_common.contracts.event_message import EventMessage

COLLECTIONS = ("alerts", "hits", "alert_groups", "counted_hits", "window_ends")
_tenants = count()


@pytest.fixture
async def indexed(database: Database) -> Database:
    await ensure_indexes(database, COLLECTIONS)
    return database


async def alerting_of(database: Any, *texts: str, **more: Any) -> Alerting:
    made = Alerting(database, *base_texts(), *texts, **more)
    await made.following.look()
    assert made.following.library.faults == {}
    return made


def op(name: str, minutes: float, tenant: str = "contoso", user: str = "kim", **more: Any) -> EventMessage:
    return message(f"{name}-{minutes}-{user}", f"Op-{name}", minutes, tenant, UserId=f"{user}@contoso.example", **more)


async def alerts_of(database: Database, tenant: str = "contoso") -> Sequence[Alert]:
    found = await MongoAlertSearch(database).search(AlertQuery(Scope(tenant)))
    return sorted(found, key=lambda alert: (alert.rule.title, str(alert.group), alert.first_at, alert.rule.id))


async def told(database: Database, tenant: str = "contoso") -> list[tuple[str, str, int, str]]:
    found = await alerts_of(database, tenant)
    return [(one.rule.title, one.group[0].value.partition("@")[0], one.count, one.status) for one in found]


async def test_a_count_that_is_reached_makes_one_alert_of_all_its_events_and_the_counted_rule_none(indexed) -> None:
    alerting = await alerting_of(indexed, correlation_text())
    await alerting.handle([op("a", 0), op("a", 1), op("a", 1, user="sam"), op("a", 2, "other")])
    assert await told(indexed) == []
    await alerting.handle([op("a", 10)])
    assert await told(indexed) == [("Correlated", "kim", 3, "new")]
    await alerting.handle([op("a", 11), op("a", 14)])
    await alerting.handle([op("a", 60 * 30)])

    (alert,) = await alerts_of(indexed)
    assert (alert.count, alert.group[0].field) == (5, "UserId")
    assert all(event.operation == "Op-a" for event in alert.events)
    assert alert.events[-1].evidence
    assert await told(indexed, "other") == []


@pytest.mark.slow
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_shuffled_doubled_and_split_deliveries_over_restarts_make_the_same_alerts(indexed, data) -> None:
    steps = st.tuples(st.sampled_from("abc"), st.integers(0, 40), st.sampled_from(["kim", "sam"]))
    story = data.draw(st.lists(steps, min_size=1, max_size=14, unique=True))
    texts = [
        correlation_text(),
        correlation_text(MINE, type="temporal_ordered", rules=["b", "c"], timespan="20m"),
        correlation_text(ROLES, type="temporal", rules=["a", "c"], condition="a and not c"),
    ]
    outcomes: list[Any] = []
    for shuffled in (False, True):
        tenant = f"t{next(_tenants)}"
        events = [op(name, minute, tenant, user) for name, minute, user in story]
        if shuffled:
            events = data.draw(st.permutations(events + events[::2]))
        cuts = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=4))) if shuffled else []
        for start, end in zip([0, *cuts], [*cuts, len(events)], strict=True):
            alerting = await alerting_of(indexed, *texts)  # as after a restart
            await alerting.handle(events[start:end])
        alerting.clock.jump(timedelta(minutes=2))
        await alerting.settle()
        outcomes.append(
            [
                (one.rule.id, one.group, {event.id for event in one.events})
                for one in await same(indexed, tenant, events, story)
            ]
        )

    assert outcomes[0] == outcomes[1]


async def same(database: Database, tenant: str, events: Sequence[EventMessage], story: Any) -> Any:
    """Alerts, with events by what they are in the story rather than by ids, which hash the tenant."""
    names = {op(name, minute, tenant, user).id: (name, minute, user) for name, minute, user in story}
    return [
        replace(one, events=tuple(replace(event, id=names[event.id]) for event in one.events))
        for one in await alerts_of(database, tenant)
    ]


async def test_what_comes_late_completes_an_old_window_and_a_later_version_changes_nothing(indexed) -> None:
    alerting = await alerting_of(indexed, correlation_text())
    await alerting.handle([op("a", 8), op("a", 0)])
    late = op("a", 4)
    await alerting.handle([late])
    assert await told(indexed) == [("Correlated", "kim", 3, "new")]
    sent = alerting.stream.sent
    await alerting.handle([changed(late, ClientIP="192.0.2.1"), late, op("a", 8)])
    assert await told(indexed) == [("Correlated", "kim", 3, "new")]
    assert alerting.stream.sent == sent


async def test_values_aliases_and_the_event_s_own_fields(indexed) -> None:
    text = correlation_text(
        **{"type": "value_count", "rules": ["a", "b"], "group-by": ["from"], "condition": {"field": "who", "gte": 3}},
        aliases={"from": {"a": "ip", "b": "ClientIP"}, "who": {"a": "actor", "b": "UserId"}},
    )
    alerting = await alerting_of(indexed, text)
    for place, user in enumerate(("kim", "sam", "KIM", "lee")):
        await alerting.handle([op("ab"[place % 2], place, user=user, ClientIP="192.0.2.9")])
        assert len(await told(indexed)) == (place == 3)
    await alerting.handle([op("a", 5, user="eve", ClientIP="192.0.2.10")])
    assert await told(indexed) == [("Correlated", "192.0.2.9", 4, "new")]


async def test_alerters_at_work_at_once_make_one_alert(indexed) -> None:
    stream = Stream()
    several = [await alerting_of(indexed, correlation_text(), stream=stream) for _ in range(3)]
    await asyncio.gather(*(one.handle([op("a", place)]) for place, one in enumerate(several)))
    assert await told(indexed) == [("Correlated", "kim", 3, "new")]


async def test_a_correlation_of_correlations(indexed) -> None:
    inner = correlation_text(MINE, condition={"gte": 2})
    outer = correlation_text(type="temporal_ordered", rules=[MINE, "b"])
    alerting = await alerting_of(indexed, inner, outer)
    await alerting.handle([op("b", 3), op("a", 0)])
    assert await told(indexed) == []
    await alerting.handle([op("a", 1)])
    assert await told(indexed) == [("Correlated", "kim", 3, "new")]
    (alert,) = await alerts_of(indexed)
    assert alert.rule.id == ALL


async def test_what_is_missing_is_told_when_its_time_is_over_and_taken_back_when_it_comes(indexed) -> None:
    text = correlation_text(type="temporal", rules=["a", "b"], condition="a and not b")
    alerting = await alerting_of(indexed, text)
    alerting.clock.jump(timedelta(hours=-2))
    await alerting.handle([op("a", 0), op("a", 0, user="sam"), op("b", 10, user="sam")])
    alerting.clock.jump(timedelta(minutes=19.9))  # ten of the window, ten of what is late
    await alerting.settle()
    assert await told(indexed) == []
    alerting.clock.jump(timedelta(minutes=1.2))
    other = await alerting_of(indexed, text)
    other.clock.jump(alerting.clock.now() - other.clock.now())
    await asyncio.gather(alerting.settle(), other.settle())
    assert await told(indexed) == [("Correlated", "kim", 1, "new")]

    await alerting.handle([op("b", 10)])
    alerting.clock.jump(timedelta(minutes=2))
    await alerting.settle()
    assert await told(indexed) == [("Correlated", "kim", 1, "resolved")]
    (alert,) = await alerts_of(indexed)
    assert (alert.verdict, len(alert.notes)) == ("disregard", 1)
    assert await indexed["window_ends"].count_documents({}) == 0


async def test_what_is_looked_at_before_its_time_by_a_clock_that_is_corrected_meanwhile_is_looked_at_again(
    indexed,
) -> None:
    alerting = await alerting_of(indexed, correlation_text(type="temporal", rules=["a", "b"], condition="a and not b"))
    alerting.clock.jump(timedelta(hours=-2))
    await alerting.handle([op("a", 0)])
    ends = MongoWindowEnds(indexed, alerting.clock)
    assert await ends.take(alerting.clock.now() + timedelta(hours=6), 9), "an alerter whose clock is ahead dies"
    await alerting.settle()
    assert await told(indexed) == []
    alerting.clock.jump(timedelta(minutes=21))
    await alerting.settle()

    assert await told(indexed) == [("Correlated", "kim", 1, "new")]
    assert await indexed["window_ends"].count_documents({}) == 0


async def test_what_a_clock_that_is_ahead_has_put_off_is_decided_when_it_is_right(indexed) -> None:
    alerting = await alerting_of(indexed, correlation_text(condition={"lt": 2}))
    alerting.clock.jump(timedelta(hours=6))
    await alerting.handle([op("a", 0)])  # late: a minute is waited for what comes along with it
    alerting.clock.jump(timedelta(hours=-6))
    await alerting.settle()

    assert await told(indexed) == [("Correlated", "kim", 1, "new")]


@pytest.mark.parametrize(
    ("said", "story"),
    [
        ({"type": "value_count", "condition": {"field": "ObjectId", "gte": 3}}, "axazazazazazay"),
        ({"type": "temporal", "rules": ["a", "b", "c"]}, "axbxbxbxbxbxcx"),
        ({"type": "temporal_ordered", "rules": ["a", "b", "c"]}, "axbxbxbxbxcxcxcxcx"),
        ({"type": "value_sum", "condition": {"field": "ObjectId", "gte": 15}}, "a9a1a1a1a1a1a1"),
        ({"condition": {"gte": 5}}, "axaxaxaxaxax"),
    ],
)
async def test_no_flood_of_the_same_hides_what_a_correlation_looks_for(indexed, monkeypatch, said, story) -> None:
    monkeypatch.setattr("aoc_rules.evaluation.completing.MOST_HITS", 4)
    alerting = await alerting_of(indexed, correlation_text(**said))
    alerting.clock.jump(NOW - alerting.clock.now())
    steps = [(story[at], story[at + 1]) for at in range(0, len(story), 2)]
    for number, (name, value) in enumerate(steps):
        alerting.clock.jump(timedelta(seconds=6))
        await alerting.handle([op(name, number / 10, ObjectId=value)])
    hidden = await told(indexed)
    await alerting.settle()
    assert await told(indexed) == hidden, "its stretch is not over"
    alerting.clock.jump(timedelta(minutes=2))
    await alerting.settle()
    ((title, user, count_, status),) = await told(indexed)
    await alerting.settle()

    assert hidden == []
    assert (title, user, count_ > 1, status) == ("Correlated", "kim", True, "new")
    assert await indexed["window_ends"].count_documents({}) == 0


@pytest.mark.parametrize(
    "said", [{"timespan": "30d"}, {"type": "temporal", "rules": ["a", "b"], "condition": "a and not b"}]
)
async def test_an_event_of_the_end_of_time_is_counted_and_keeps_nothing_from_the_others_of_its_batch(
    indexed, said
) -> None:
    alone = rule_text(MINE, "Op-a", "Alone", aoc={"group_by": ["actor"], "window": "1d"})
    alerting = await alerting_of(indexed, correlation_text(**said), alone)
    end = [op("a", place, user="max", CreationTime="9999-12-31T23:59:59") for place in range(3)]
    await alerting.handle([*end, op("a", 0), op("a", 1), op("a", 2)])
    alerting.clock.jump(timedelta(days=1))
    await alerting.settle()

    wanted = {("Alone", "kim"), ("Alone", "max"), ("Correlated", "kim")}
    wanted |= {("Correlated", "max")} if "type" not in said else set()  # else the time after it is never over
    assert {one[:2] for one in await told(indexed)} == wanted


async def test_what_lies_between_events_of_one_batch_keeps_no_incident_from_being_seen(indexed, monkeypatch) -> None:
    monkeypatch.setattr("aoc_rules.evaluation.completing.MOST_HITS", 4)
    alerting = await alerting_of(indexed, correlation_text())
    scattered = [op("a", 30 * number) for number in range(1, 40)]
    await alerting.handle([*scattered, op("a", 0), op("a", 1), op("a", 2), op("a", 5_000), *scattered])

    assert await told(indexed) == [("Correlated", "kim", 3, "new")]


async def test_too_few_are_told_and_a_timer_whose_taker_died_is_taken_by_another(indexed) -> None:
    alerting = await alerting_of(indexed, correlation_text(condition={"lt": 2}))
    await alerting.handle([op("a", 0), op("a", 10), op("a", 0, user="sam")])
    alerting.clock.jump(timedelta(minutes=5))
    died = Alerting(Unsteady(indexed, 1), *base_texts(), correlation_text(condition={"lt": 2}))
    died.clock.jump(alerting.clock.now() - died.clock.now())
    await died.following.look()
    with pytest.raises(AocError):
        await died.settle()
    await alerting.settle()
    alerting.clock.jump(timedelta(minutes=2))
    await alerting.settle()
    assert await told(indexed) == [("Correlated", "kim", 1, "new"), ("Correlated", "sam", 1, "new")]


async def test_across_tenants_the_alert_is_the_home_tenant_s(indexed) -> None:
    text = correlation_text(
        **{"type": "value_count", "group-by": ["ip"], "condition": {"field": "tenant", "gte": 3}},
        aoc={"across_tenants": True},
    )
    alerting = await alerting_of(indexed, text, home="home")
    tenants = ("contoso", "fabrikam", "tailspin")
    for tenant in tenants:
        assert await told(indexed, "home") == []
        await alerting.handle(
            [op("a", 0, tenant, ClientIP="192.0.2.7"), op("a", 1, tenant, ClientIP="192.0.2.8")][
                : 1 + (tenant != "tailspin")
            ]
        )
    assert [await told(indexed, tenant) for tenant in tenants] == [[], [], []]
    (alert,) = await alerts_of(indexed, "home")
    assert (alert.count, alert.group[0].value) == (3, "192.0.2.7")
    assert {one.value for event in alert.events for one in event.matched if one.field == "tenant"} == set(tenants)


async def live_through(database: Database, tenant: str, unsteady: Unsteady) -> Any:
    texts = [
        correlation_text(),
        correlation_text(MINE, condition={"lt": 9}, rules=["c"]),
    ]
    stream = Stream()
    events = [op("a", 0, tenant), op("a", 5, tenant), op("c", 6, tenant), op("a", 9, tenant)]
    alerting = await alerting_of(unsteady, *texts, stream=stream)
    for batch in (events[:2], events[1:], "settle"):
        if batch == "settle":
            alerting.clock.jump(timedelta(minutes=2))
        for _ in range(3):
            try:
                await (alerting.settle() if batch == "settle" else alerting.handle(batch))
                break
            except AocError:
                now = alerting.clock.now()
                alerting = await alerting_of(unsteady, *texts, stream=stream)
                alerting.clock.jump(now + timedelta(minutes=2) - alerting.clock.now())
    return sorted(await told(database, tenant)), await database["window_ends"].count_documents({"tenant": tenant})


@pytest.mark.slow
@pytest.mark.parametrize("how", ["before", "after"])
async def test_wherever_the_database_dies_each_alert_is_there_once(indexed, how) -> None:
    quiet = Unsteady(indexed)
    expected = await live_through(indexed, "quiet", quiet)
    assert expected == ([("Correlated", "kim", 1, "new"), ("Correlated", "kim", 3, "new")], 0)
    ends = {
        number: await live_through(indexed, f"t{how}{number}", Unsteady(indexed, number, how))
        for number in deaths(quiet.writes, how)
    }
    assert {number: end for number, end in ends.items() if end != expected} == {}
    assert quiet.writes >= 8

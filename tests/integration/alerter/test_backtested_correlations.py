"""A back-test of a correlation against the alerter over a real store: the same alerts, of the same events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import batched
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from alerting import LATENESS, MINE, NOW, ROLES, Alerting, message
from aoc_common.contracts.access import Scope
from aoc_common.store.alert_search import AlertQuery
from aoc_common.store.mongo.alerts import MongoAlertSearch
from aoc_common.store.mongo.client import Database, ensure_indexes
from correlating import RULES, base_texts, correlation_text
from trying import rules_of, tried

if TYPE_CHECKING:
    from aoc_common.contracts.event_message import EventMessage

SAID: dict[str, dict[str, Any]] = {
    "count": {"rules": ["a"], "condition": {"gte": 3}},
    "few": {"rules": ["a"], "condition": {"lt": 2}},
    "exactly": {"rules": ["a", "b"], "condition": {"eq": 2}},
    "values": {"type": "value_count", "condition": {"gte": 3, "field": "Size"}},
    "by another name": {
        "type": "value_count", "rules": ["a", "b"], "group-by": ["from"], "condition": {"gte": 3, "field": "who"},
    },
    "sum": {"type": "value_sum", "rules": ["a", "b"], "condition": {"gte": 9, "field": "Size"}},
    "average": {"type": "value_avg", "condition": {"gt": 4, "field": "Size"}},
    "median": {"type": "value_median", "condition": {"lte": 3, "field": "Size"}},
    "percentile": {"type": "value_percentile", "condition": {"gte": 6, "field": "Size", "percentile": 75}},
    "together": {"type": "temporal", "rules": ["a", "b", "c"]},
    "in order": {"type": "temporal_ordered", "rules": ["a", "b", "c"], "timespan": "20m"},
    "missing": {"type": "temporal", "rules": ["a", "b"], "condition": "a and not b"},
    "either": {"type": "temporal", "rules": ["a", "b", "c"], "condition": "a and b or c and not a"},
    "of windows": {"type": "temporal_ordered", "rules": ["few", "c"], "timespan": "30m"},
    "without windows": {"type": "temporal", "rules": ["b", "averages"], "condition": "b and not averages"},
    "told apart": {"rules": ["a", "b", "c"], "condition": {"gte": 3}, "timespan": "20m"},
    "with its rules": {"rules": ["d"], "condition": {"gte": 2}, "timespan": "40m", "generate": True},
}  # fmt: skip
IDS = {name: f"{number:08}-0000-4000-8000-00000000000a" for number, name in enumerate(SAID, 1)}
ALIASES = {"from": {"a": "ip", "b": "ClientIP"}, "who": {"a": "actor", "b": "UserId"}}


def texts() -> list[str]:
    """Correlations, each with an alert for itself, and two that others name."""
    made = base_texts()
    for name, said in SAID.items():
        more = {"aliases": ALIASES} if name == "by another name" else {}
        aoc: dict[str, Any] = {"window": "15m"} | ({"group_by": ["operation"]} if name == "told apart" else {})
        made.append(correlation_text(IDS[name], aoc, **said, **more).replace("Correlated", name))
    for name, called, identity in (("few", "few", MINE), ("average", "averages", ROLES)):
        made.append(f"name: {called}\n{correlation_text(identity, **SAID[name])}".replace("Correlated", called))
    return made


def story() -> list[EventMessage]:
    """What three people do in two hours, often one after another, in the order of time."""
    random = Random(3)
    steps = ((random.randrange(0, 7200, 5), random.choice("aaabbccd"), random.choice("kst")) for _ in range(90))
    return [
        message(
            f"{second}-{name}-{user}", f"Op-{name}", second / 60, UserId=f"{user}@contoso.example",
            Size=random.choice(("1", "3", "7", "x")), ClientIP=f"192.0.2.{random.randrange(1, 4)}",
        )
        for second, name, user in sorted(set(steps))
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("in_order", [True, False], ids=["as they happened", "late and out of order"])
async def test_the_alerts_are_those_that_the_alerter_raises(database: Database, in_order: bool) -> None:
    await ensure_indexes(database, ("alerts", "hits", "alert_groups", "counted_hits", "window_ends"))
    alerting, events = Alerting(database, *texts()), story()
    await alerting.following.look()
    assert alerting.following.library.faults == {}
    if in_order:
        for some in batched(events, 30):
            alerting.clock.jump(at(some[-1]) - alerting.clock.now())
            await alerting.handle(some)
            await alerting.settle()
    else:
        Random(3).shuffle(events)
        alerting.clock.jump(NOW + timedelta(hours=1) - alerting.clock.now())
        for batch in (events[::2], [*events[1::2], *events[::5]]):
            await alerting.handle(batch)
    for wait in (NOW + timedelta(hours=3) - alerting.clock.now(), timedelta(minutes=2)):
        alerting.clock.jump(wait)
        await alerting.settle()
    stored = await MongoAlertSearch(database).search(AlertQuery(Scope("contoso"), limit=1000))
    assert {one.status for one in stored} == {"new"}
    named = set(IDS.values()) | {RULES["d"]}
    raised = {(one.rule.id, one.group, one.first_at, one.last_at, one.count) for one in stored}
    in_alerts = {(one.rule.id, event.id) for one in stored for event in one.events}

    found, placed = set[Any](), set[Any]()
    for name in SAID:
        test = await tried(rules_of(*texts(), identity=IDS[name]), events, alerting.clock.now() - LATENESS)
        placing = test.evaluation.placing
        found |= {(one.rule, one.group, one.first_at, one.last_at, one.count) for one in placing.alerts.values()}
        placed |= placing._noted
    assert placed == {one for one in in_alerts if one[0] in named}
    if in_order:  # what comes late may join two alerts, which then stay two
        assert found == {one for one in raised if one[0] in named}
    assert {one[0] for one in found} == named
    assert len(found) >= 3 * len(SAID)


def at(one: EventMessage) -> datetime:
    return datetime.fromtimestamp(one.event["time"] / 1000, UTC)

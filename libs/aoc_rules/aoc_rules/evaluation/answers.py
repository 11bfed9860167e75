"""What tests of rules have found, as it is answered."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from aoc_common.gateway.rule_tests import RuleAlert, RuleCounted, RuleExample, RuleHour, RuleTest
from aoc_common.gateway.rules import RuleMatched
from aoc_rules.backtest import MOST_EXAMPLES, BackTest, hour_of
from aoc_rules.correlation.groups import Counted
from aoc_rules.correlation.reading import MOST_DECIDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from aoc_common.contracts.alert import AlertEvent, FieldValue
    from aoc_common.gateway.rule_tests import Stopped
    from aoc_rules.backtest import Example
    from aoc_rules.correlation.plan import Correlation
    from aoc_rules.evaluation.placing import PotentialAlert
    from aoc_rules.evaluation.trial import CorrelationTest, Evaluation

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was searched. `stopped`: why not all of it was that was asked for; None: it was."""

    start: datetime
    end: datetime
    stopped: Stopped | None = None


def answer(test: BackTest | CorrelationTest, stretch: Stretch) -> RuleTest:
    """What a test says; of a correlation after it was evaluated."""
    found = _of_rule(test, stretch) if isinstance(test, BackTest) else _of_correlation(test, stretch)
    return RuleTest.model_construct(
        start=stretch.start,
        end=stretch.end,
        complete=stretch.stopped is None,
        stopped=stretch.stopped,
        events=test.events,
        **{"rules": [], "raised": [], "undecided": 0, "notes": [], **found},
    )


def _of_rule(test: BackTest, stretch: Stretch) -> dict[str, Any]:
    raised = test.raised_at()
    return {
        "correlation": False,
        "matches": test.matches,
        "alerts": len(raised),
        "alerts_a_day": _a_day(len(raised) * test.share, stretch),
        "hours": _hours(test.hours, raised),
        "examples": [_example(one) for one in test.examples],
    }


def _of_correlation(test: CorrelationTest, stretch: Stretch) -> dict[str, Any]:
    evaluation, plan = test.evaluation, test.rules.plan
    if evaluation is None:
        raise AssertionError(f"{plan.id}: it was not evaluated")
    alerts = evaluation.placing.of(plan.id)
    newest = sorted(alerts, key=attrgetter("at", "last_at"), reverse=True)[:MOST_EXAMPLES]
    hours = evaluation.placing.hours[plan.id]
    return {
        "correlation": True,
        "matches": hours.total(),
        "alerts": len(alerts),
        "alerts_a_day": _a_day(len(alerts), stretch),
        "hours": _hours(hours, [one.at for one in alerts]),
        "examples": [],
        "rules": _counted(test, evaluation),
        "raised": [_alert(one) for one in newest],
        "undecided": evaluation.waiting,
        "notes": [*test.rules.notes, *_notes(test, evaluation, stretch)],
    }


def _counted(test: CorrelationTest, evaluation: Evaluation) -> list[RuleCounted]:
    """Rules first, in the order in which they are named."""
    library = test.rules.library
    hours: dict[str, Counter[datetime]] = {one.alert_rule.id: Counter() for one in library.active.values()}
    uncounted: Counter[str] = Counter()
    for one in evaluation.findings:
        hours[one.rule.alert_rule.id][hour_of(one.event.at)] += 1
        uncounted[one.rule.alert_rule.id] += not any(isinstance(hit, Counted) for hit in one.found)
    titles = {one.alert_rule.id: one.alert_rule.title for one in library.active.values()}
    inner = [plan for plan in library.correlations.plans.values() if plan.id != test.rules.correlation]
    for plan in inner:
        titles[plan.id] = plan.alert_rule.title
        hours[plan.id] = Counter(hour_of(hit.at) for hit in evaluation.hits.of(plan.id))
    return [
        RuleCounted.model_construct(
            id=rule,
            title=titles[rule],
            correlation=rule in library.correlations.plans,
            matches=counts.total(),
            group_by=_fields(library.correlations.naming[rule]),
            uncounted=uncounted[rule],
            alerts=len(evaluation.placing.of(rule)),
            hours=_hours(counts, [one.at for one in evaluation.placing.of(rule)]),
        )
        for rule, counts in hours.items()
    ]


def _fields(naming: Iterable[tuple[Correlation, int]]) -> list[str]:
    """By which a rule is grouped by those that name it."""
    return list(dict.fromkeys(name for plan, place in naming for name in plan.slots[place].group))


def _notes(test: CorrelationTest, evaluation: Evaluation, stretch: Stretch) -> list[str]:
    plan, notes = test.rules.plan, []
    if plan.across:
        notes.append("It looks at all tenants together: here, at the events of one alone.")
    if plan.span > stretch.end - stretch.start and not evaluation.placing.of(plan.id):
        notes.append("Its timespan is longer than the stretch that was searched.")
    if evaluation.crowded:
        notes.append(f"Groups had more than {MOST_DECIDED:,} hits within a look: the latest count, as at work.")
    return notes


def _alert(one: PotentialAlert) -> RuleAlert:
    return RuleAlert.model_construct(
        at=one.at,
        first_at=one.first_at,
        last_at=one.last_at,
        common=_values(one.common),
        group=_values(one.group),
        count=one.count,
        events=[_example(event) for event in one.events[-MOST_EXAMPLES:]],
    )


def _example(one: Example | AlertEvent) -> RuleExample:
    return RuleExample.model_construct(
        id=one.id,
        at=one.at,
        source=one.source,
        operation=one.operation,
        actor=one.actor,
        matched=_values(one.matched),
    )


def _values(pairs: Iterable[FieldValue]) -> list[RuleMatched]:
    return [RuleMatched.model_construct(field=pair.field, value=pair.value) for pair in pairs]


def _hours(matches: Mapping[datetime, int], raised: Iterable[datetime]) -> list[RuleHour]:
    alerts = Counter(map(hour_of, raised))
    return [
        RuleHour.model_construct(start=hour, matches=matches.get(hour, 0), alerts=alerts[hour])
        for hour in sorted({*matches, *alerts})
    ]


def _a_day(alerts: float, stretch: Stretch) -> float:
    """Of a stretch of at least an hour."""
    return round(alerts * (_DAY / max(stretch.end - stretch.start, _HOUR)), 2)

"""Alerts in numbers. Pure."""

from __future__ import annotations

from collections import Counter
from statistics import fmean, median
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.alert import SEVERITIES, STATUSES
from aoc_common.gateway.alerts import AlertSummary, AlertTimes, RuleCount

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aoc_common.store.alert_search import AlertFacts

_TOP: Final = 20
_RESOLVED: Final = "resolved"


def summary_of(facts: Sequence[AlertFacts], *, complete: bool) -> AlertSummary:
    """The numbers of these alerts."""
    unresolved = [one for one in facts if one.status != _RESOLVED]
    statuses, severities = Counter(one.status for one in facts), Counter(one.severity for one in unresolved)
    return AlertSummary(
        alerts=len(facts),
        complete=complete,
        open=len(unresolved),
        by_status={status: statuses[status] for status in STATUSES},
        open_by_severity={severity: severities[severity] for severity in SEVERITIES},
        rules=_rules(facts),
        oldest_open_at=min((one.created_at for one in unresolved), default=None),
        acknowledged=_times(one.acknowledged_s for one in facts),
        resolved=_times(one.resolved_s for one in facts),
    )


def _rules(facts: Sequence[AlertFacts]) -> list[RuleCount]:
    counts = Counter(one.rule for one in facts)
    unresolved = Counter(one.rule for one in facts if one.status != _RESOLVED)
    titles = {one.rule: one.title for one in reversed(facts)}  # of the newest
    top = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:_TOP]
    return [RuleCount(rule=rule, title=titles[rule], alerts=count, open=unresolved[rule]) for rule, count in top]


def _times(seconds: Iterable[float | None]) -> AlertTimes:
    known = [one for one in seconds if one is not None]
    if not known:
        return AlertTimes(alerts=0, mean_s=None, median_s=None, longest_s=None)
    return AlertTimes(alerts=len(known), mean_s=fmean(known), median_s=median(known), longest_s=max(known))

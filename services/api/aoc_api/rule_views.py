"""Rules as the gateway shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aoc_common.gateway.rules import (
    RuleChangeView,
    RuleDetail,
    RuleExample,
    RuleExceptionView,
    RuleFinding,
    RuleFired,
    RuleHour,
    RuleItem,
    RuleMatched,
    RuleOverlay,
    RuleTest,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from aoc_api.access.principal import Principal
    from aoc_common.contracts.access import Scope
    from aoc_common.store.rules import RuleException, StoredRule
    from aoc_rules.backtest import BackTest
    from aoc_rules.catalogue import Entry
    from aoc_rules.sigma.lint import Finding


def visible(stored: StoredRule | None, scope: Scope, by: Principal, now: datetime) -> list[RuleException]:
    """The exceptions in force that somebody may see: they hold values of events, and names of tenants."""
    if stored is None or scope.hidden.fields:
        return []
    lasting = [one for one in stored.exceptions if one.holds(now)]
    if by.role_over_everything():
        return lasting
    own = frozenset({scope.tenant})
    return [replace(one, tenants=one.tenants & own) for one in lasting if not one.tenants or one.tenants & own]


def item(entry: Entry, exceptions: Sequence[RuleException]) -> RuleItem:
    """In short."""
    return RuleItem.model_construct(**_item(entry, exceptions))


def detail(
    entry: Entry, exceptions: Sequence[RuleException], findings: Iterable[Finding], fired: RuleFired
) -> RuleDetail:
    """With all that is known of it."""
    stored = entry.stored
    history = stored.history if stored is not None else ()
    overlay = RuleOverlay()
    if stored is not None:
        overlay = RuleOverlay.model_construct(text=stored.text, enabled=stored.enabled, severity=stored.severity)
    return RuleDetail.model_construct(
        **_item(entry, exceptions),
        description=entry.description,
        text=entry.text,
        shipped=entry.shipped,
        difference=entry.difference,
        overlay=overlay,
        runbook=entry.runbook,
        findings=found(findings),
        fired=fired,
        exceptions_in_force=[RuleExceptionView.of(one) for one in exceptions],
        history=[
            RuleChangeView.model_construct(revision=one.revision, at=one.at, author=one.author, what=one.what)
            for one in history
        ],
    )


def found(findings: Iterable[Finding]) -> list[RuleFinding]:
    """What lint says."""
    return [
        RuleFinding.model_construct(code=one.code, place=one.place, message=one.message, suggestion=one.suggestion)
        for one in findings
    ]


def tried(test: BackTest, start: datetime, end: datetime, *, complete: bool) -> RuleTest:
    """What a back-test has found."""
    return RuleTest.model_construct(
        start=start,
        end=end,
        complete=complete,
        events=test.events,
        matches=test.matches,
        alerts=test.alerts,
        alerts_a_day=round(test.alerts_a_day(end - start), 2),
        hours=[RuleHour.model_construct(start=hour, matches=count) for hour, count in sorted(test.hours.items())],
        examples=[
            RuleExample.model_construct(
                id=one.id,
                at=one.at,
                source=one.source,
                operation=one.operation,
                actor=one.actor,
                matched=[RuleMatched.model_construct(field=pair.field, value=pair.value) for pair in one.matched],
            )
            for one in test.examples
        ],
    )


def _item(entry: Entry, exceptions: Sequence[RuleException]) -> dict[str, Any]:
    stored = entry.stored
    return {
        "id": entry.id,
        "title": entry.title,
        "level": entry.level,
        "enabled": entry.enabled,
        "source": entry.source,
        "log_source": entry.log_source,
        "correlation": entry.correlation,
        "tags": list(entry.tags),
        "fault": entry.fault,
        "exceptions": len(exceptions),
        "author": stored.author if stored is not None else "",
        "changed_at": stored.changed_at if stored is not None else None,
        "revision": stored.revision if stored is not None else 0,
    }

"""What rules find in events of the bus. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts.alert import LONGEST_NAME, AlertEvent, FieldValue
from aoc_common.contracts.alert_finding import evidence_of
from aoc_common.contracts.ids import EPOCH, LAST, to_ms
from aoc_common.contracts.rows import Row
from aoc_common.store.counted_hits import CountedHit
from aoc_rules.circumstances.first_seen import use_of
from aoc_rules.circumstances.severities import severity_of
from aoc_rules.circumstances.tenants import UNKNOWN
from aoc_rules.correlation.groups import counted
from aoc_rules.grouping import Fields, Found, Placed, group_of, joined
from aoc_rules.sigma.log_sources import LOG_SOURCES
from aoc_rules.sigma.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from aoc_common.contracts.alert import Severity
    from aoc_common.contracts.event_message import EventMessage
    from aoc_common.contracts.uses import Use
    from aoc_rules.circumstances.tenants import KnownTenant
    from aoc_rules.correlation.groups import Counted
    from aoc_rules.library import ActiveRule, Library
    from aoc_rules.sigma.named_lists import NamedLists
    from aoc_rules.sigma.rule import Match


#: Windows, and what is added to them, are shorter than ten years.
_LATEST: Final = LAST - timedelta(days=3_650)


@dataclass(frozen=True, slots=True)
class PendingFirstUse:
    """What a rule has found in an event if its actor used something for the first time: to be looked up."""

    tenant: str
    rule: str
    use: Use
    found: tuple[Found | Counted, ...]


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """What a rule has found in an event: `found`, if its actor used `use` for the first time; None: for sure.

    `found`: nothing of what a correlation cannot count, and no other alert is made of. `second`: of two twins.
    """

    rule: ActiveRule
    event: AlertEvent
    found: tuple[Found | Counted, ...]
    use: Use | None
    second: bool


type Evidence = Callable[[Mapping[str, Any]], dict[str, Any] | None]
"""What alerts are to show of an event."""


class Finder:
    """Matches events. `tenants`: as they are now. `old_before`: what happened earlier is of the past."""

    def __init__(
        self,
        library: Library,
        tenants: Mapping[str, KnownTenant],
        old_before: datetime,
        evidence: Evidence = evidence_of,
    ) -> None:
        self._library = library
        self._tenants = tenants
        self._old_before = old_before
        self._evidence = evidence

    def found(self, message: EventMessage) -> Iterator[Found | Counted | PendingFirstUse]:
        """What rules find in a message, and what correlations count. Raises `Malformed` for a body that is no event."""
        known = self._tenants.get(message.tenant, UNKNOWN)
        matches = self._library.rules.match(message.event, known.lists)
        if not matches:
            return
        for one in self._findings(matches, Row.of_message(message), message.class_uid, known):
            if one.use is None:
                yield from one.found
            else:
                yield PendingFirstUse(message.tenant, one.rule.alert_rule.id, one.use, one.found)

    def findings(self, row: Row) -> Iterator[RuleFinding]:
        """The same of a row whose `ocsf` is the event as on AOC_EVENTS, by rule: also of what no one counts."""
        known = self._tenants.get(row.tenant, UNKNOWN)
        matches = self._library.rules.match(row.ocsf, known.lists)
        if matches:
            class_uid = row.ocsf.get("class_uid")
            yield from self._findings(matches, row, class_uid if isinstance(class_uid, int) else 0, known)

    def _findings(
        self, matches: Iterable[Match], row: Row, class_uid: int, known: KnownTenant
    ) -> Iterator[RuleFinding]:
        row = _with_room(row)
        for match in matches:
            rule = self._library.active[match.rule]
            attributes = rule.attributes
            if not attributes.circumstances.hold(row, known) or _excepted(rule, match, row, known.lists):
                continue
            use = None if attributes.first_seen is None else use_of(attributes.first_seen, row)
            if use is None and attributes.first_seen is not None:
                continue
            event = self._event(match, row, class_uid)
            severity = severity_of(attributes.severities, rule.severity, row, known)
            found = tuple(self._of_rule(rule, match, event, row, severity))
            yield RuleFinding(rule, event, found, use, row.twin_of is not None)

    def _of_rule(
        self, rule: ActiveRule, match: Match, event: AlertEvent, row: Row, severity: Severity
    ) -> Iterator[Found | Counted]:
        correlations = self._library.correlations
        if rule.alert_rule.id not in correlations.silent:
            group = group_of(rule.grouping.fields, match, row)
            grouping = rule.grouping
            placed = Placed(
                row.tenant, rule.alert_rule.id, group, event.id, event.at, grouping.window, grouping.suppress
            )
            yield Found(rule, placed, event, severity if rule.attributes.severities else None)
        naming = correlations.naming.get(rule.alert_rule.id)
        if naming is not None and row.at is not None:  # what has no time of its own is in no window
            hit = CountedHit(row.tenant, rule.alert_rule.id, event.id, event.at, (), (event,), timedelta())
            made = counted(hit, naming, Fields(match, row).values, joined)
            if made is not None:
                yield made

    def _event(self, match: Match, row: Row, class_uid: int) -> AlertEvent:
        # The first of two twins stands for both: whichever of them a rule finds, it is found once.
        identity, at = row.twin_of or row.id, row.at or EPOCH
        return AlertEvent(
            id=identity,
            at=at,
            source=row.source,
            class_uid=class_uid,
            service=row.service,
            operation=row.operation,
            actor=None if row.actor is None else row.actor[:LONGEST_NAME],
            matched=tuple(FieldValue(one.field, one.value) for one in match.values),
            evidence=self._evidence(row.ocsf),
            old=at < self._old_before,
        )


def _with_room(row: Row) -> Row:
    """The event, not so late in time that a window after it, or its hour in some zone, would be beyond all dates."""
    if row.at is None or row.at <= _LATEST:
        return row
    return replace(row, ocsf={**row.ocsf, "time": to_ms(_LATEST)})


def _excepted(rule: ActiveRule, match: Match, row: Row, lists: NamedLists) -> bool:
    """Whether an exception of the event's tenant covers it."""
    within = rule.within.get(row.tenant)
    return within is not None and within.match(Record(row.ocsf), LOG_SOURCES[match.log_source], lists) is None

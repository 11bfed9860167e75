"""What rules find in events of the bus. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from aoc_common.contracts.alert import LONGEST_NAME, AlertEvent, FieldValue
from aoc_common.contracts.alert_finding import evidence_of
from aoc_common.contracts.ids import EPOCH
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
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from aoc_common.contracts.alert import Severity
    from aoc_common.contracts.event_message import EventMessage
    from aoc_common.contracts.uses import Use
    from aoc_rules.circumstances.tenants import KnownTenant
    from aoc_rules.correlation.groups import Counted
    from aoc_rules.library import ActiveRule, Library
    from aoc_rules.sigma.named_lists import NamedLists
    from aoc_rules.sigma.rule import Match


@dataclass(frozen=True, slots=True)
class Unsure:
    """What a rule has found in an event if its actor used something for the first time: to be looked up."""

    tenant: str
    rule: str
    use: Use
    told: tuple[Found | Counted, ...]


class Finder:
    """Matches events. `tenants`: as they are now. `old_before`: what happened earlier is of the past."""

    def __init__(self, library: Library, tenants: Mapping[str, KnownTenant], old_before: datetime) -> None:
        self._library = library
        self._tenants = tenants
        self._old_before = old_before

    def found(self, message: EventMessage) -> Iterator[Found | Counted | Unsure]:
        """What rules find in a message, and what correlations count. Raises `Malformed` for a body that is no event."""
        known = self._tenants.get(message.tenant, UNKNOWN)
        matches = self._library.rules.match(message.event, known.lists)
        if not matches:
            return
        row = Row.of_message(message)
        for match in matches:
            rule = self._library.active[match.rule]
            if rule.attributes.circumstances.hold(row, known) and not _excepted(rule, match, message, known.lists):
                severity = severity_of(rule.attributes.severities, rule.severity, row, known)
                told = self._of_rule(rule, match, message, row, severity)
                if rule.attributes.first_seen is None:
                    yield from told
                elif (use := use_of(rule.attributes.first_seen, row)) is not None:
                    yield Unsure(message.tenant, rule.told.id, use, tuple(told))

    def _of_rule(
        self, rule: ActiveRule, match: Match, message: EventMessage, row: Row, severity: Severity
    ) -> Iterator[Found | Counted]:
        event = self._event(match, message, row)
        correlations = self._library.correlations
        if rule.told.id not in correlations.silent:
            group = group_of(rule.grouping.fields, match, row)
            grouping = rule.grouping
            placed = Placed(message.tenant, rule.told.id, group, event.id, event.at, grouping.window, grouping.suppress)
            yield Found(rule, placed, event, severity if rule.attributes.severities else None)
        naming = correlations.naming.get(rule.told.id)
        if naming is not None and row.at is not None:  # what has no time of its own is in no window
            hit = CountedHit(message.tenant, rule.told.id, event.id, event.at, (), (event,), timedelta())
            made = counted(hit, naming, Fields(match, row).values, joined)
            if made is not None:
                yield made

    def _event(self, match: Match, message: EventMessage, row: Row) -> AlertEvent:
        # The first of two twins stands for both: whichever of them a rule finds, it is found once.
        identity, at = message.twin_of or message.id, row.at or EPOCH
        return AlertEvent(
            id=identity,
            at=at,
            source=message.source,
            class_uid=message.class_uid,
            service=row.service,
            operation=row.operation,
            actor=None if row.actor is None else row.actor[:LONGEST_NAME],
            matched=tuple(FieldValue(one.field, one.value) for one in match.values),
            evidence=evidence_of(message.event),
            old=at < self._old_before,
        )


def _excepted(rule: ActiveRule, match: Match, message: EventMessage, lists: NamedLists) -> bool:
    """Whether an exception of the event's tenant covers it."""
    within = rule.within.get(message.tenant)
    return within is not None and within.match(Record(message.event), LOG_SOURCES[match.log_source], lists) is None

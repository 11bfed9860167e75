"""What a rule would have found in events that are stored: the engine itself, over history. Pure, and bounded."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts.alert import FieldValue
from aoc_common.contracts.ids import EPOCH
from aoc_rules.attributes import attributes_of
from aoc_rules.circumstances.tenants import UNKNOWN
from aoc_rules.grouping import LONGEST_SPAN, group_of
from aoc_rules.sigma import log_sources
from aoc_rules.sigma.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from aoc_common.contracts.rows import Row
    from aoc_rules.circumstances.tenants import KnownTenant
    from aoc_rules.sigma.named_lists import NamedLists
    from aoc_rules.sigma.rule import CompiledRule, Match

MOST_EXAMPLES: Final = 20
#: Matches whose groups are kept, to tell how many alerts they would have been. A rule with more is too broad anyhow.
MOST_KEPT: Final = 50_000


@dataclass(frozen=True, slots=True)
class Example:
    """An event that the rule finds, and the values by which it does."""

    id: UUID
    at: datetime
    source: str
    operation: str
    actor: str | None
    matched: tuple[FieldValue, ...]


@dataclass
class BackTest:
    """Tries a rule on events of a tenant, one by one, by its settings as they are now.

    Twins count once, whichever of them the rule finds, as they alert once. What was a false positive is not known here,
    so nothing is suppressed.

    `events`, `matches`: how many there were. `hours`: hour -> matches. `examples`: the first ones that were found.
    """

    rule: CompiledRule
    tenant: KnownTenant = UNKNOWN
    events: int = 0
    matches: int = 0
    hours: Counter[datetime] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)
    _groups: defaultdict[tuple[FieldValue, ...], list[datetime]] = field(default_factory=lambda: defaultdict(list))
    _kept: int = 0
    _twins: set[UUID] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Raises `RuleRefused` for attributes that are none."""
        attributes = attributes_of(self.rule.title, self.rule.attributes)
        self._grouping, self._circumstances = attributes.grouping, attributes.circumstances

    def add(self, row: Row, event: Mapping[str, Any]) -> bool:
        """Try an event; whether it matches. `event`: as on AOC_EVENTS; `row`: the same, with it as `ocsf`."""
        self.events += 1
        match = matched(self.rule, event, self.tenant.lists)
        if match is None or not self._circumstances.hold(row, self.tenant) or self._is_told(row):
            return False
        at = row.at or EPOCH
        self.matches += 1
        self.hours[at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)] += 1
        if self._kept < MOST_KEPT:
            self._groups[group_of(self._grouping.fields, match, row)].append(at)
            self._kept += 1
        if len(self.examples) < MOST_EXAMPLES:
            values = tuple(FieldValue(one.field, one.value) for one in match.values)
            self.examples.append(Example(row.id, at, row.source, row.operation, row.actor, values))
        return True

    def _is_told(self, row: Row) -> bool:
        """Whether its twin has matched; from now on it has."""
        if row.twin_of is None and row.twin is None:
            return False
        first = row.twin_of or row.id
        told = first in self._twins
        self._twins.add(first)
        return told

    def add_all(self, events: Iterable[tuple[Row, Mapping[str, Any]]]) -> None:
        """Try several."""
        for row, event in events:
            self.add(row, event)

    @property
    def alerts(self) -> int:
        """How many alerts the matches would have been; of those whose groups are kept."""
        return sum(_incidents(times, self._grouping.window) for times in self._groups.values())

    def alerts_a_day(self, span: timedelta) -> float:
        """The same for a day, of a stretch of time that was searched."""
        days = max(span / timedelta(days=1), 1 / 24)
        share = self.matches / self._kept if self._kept else 1
        return self.alerts * share / days


def matched(rule: CompiledRule, event: Mapping[str, Any], lists: NamedLists) -> Match | None:
    """What an event has of a rule, whichever of its log sources it is read as."""
    record = Record(event)
    found = (rule.match(record, source, lists) for source in log_sources.of_event(event))
    return next((one for one in found if one is not None), None)


def _incidents(times: Iterable[datetime], window: timedelta) -> int:
    """Stretches in which one match follows another within the window, as `grouping.placed` makes alerts of them."""
    count, first, last = 0, EPOCH, EPOCH
    for at in sorted(times):
        if not count or at - last > window or at - first > max(LONGEST_SPAN, window):
            count, first = count + 1, at
        last = at
    return count

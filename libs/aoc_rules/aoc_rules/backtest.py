"""What a rule would have found in events that are stored: the engine itself, over history. Pure, and bounded."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts.alert import FieldValue
from aoc_common.contracts.ids import EPOCH
from aoc_rules.attributes import attributes_of
from aoc_rules.circumstances.first_seen import use_of
from aoc_rules.circumstances.tenants import UNKNOWN
from aoc_rules.grouping import LONGEST_SPAN, group_of
from aoc_rules.sigma import log_sources
from aoc_rules.sigma.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from uuid import UUID

    from aoc_common.contracts.rows import Row
    from aoc_common.contracts.uses import Use, UseKind
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


@dataclass(frozen=True, slots=True)
class Candidate:
    """A match that is one if its `use` was the first."""

    use: Use | None
    at: datetime
    group: tuple[FieldValue, ...]
    example: Example
    first_twin: UUID | None


@dataclass
class BackTest:
    """Tries a rule on events of a tenant, one by one, by its settings as they are now.

    Twins count once, whichever of them the rule finds, as they alert once. What was a false positive is not known here,
    so nothing is suppressed. Of a rule that asks whether something was
    done for the first time, matches wait until that is looked up: `undecided`, `take`.

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
    _waiting: list[Candidate] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Raises `RuleRefused` for attributes that are none."""
        attributes = attributes_of(self.rule.title, self.rule.attributes)
        self._grouping, self._circumstances = attributes.grouping, attributes.circumstances
        self._first_seen = attributes.first_seen

    def add(self, row: Row, event: Mapping[str, Any]) -> bool:
        """Try an event; whether it matches for sure. `event`: as on AOC_EVENTS; `row`: the same, with it as `ocsf`."""
        self.events += 1
        match = matched(self.rule, event, self.tenant.lists)
        if match is None or not self._circumstances.hold(row, self.tenant):
            return False
        use = None if self._first_seen is None else use_of(self._first_seen, row)
        if use is None and self._first_seen is not None:
            return False
        candidate = self._candidate(row, match, use)
        if use is None:
            return self.take(candidate)
        self._waiting.append(candidate)
        return False

    @property
    def full(self) -> bool:
        """Whether no more should be added: never, since what is kept of matches is bounded."""
        return False

    @property
    def waiting(self) -> int:
        """How many wait to be looked up."""
        return len(self._waiting)

    def undecided(self) -> list[tuple[Use, Callable[[], object]]]:
        """Those that wait to be looked up, and do so no more; and what is to be done of a first one."""
        waiting, self._waiting = self._waiting, []
        return [(one.use, partial(self.take, one)) for one in waiting if one.use is not None]

    def take(self, candidate: Candidate) -> bool:
        """It is a match; whether it is one that was not told, by its twin."""
        first, at = candidate.first_twin, candidate.at
        if first is not None and first in self._twins:
            return False
        if first is not None:
            self._twins.add(first)
        self.matches += 1
        self.hours[hour_of(at)] += 1
        if self._kept < MOST_KEPT:
            self._groups[candidate.group].append(at)
            self._kept += 1
        if len(self.examples) < MOST_EXAMPLES:
            self.examples.append(candidate.example)
        return True

    def _candidate(self, row: Row, match: Match, use: Use | None) -> Candidate:
        at = row.at or EPOCH
        values = tuple(FieldValue(one.field, one.value) for one in match.values)
        example = Example(row.id, at, row.source, row.operation, row.actor, values)
        twin = None if row.twin_of is None and row.twin is None else row.twin_of or row.id
        return Candidate(use, at, group_of(self._grouping.fields, match, row), example, twin)

    def add_all(self, events: Iterable[tuple[Row, Mapping[str, Any]]]) -> None:
        """Try several."""
        for row, event in events:
            self.add(row, event)

    @property
    def uses(self) -> frozenset[UseKind]:
        """Of which kinds first uses have to be looked up."""
        return frozenset() if self._first_seen is None else frozenset({self._first_seen.of})

    def raised_at(self) -> list[datetime]:
        """When the alerts would have been raised that the matches would have been; of those whose groups are kept."""
        return [at for times in self._groups.values() for at in _incidents(times, self._grouping.window)]

    @property
    def share(self) -> float:
        """By how much there are more matches than those whose groups are kept."""
        return self.matches / self._kept if self._kept else 1


def hour_of(at: datetime) -> datetime:
    """When the hour of a time begins, UTC."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def matched(rule: CompiledRule, event: Mapping[str, Any], lists: NamedLists) -> Match | None:
    """What an event has of a rule, whichever of its log sources it is read as."""
    record = Record(event)
    found = (rule.match(record, source, lists) for source in log_sources.of_event(event))
    return next((one for one in found if one is not None), None)


def _incidents(times: Iterable[datetime], window: timedelta) -> list[datetime]:
    """When stretches begin in which one match follows another within the window, as `grouping.placed` makes alerts."""
    begun, last = list[datetime](), EPOCH
    for at in sorted(times):
        if not begun or at - last > window or at - begun[-1] > max(LONGEST_SPAN, window):
            begun.append(at)
        last = at
    return begun

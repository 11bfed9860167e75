"""A correlation, compiled: which rules it looks at, what they are to have in common, and what has to hold of them."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aoc_common.contracts.alert import AlertRule, Severity

type Kind = Literal[
    "event_count", "value_count", "value_sum", "value_avg", "value_median", "value_percentile", "temporal",
    "temporal_ordered",
]  # fmt: skip
type Operator = Literal["lt", "lte", "gt", "gte", "eq", "neq"]

HOLDS: Final[Mapping[Operator, Callable[[float, float], bool]]] = {
    "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge, "eq": operator.eq,
    "neq": operator.ne,
}  # fmt: skip
#: Kinds whose figure can only grow as more becomes known. Sums are of what is nearly always a size.
_GROWING: Final = frozenset({"event_count", "value_count", "value_sum", "temporal", "temporal_ordered"})
#: Kinds that count; the others calculate with numbers.
COUNTING: Final = frozenset({"event_count", "value_count"})
TEMPORAL: Final = frozenset({"temporal", "temporal_ordered"})


@dataclass(frozen=True, slots=True)
class Slot:
    """A rule that a correlation names.

    - `rule`: its id. `names`: as it may be called in conditions. `inner`: it is a correlation itself.
    - `group`: the fields that events are to have in common, as this rule spells them; `field`: whose values count.
    """

    rule: str
    names: frozenset[str]
    group: tuple[str, ...]
    field: str | None = None
    inner: bool = False


@dataclass(frozen=True, slots=True)
class Clause:
    """Slots of which each must be there, and of which none may be."""

    present: frozenset[int]
    absent: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Condition:
    """What has to hold of a window: a figure against a number, or, where there are any, one of the clauses."""

    op: Operator = "gte"
    count: float = 1
    percentile: float = 50
    clauses: tuple[Clause, ...] = ()


@dataclass(frozen=True, slots=True)
class Correlation:
    """A correlation at work.

    - `id`, `told`, `severity`: as of any rule. `alerts`: it raises alerts; else it is only named by others.
    - `group_by`: the names of what events have in common. `alert_group`: by which its alerts are told apart.
    - `span_ms`: length of a window, both ends included. `window`: how far apart events of one alert may be.
    - `suppress`: as of `attributes.Grouping`.
    - `across`: events of all tenants are looked at together, and alerts are the home tenant's.
    """

    id: str
    alert_rule: AlertRule
    severity: Severity
    kind: Kind
    slots: tuple[Slot, ...]
    group_by: tuple[str, ...]
    span_ms: int
    condition: Condition
    window: timedelta
    alert_group: tuple[str, ...] = ()
    across: bool = False
    alerts: bool = True
    suppress: timedelta = timedelta()

    @property
    def span(self) -> timedelta:
        """Length of a window."""
        return timedelta(milliseconds=self.span_ms)

    @property
    def few(self) -> bool:
        """It looks for few, or for what is missing, in the time after an event."""
        return not self.condition.clauses and self.kind in _GROWING and self.condition.op in {"lt", "lte"}

    @property
    def settled(self) -> bool:
        """What comes late can take it back: it is decided when a window, and what is late for it, is over."""
        if self.condition.clauses:
            return any(clause.absent for clause in self.condition.clauses)
        return self.kind not in _GROWING or self.condition.op not in {"gt", "gte"}

    @property
    def ahead(self) -> bool:
        """Some of its windows begin with an event."""
        return self.few or any(clause.absent for clause in self.condition.clauses)

    @property
    def back(self) -> bool:
        """Some of its windows end with an event."""
        return not self.few and any(not clause.absent for clause in self.condition.clauses or (Clause(frozenset()),))

    @property
    def anchors(self) -> frozenset[int]:
        """Places of rules whose hits a window can begin or end with."""
        if not self.condition.clauses:
            return frozenset(range(len(self.slots)))
        return frozenset[int]().union(*(clause.present for clause in self.condition.clauses))

    @property
    def slot_of(self) -> Mapping[str, int]:
        """Rule -> its place."""
        return {slot.rule: number for number, slot in enumerate(self.slots)}

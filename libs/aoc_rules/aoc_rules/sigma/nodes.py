"""A compiled condition: tests of fields, joined by and, or and not. Immutable; every test is pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from aoc_rules.sigma import bounds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_rules.sigma.fields import Field
    from aoc_rules.sigma.named_lists import NamedLists
    from aoc_rules.sigma.record import Record, Values

#: What a test of the whole record is shown as.
ANYWHERE: Final = "(anywhere)"


class Node(Protocol):
    """A condition, or a part of one."""

    def holds(self, record: Record, lists: NamedLists) -> bool:
        """Whether a record fulfils it."""

    def shown(self, record: Record, lists: NamedLists) -> Iterator[MatchedValue]:
        """The values by which it holds; of what does not hold none."""


@dataclass(frozen=True, slots=True)
class MatchedValue:
    """A value of a record that a rule asks for. `field`: as the rule spells it; `value`: as the record has it, cut."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class And:
    """All of some conditions."""

    nodes: tuple[Node, ...]

    def holds(self, record: Record, lists: NamedLists) -> bool:
        """See `Node`."""
        for node in self.nodes:  # noqa: SIM110  # the hot path: a generator costs more than the tests
            if not node.holds(record, lists):
                return False
        return True

    def shown(self, record: Record, lists: NamedLists) -> Iterator[MatchedValue]:
        """See `Node`."""
        if self.holds(record, lists):
            for node in self.nodes:
                yield from node.shown(record, lists)


@dataclass(frozen=True, slots=True)
class Or:
    """Any of some conditions."""

    nodes: tuple[Node, ...]

    def holds(self, record: Record, lists: NamedLists) -> bool:
        """See `Node`."""
        for node in self.nodes:  # noqa: SIM110  # see above
            if node.holds(record, lists):
                return True
        return False

    def shown(self, record: Record, lists: NamedLists) -> Iterator[MatchedValue]:
        """See `Node`."""
        for node in self.nodes:
            yield from node.shown(record, lists)


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    node: Node

    def holds(self, record: Record, lists: NamedLists) -> bool:
        """See `Node`."""
        return not self.node.holds(record, lists)

    def shown(self, record: Record, lists: NamedLists) -> Iterator[MatchedValue]:  # noqa: ARG002  # see `Node`
        """Nothing: what a record does not have cannot be shown."""
        yield from ()


@dataclass(frozen=True, slots=True)
class Test:
    """A test of one field, or of every value of the record (`field` None). Its kinds are in `tests_of_values`."""

    name: str
    field: Field | None

    def values(self, record: Record) -> Values:
        """What the record has in the field."""
        return record.words() if self.field is None else record.values(self.field)

    def found(self, record: Record, lists: NamedLists) -> str | None:  # noqa: ARG002  # of the kinds of tests
        """The value by which the test holds, as text; None where it does not hold."""
        raise AssertionError(type(self).__name__)

    def holds(self, record: Record, lists: NamedLists) -> bool:
        """See `Node`."""
        return self.found(record, lists) is not None

    def shown(self, record: Record, lists: NamedLists) -> Iterator[MatchedValue]:
        """See `Node`."""
        value = self.found(record, lists)
        if value is not None:
            yield MatchedValue(self.name, value[: bounds.SHOWN_LENGTH])

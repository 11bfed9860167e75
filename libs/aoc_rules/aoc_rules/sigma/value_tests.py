"""The tests that a rule can ask of a field."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sigma.types import CompareOperators

from aoc_rules.sigma import moments, regexes
from aoc_rules.sigma.nodes import Test
from aoc_rules.sigma.patterns import Kind
from aoc_rules.sigma.texts import number_of, scalar_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from sigma.types import TimestampPart

    from aoc_rules.sigma.fields import Field
    from aoc_rules.sigma.named_lists import NamedLists
    from aoc_rules.sigma.networks import Networks
    from aoc_rules.sigma.patterns import Parts
    from aoc_rules.sigma.record import Record
    from aoc_rules.sigma.regexes import Compiled
    from aoc_rules.sigma.text_sets import TextSet

OPERATORS: Final[dict[CompareOperators, Callable[[Any, Any], bool]]] = {
    CompareOperators.LT: operator.lt,
    CompareOperators.LTE: operator.le,
    CompareOperators.GT: operator.gt,
    CompareOperators.GTE: operator.ge,
}


@dataclass(frozen=True, slots=True)
class IsText(Test):
    """One of some texts, with or without wildcards."""

    texts: TextSet

    def found(self, record: Record, lists: NamedLists) -> str | None:  # noqa: ARG002  # see `Node`
        """See `Test`."""
        return self.texts.first(self.values(record))


@dataclass(frozen=True, slots=True)
class IsListed(Test):
    """A text with an entry of one of the tenant's lists in it. `listed`: the list's name without case."""

    listed: str
    template: Parts
    cased: bool

    def found(self, record: Record, lists: NamedLists) -> str | None:
        """See `Test`."""
        named = lists.get(self.listed)
        return None if named is None else named.within(self.template, cased=self.cased).first(self.values(record))


@dataclass(frozen=True, slots=True)
class FitsRegex(Test):
    """A regular expression that matches somewhere in the text. `literal`: a text that it is sure to contain."""

    expression: Compiled
    literal: str

    def found(self, record: Record, lists: NamedLists) -> str | None:  # noqa: ARG002  # see `Node`
        """See `Test`."""
        return _searched(self.expression, self, record)


@dataclass(frozen=True, slots=True)
class FitsListedRegex(Test):
    """A regular expression with an entry of one of the tenant's lists in it."""

    listed: str
    before: str
    after: str

    def found(self, record: Record, lists: NamedLists) -> str | None:
        """See `Test`."""
        named = lists.get(self.listed)
        expression = None if named is None else named.expression(self.before, self.after)
        return None if expression is None else _searched(expression, self, record)


@dataclass(frozen=True, slots=True)
class IsNull(Test):
    """The field is not there, or null."""

    def found(self, record: Record, lists: NamedLists) -> str | None:  # noqa: ARG002  # see `Node`
        """See `Test`."""
        return "null" if self.values(record).is_null else None


@dataclass(frozen=True, slots=True)
class Exists(Test):
    """The field is there, whatever it holds; or it is not."""

    wanted: bool

    def found(self, record: Record, lists: NamedLists) -> str | None:  # noqa: ARG002  # see `Node`
        """See `Test`."""
        values = self.values(record)
        if values.exists is not self.wanted:
            return None
        return next(iter(values.plain), "") if self.wanted else "(absent)"


@dataclass(frozen=True, slots=True)
class Compares(Test):
    """A number, or a text that spells one, or a part of a moment, compared with a number."""

    compare: Callable[[Any, Any], bool]
    number: float | int
    part: TimestampPart | None

    def found(self, record: Record, lists: NamedLists) -> str | None:  # noqa: ARG002  # see `Node`
        """See `Test`."""
        for item in self.values(record).items:
            held = number_of(item) if self.part is None else moments.part_of(self.part, item)
            if held is not None and self.compare(held, self.number):
                return scalar_text(item)
        return None


@dataclass(frozen=True, slots=True)
class InNetwork(Test):
    """An address in one of some networks."""

    networks: Networks

    def found(self, record: Record, lists: NamedLists) -> str | None:  # noqa: ARG002  # see `Node`
        """See `Test`."""
        return next((text for text in self.values(record).plain if self.networks.holds(text)), None)


@dataclass(frozen=True, slots=True)
class LikeField(Test):
    """A text that is, begins with, ends with or holds that of another field; without case."""

    other: Field
    kind: Kind

    def found(self, record: Record, lists: NamedLists) -> str | None:  # noqa: ARG002  # see `Node`
        """See `Test`."""
        values = self.values(record)
        others = record.values(self.other).folded
        for at, text in enumerate(values.folded):
            if any(_alike(self.kind, text, other) for other in others):
                return values.plain[at]
        return None


def _searched(expression: Compiled, test: Test, record: Record) -> str | None:
    values = test.values(record)
    for texts in (values.plain, values.containers):
        for text in texts:
            if regexes.found(expression, text):
                return text
    return None


def _alike(kind: Kind, text: str, other: str) -> bool:
    if kind is Kind.WHOLE:
        return text == other
    if kind is Kind.START:
        return text.startswith(other)
    return text.endswith(other) if kind is Kind.END else other in text

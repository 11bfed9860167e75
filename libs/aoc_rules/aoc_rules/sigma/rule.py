"""A rule, compiled: what it asks of the records of each log source that it covers."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from aoc_rules.sigma import bounds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sigma.rule import SigmaRule

    from aoc_rules.sigma.log_sources import LogSource
    from aoc_rules.sigma.named_lists import NamedLists
    from aoc_rules.sigma.nodes import MatchedValue, Node
    from aoc_rules.sigma.record import Record


@dataclass(frozen=True, slots=True, eq=False)
class CompiledRule:
    """Immutable, and free of the rules around it: a set of rules is made anew without compiling again.

    - `id`: the rule's own, else its name, else its title. `level`: None where the rule has none.
    - `conditions`: for each log source that the rule covers; empty where none is ours, and then it never fires.
    - `lists`: names, without case, of the lists that it looks values up in.
    - `attributes`: keys of the rule that Sigma does not know.
    - `sigma`: the rule as pySigma has it, filters included.
    """

    id: str
    title: str
    level: str | None
    tags: tuple[str, ...]
    conditions: Mapping[LogSource, Node]
    lists: frozenset[str]
    attributes: Mapping[str, Any]
    sigma: SigmaRule = field(repr=False)

    def match(self, record: Record, source: LogSource, lists: NamedLists) -> Match | None:
        """What a record of a log source has of this rule; None where it does not match.

        A rule that names a list which the tenant does not have cannot be answered, so it does not match: neither what
        it looks for nor, where the list makes an exception, everything else.
        """
        condition = self.conditions.get(source)
        if condition is None or (self.lists and not lists.has_all(self.lists)) or not condition.holds(record, lists):
            return None
        return Match(self, source.name, tuple(islice(condition.shown(record, lists), bounds.SHOWN_VALUES)))


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that an event matches, and the values by which it does. `log_source`: as which the record was read."""

    rule: CompiledRule
    log_source: str
    values: tuple[MatchedValue, ...]

"""Many rules, and those of them that an event matches."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from aoc_rules.sigma import log_sources
from aoc_rules.sigma.index import Index
from aoc_rules.sigma.named_lists import NO_LISTS
from aoc_rules.sigma.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aoc_rules.sigma.log_sources import LogSource
    from aoc_rules.sigma.named_lists import NamedLists
    from aoc_rules.sigma.rule import CompiledRule, Match


class RuleSet:
    """Immutable: rules that change make a new one, which takes the old one's place by one assignment.

    Rules are compiled before (`compiling.compile_rule`), so that one changed rule among many costs no more than itself
    and the index.
    """

    __slots__ = ("indexes", "rules")

    def __init__(self, rules: Iterable[CompiledRule] = ()) -> None:
        self.rules = tuple(rules)
        covering: defaultdict[LogSource, list[CompiledRule]] = defaultdict(list)
        for rule in self.rules:
            for source in rule.conditions:
                covering[source].append(rule)
        self.indexes = {source: Index(held, source) for source, held in covering.items()}

    def match(self, event: Mapping[str, Any], lists: NamedLists = NO_LISTS) -> tuple[Match, ...]:
        """The rules that an event of AOC_EVENTS matches, each once, with the values by which it does.

        `event`: the OCSF event with its `raw_data` (`EventMessage.event`). `lists`: those of the event's tenant.
        """
        record: Record | None = None
        found: dict[CompiledRule, Match] = {}
        for source in log_sources.of_event(event):
            index = self.indexes.get(source)
            if index is None:
                continue
            if record is None:
                record = Record(event)
            for rule in index.candidates(record):
                if rule not in found:
                    match = rule.match(record, source, lists)
                    if match is not None:
                        found[rule] = match
        return tuple(found.values())

    def match_each(self, event: Mapping[str, Any], lists: NamedLists = NO_LISTS) -> tuple[Match, ...]:
        """The same by trying every rule: what the index is held against, and what a test of one rule needs."""
        record = Record(event)
        found: dict[CompiledRule, Match] = {}
        for source in log_sources.of_event(event):
            for rule in self.rules:
                if rule not in found:
                    match = rule.match(record, source, lists)
                    if match is not None:
                        found[rule] = match
        return tuple(found.values())

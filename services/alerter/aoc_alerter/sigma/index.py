"""The rules of one log source, found by what an event has: only those that could match are tried."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from aoc_alerter.sigma.requirements import Mark, Sort, required
from aoc_alerter.sigma.text_sets import automaton_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import ahocorasick

    from aoc_alerter.sigma.fields import Field
    from aoc_alerter.sigma.log_sources import LogSource
    from aoc_alerter.sigma.record import Record, Values
    from aoc_alerter.sigma.rule import CompiledRule

type Places = tuple[int, ...]


class Index:
    """Immutable. `rules`: in their order; every rule that covers the log source."""

    __slots__ = ("_always", "_parts", "_present", "_whole", "rules")

    def __init__(self, rules: Sequence[CompiledRule], source: LogSource) -> None:
        self.rules = tuple(rules)
        marked: defaultdict[Mark, list[int]] = defaultdict(list)
        always: list[int] = []
        for at, rule in enumerate(self.rules):
            requirement = required(rule.conditions[source])
            if requirement is None:
                always.append(at)
            else:
                for mark in requirement.marks:
                    marked[mark].append(at)
        self._always = tuple(always)
        self._whole = _whole(marked)
        self._parts = _parts(marked)
        self._present = [
            (mark.field, tuple(places)) for mark, places in marked.items() if mark.sort is Sort.PRESENT and mark.field
        ]

    def candidates(self, record: Record) -> list[CompiledRule]:
        """The rules that could match, in their order. Every rule that does match is among them."""
        found: set[int] = set(self._always)
        self._by_whole(record, found)
        for place, automaton in self._parts:
            for text in _searched(record.words() if place is None else record.values(place)):
                for _, places in automaton.iter(text):
                    found.update(places)
        for field, places in self._present:
            if record.values(field).exists:
                found.update(places)
        return [self.rules[at] for at in sorted(found)]

    def _by_whole(self, record: Record, found: set[int]) -> None:
        for field, table, containers in self._whole:
            values = record.values(field)
            for text in values.folded:
                if text in table:
                    found.update(table[text])
            if containers:
                for text in values.containers:
                    found.update(table.get(text.casefold(), ()))


def _searched(values: Values) -> Iterable[str]:
    yield from values.folded
    for text in values.containers:
        yield text.casefold()


def _whole(marked: dict[Mark, list[int]]) -> list[tuple[Field, dict[str, Places], bool]]:
    """For each field: whole texts and the rules that ask for them, and whether one may be the JSON of an object."""
    tables: defaultdict[Field, dict[str, Places]] = defaultdict(dict)
    for mark, places in marked.items():
        if mark.sort is Sort.WHOLE and mark.field is not None:
            tables[mark.field][mark.text] = tuple(places)
    return [(field, table, any(text[:1] in ("{", "[") for text in table if text)) for field, table in tables.items()]


def _parts(marked: dict[Mark, list[int]]) -> list[tuple[Field | None, ahocorasick.Automaton]]:
    """For each field, and for all values of a record: parts of texts and the rules that ask for them."""
    words: defaultdict[Field | None, dict[str, Places]] = defaultdict(dict)
    for mark, places in marked.items():
        if mark.sort is Sort.PART:
            words[mark.field][mark.text] = tuple(places)
    return [(field, automaton_of(held.items())) for field, held in words.items()]

"""The rules of one log source, found by what an event has: only those that could match are tried."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from aoc_rules.sigma import bounds
from aoc_rules.sigma.record import text_at
from aoc_rules.sigma.requirements import Mark, Sort, required
from aoc_rules.sigma.text_sets import automaton_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ahocorasick

    from aoc_rules.sigma.fields import Field
    from aoc_rules.sigma.log_sources import LogSource
    from aoc_rules.sigma.record import Record
    from aoc_rules.sigma.rule import CompiledRule
    from aoc_rules.sigma.shapes import Key, Shape

type Places = tuple[int, ...]

#: Shapes of records for which an index remembers what to ask.
_SHAPES: Final = 4_096


class Index:
    """Immutable. `rules`: in their order; every rule that covers the log source."""

    __slots__ = ("_always", "_asked_of", "_every", "rules")

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
        self._always = frozenset(always)
        self._every = _Questions(tuple(_whole(marked)), tuple(_parts(marked)), tuple(_present(marked)))
        #: What can be asked of records of a shape: a memory of what follows from the two, and so no state.
        self._asked_of: dict[Shape, _Questions] = {}

    def candidates(self, record: Record) -> list[CompiledRule]:
        """The rules that could match, in their order. Every rule that does match is among them."""
        found: set[int] = set(self._always)
        questions = self._questions(record.shape)
        _by_whole(record, questions.whole, found)
        _by_parts(record, questions.parts, found)
        for field, places in questions.present:
            if record.values(field).exists:
                found.update(places)
        return [self.rules[at] for at in sorted(found)] if found else []

    def _questions(self, shape: Shape) -> _Questions:
        """The questions that records of a shape can answer with more than no."""
        known = self._asked_of.get(shape)
        if known is None:
            every = self._every
            known = _Questions(
                tuple(one._replace(key=shape.key(one.field)) for one in every.whole if shape.plan(one.field)),
                tuple(
                    one._replace(key=None if one.field is None else shape.key(one.field))
                    for one in every.parts
                    if one.field is None or shape.plan(one.field)
                ),
                tuple(one for one in every.present if shape.plan(one[0])),
            )
            if shape.kept:
                if len(self._asked_of) >= _SHAPES:
                    self._asked_of.clear()
                self._asked_of[shape] = known
        return known


class _Whole(NamedTuple):
    """Whole texts of a field, without case, and the rules that ask for them.

    `containers`: whether one may be the JSON of an object. `key`: where records of a shape have the field's text.
    """

    field: Field
    table: dict[str, Places]
    containers: bool
    key: Key | None = None


class _Parts(NamedTuple):
    """Parts of the texts of a field, or of all values, and the rules that ask for them. `key`: as of `_Whole`."""

    field: Field | None
    automaton: ahocorasick.Automaton
    key: Key | None = None


class _Questions(NamedTuple):
    """What an index asks of a record: whole texts of fields, parts of them, and whether fields are there."""

    whole: tuple[_Whole, ...]
    parts: tuple[_Parts, ...]
    present: tuple[tuple[Field, Places], ...]


def _by_whole(record: Record, asked: tuple[_Whole, ...], found: set[int]) -> None:
    roots = record.roots
    for field, table, containers, key in asked:
        # Most fields are one text: it needs no `Values` until a rule asks for them.
        if key is not None:
            root, name, rest = key
            value = text_at(roots[root][name], rest) if rest else roots[root][name]
            if isinstance(value, str):
                if (places := table.get(value[: bounds.TEXT_LENGTH].casefold())) is not None:
                    found.update(places)
                continue
        values = record.values(field)
        for text in values.folded:
            if text in table:
                found.update(table[text])
        if containers:
            for text in values.folded_containers:
                found.update(table.get(text, ()))


def _by_parts(record: Record, asked: tuple[_Parts, ...], found: set[int]) -> None:
    roots = record.roots
    for field, automaton, key in asked:
        if key is not None:
            root, name, rest = key
            value = text_at(roots[root][name], rest) if rest else roots[root][name]
            if isinstance(value, str):
                for _, places in automaton.iter(value[: bounds.TEXT_LENGTH].casefold()):
                    found.update(places)
                continue
        values = record.words() if field is None else record.values(field)
        for text in (*values.folded, *values.folded_containers):
            for _, places in automaton.iter(text):
                found.update(places)


def _whole(marked: dict[Mark, list[int]]) -> list[_Whole]:
    """For each field: whole texts and the rules that ask for them, and whether one may be the JSON of an object."""
    tables: defaultdict[Field, dict[str, Places]] = defaultdict(dict)
    for mark, places in marked.items():
        if mark.sort is Sort.WHOLE and mark.field is not None:
            tables[mark.field][mark.text] = tuple(places)
    return [
        _Whole(field, table, any(text[:1] in ("{", "[") for text in table if text)) for field, table in tables.items()
    ]


def _parts(marked: dict[Mark, list[int]]) -> list[_Parts]:
    """For each field, and for all values of a record: parts of texts and the rules that ask for them."""
    words: defaultdict[Field | None, dict[str, Places]] = defaultdict(dict)
    for mark, places in marked.items():
        if mark.sort is Sort.PART:
            words[mark.field][mark.text] = tuple(places)
    return [_Parts(field, automaton_of(held.items())) for field, held in words.items()]


def _present(marked: dict[Mark, list[int]]) -> list[tuple[Field, Places]]:
    """Fields, and the rules that ask no more than that they are there."""
    return [
        (mark.field, tuple(places))
        for mark, places in marked.items()
        if mark.sort is Sort.PRESENT and mark.field is not None
    ]

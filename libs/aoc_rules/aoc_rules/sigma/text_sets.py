"""Many texts to compare one value with, at the cost of few: whole texts by a set, parts by one pass of Aho-Corasick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import ahocorasick

from aoc_rules.sigma.patterns import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aoc_rules.sigma.patterns import Pattern
    from aoc_rules.sigma.record import Values

#: From so many parts on, one pass over the text costs less than looking for each.
_MANY: Final = 12


@dataclass(frozen=True, slots=True)
class TextSet:
    """Texts of which one has to match. All with case, or all without.

    `every`: all of them. `parts`: an automaton of those that may lie anywhere in a text, where they are many; the other
    `patterns` are tried one by one. `containers`: whether the JSON of an object or a list can match.
    """

    every: tuple[Pattern, ...]
    whole: frozenset[str]
    patterns: tuple[Pattern, ...]
    parts: ahocorasick.Automaton | None
    containers: bool
    cased: bool

    @classmethod
    def of(cls, patterns: Iterable[Pattern]) -> TextSet:
        """The set of some texts."""
        every = tuple(dict.fromkeys(patterns))
        whole = frozenset(one.text for one in every if one.kind is Kind.WHOLE)
        parts = [one for one in every if one.kind is Kind.WITHIN and one.text]
        others = tuple(one for one in every if one.kind is not Kind.WHOLE)
        automaton = None
        if len(parts) >= _MANY:
            automaton = automaton_of((one.text, one.text) for one in parts)
            others = tuple(one for one in others if one.kind is not Kind.WITHIN or not one.text)
        containers, cased = any(one.may_be_container for one in every), any(one.cased for one in every)
        return cls(every, whole, others, automaton, containers, cased)

    def first(self, values: Values) -> str | None:
        """The first text of a field's values that matches, as the record has it; None where none does."""
        at = self._among(values.plain if self.cased else values.folded)
        if at is not None:
            return values.plain[at]
        if self.containers:
            texts = values.containers
            at = self._among(texts if self.cased else values.folded_containers)
            return None if at is None else texts[at]
        return None

    def _among(self, texts: list[str]) -> int | None:
        """Which of some texts matches."""
        whole, patterns, parts = self.whole, self.patterns, self.parts
        for at, text in enumerate(texts):
            if text in whole or (parts is not None and next(parts.iter(text), None) is not None):
                return at
            for pattern in patterns:
                if pattern.matches(text):
                    return at
        return None


def automaton_of(words: Iterable[tuple[str, object]]) -> ahocorasick.Automaton:
    """An automaton that finds words in a text and gives what stands for each. At least one word, none of them empty."""
    made = ahocorasick.Automaton()
    for word, meaning in words:
        made.add_word(word, meaning)
    made.make_automaton()
    return made

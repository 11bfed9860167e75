"""A tenant's named lists: what placeholders of rules, as `%trusted_countries%`, stand for. Looked up as events come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sigma.types import Placeholder, SigmaString

from aoc_rules.sigma import bounds, regexes
from aoc_rules.sigma.patterns import Kind, parts_of, pattern
from aoc_rules.sigma.text_sets import TextSet
from aoc_rules.sigma.texts import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aoc_rules.sigma.patterns import Parts, Pattern
    from aoc_rules.sigma.regexes import Compiled

#: Made forms of one list that are kept: one for each way in which rules put the list into a text.
_FORMS: Final = 256


class NamedList:
    """A list of a tenant's, immutable. Its entries are Sigma texts: `*` and `?` are wildcards unless escaped.

    Raises `ValueError` for one that is too long.
    """

    __slots__ = ("_expressions", "_forms", "entries")

    def __init__(self, entries: Iterable[str]) -> None:
        self.entries: tuple[Parts, ...] = tuple(parts_of(SigmaString(entry)) for entry in dict.fromkeys(entries))
        if len(self.entries) > bounds.LIST_ENTRIES:
            raise ValueError(f"a list of {len(self.entries):,} entries; at most {bounds.LIST_ENTRIES:,} are taken")
        self._forms: dict[tuple[Parts, bool], TextSet] = {}
        self._expressions: dict[str, Compiled | None] = {}

    def within(self, template: Parts, *, cased: bool) -> TextSet:
        """The texts that come of putting each entry into a text in place of its placeholder.

        Of a list with more than `bounds.LIST_PATTERNS` wildcards only the first so many are taken.
        """
        key = (_hashable(template), cased)
        known = self._forms.get(key)
        if known is None:
            if len(self._forms) >= _FORMS:
                self._forms.clear()
            known = self._forms[key] = TextSet.of(self._patterns(template, cased=cased))
        return known

    def _patterns(self, template: Parts, *, cased: bool) -> Iterator[Pattern]:
        shaped = 0
        for entry in self.entries:
            parts = tuple(inner for part in template for inner in (entry if isinstance(part, Placeholder) else (part,)))
            try:
                made = pattern(parts_of(_string(parts)), cased=cased)
            except regexes.RegexError:
                continue  # longer than an expression may be: no value is
            shaped += made.kind is not Kind.WHOLE
            if shaped <= bounds.LIST_PATTERNS or made.kind is Kind.WHOLE:
                yield made

    def expression(self, before: str, after: str) -> Compiled | None:
        """A regular expression with any of the entries between two parts; None where that is larger than one may be."""
        key = f"{before}\0{after}"
        if key not in self._expressions:
            if len(self._expressions) >= _FORMS:
                self._expressions.clear()
            self._expressions[key] = self._expression(before, after)
        return self._expressions[key]

    def _expression(self, before: str, after: str) -> Compiled | None:
        texts = ["".join(part for part in entry if isinstance(part, str)) for entry in self.entries]
        try:
            return regexes.compiled(f"{before}(?:{'|'.join(map(regexes.escaped, texts))}){after}") if texts else None
        except regexes.RegexError:
            return None


class NamedLists:
    """All lists of one tenant by name, in any case."""

    __slots__ = ("_lists",)

    def __init__(self, lists: Mapping[str, NamedList | Iterable[str]] | None = None) -> None:
        self._lists = {
            fold(name): entries if isinstance(entries, NamedList) else NamedList(entries)
            for name, entries in (lists or {}).items()
        }

    def get(self, name: str) -> NamedList | None:
        """A list; None where the tenant has none of that name. `name`: without case."""
        return self._lists.get(name)

    def has_all(self, names: Iterable[str]) -> bool:
        """Whether the tenant has every one. `names`: without case."""
        return all(name in self._lists for name in names)


NO_LISTS: Final = NamedLists()


def _string(parts: Parts) -> SigmaString:
    made = SigmaString()
    made.s = list(parts)
    return made


def _hashable(template: Parts) -> Parts:
    return tuple(f"\0{part.name}" if isinstance(part, Placeholder) else part for part in template)

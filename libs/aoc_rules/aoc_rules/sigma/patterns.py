"""Texts with wildcards as the cheapest test that does: equal, begins, ends, has within, or an expression."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

import re2
from sigma.types import Placeholder, SigmaString, SpecialChars

from aoc_rules.sigma import regexes
from aoc_rules.sigma.texts import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aoc_rules.sigma.regexes import Compiled

type Parts = tuple[str | SpecialChars | Placeholder, ...]
ANY: Final = SpecialChars.WILDCARD_MULTI
ONE: Final = SpecialChars.WILDCARD_SINGLE


class Kind(Enum):
    """How a text is compared."""

    WHOLE = "equal"
    START = "begins with"
    END = "ends with"
    WITHIN = "has within"
    PRESENT = "is anything"
    SHAPED = "has the shape of"


@dataclass(frozen=True, slots=True)
class Pattern:
    """One text to compare with. `text`: the longest part that is sure to be in what matches, for the index.

    Without case unless `cased`: `text` is then without case too. `expression`: only of `SHAPED`.
    """

    kind: Kind
    text: str
    cased: bool = False
    expression: Compiled | None = None

    def matches(self, text: str) -> bool:
        """Whether a text, without case unless this is `cased`, is so."""
        kind = self.kind
        if kind is Kind.WITHIN:
            return self.text in text
        if kind is Kind.WHOLE:
            return self.text == text
        if kind is Kind.START:
            return text.startswith(self.text)
        if kind is Kind.END:
            return text.endswith(self.text)
        return self.expression is None or regexes.whole(self.expression, text)

    @property
    def may_be_container(self) -> bool:
        """Whether the JSON of an object or a list could be so: it begins and ends with a bracket."""
        if self.kind is Kind.WHOLE or self.kind is Kind.START:
            return self.text[:1] in {"", "{", "["}
        return self.kind is not Kind.END or self.text[-1:] in {"", "}", "]"}


def parts_of(value: SigmaString) -> Parts:
    """A pySigma text as plain texts, wildcards and placeholders."""
    # `**` is `*`
    return tuple(part for before, part in zip((None, *value.s), value.s, strict=False) if part != ANY or before != ANY)


def pattern(parts: Parts, *, cased: bool) -> Pattern:  # noqa: PLR0911  # a table
    """The cheapest test for a text with wildcards. Raises `regexes.RegexError` for a shape that is too large."""
    kept: list[str | SpecialChars] = [
        part if cased or not isinstance(part, str) else fold(part)
        for part in parts
        if not isinstance(part, Placeholder)
    ]
    match kept:
        case []:
            return Pattern(Kind.WHOLE, "", cased)
        case [str(text)]:
            return Pattern(Kind.WHOLE, text, cased)
        case [SpecialChars.WILDCARD_MULTI]:
            return Pattern(Kind.PRESENT, "", cased)
        case [str(text), SpecialChars.WILDCARD_MULTI]:
            return Pattern(Kind.START, text, cased)
        case [SpecialChars.WILDCARD_MULTI, str(text)]:
            return Pattern(Kind.END, text, cased)
        case [SpecialChars.WILDCARD_MULTI, str(text), SpecialChars.WILDCARD_MULTI]:
            return Pattern(Kind.WITHIN, text, cased)
    longest = max((part for part in kept if isinstance(part, str)), key=len, default="")
    return Pattern(Kind.SHAPED, longest, cased, regexes.compiled(f"(?s){_expression(kept)}"))


def _expression(parts: Iterable[str | SpecialChars]) -> str:
    return "".join(re2.escape(part) if isinstance(part, str) else ".*" if part == ANY else "." for part in parts)

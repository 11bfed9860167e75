"""Lists of names and values that a tool has joined into one text: `Name=Invoices | ForwardTo=drop@bad.example`.

What parts two of them may stand in a value, too: only a name and its sign after it begin the next one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_LONGEST: Final = 8192
_MOST: Final = 200
_NAME: Final = r"[A-Za-z][A-Za-z0-9]{0,63}"
#: What parts the pairs, and a name from its value; the first that a text begins and goes on with counts.
_FORMS: Final = tuple((between, sign) for between in (r"\s*\|\s*", r"\s*;\s*", r"\s*\n\s*", r",\s+") for sign in "=:")
_BEGINS: Final = re.compile(rf"\s*({_NAME})\s?([=:])(?!//|\\)")


def pairs(text: str) -> dict[str, str]:
    """Name -> value; empty for a text that does not begin with a name and its value. The first of a name counts."""
    text = text[:_LONGEST].strip()
    begins = _BEGINS.match(text)
    if begins is None:
        return {}
    between = next((parting for parting, sign in _FORMS if sign == begins[2] and _sign(parting, sign).search(text)), "")
    if not between:
        return {begins[1]: text[begins.end() :].strip()}
    marks = [begins, *_sign(between, begins[2]).finditer(text, begins.end())][:_MOST]
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    found: dict[str, str] = {}
    for mark, end in zip(marks, ends, strict=True):
        found.setdefault(mark[1], text[mark.end() : end].strip())
    return found


@lru_cache(maxsize=len(_FORMS))
def _sign(between: str, sign: str) -> re.Pattern[str]:
    return re.compile(rf"{between}({_NAME})\s?{sign}(?!//|\\)")

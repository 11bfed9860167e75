"""Parameters of a PowerShell command line, as Purview logs them: `-Name "Card rule" -Content ("Title") -Force`.

A value is bare, in quotes of either kind (doubled inside, or after a backtick), or a list in parentheses. Source:
PowerShell's about_Quoting_Rules and about_Arrays. One pass; what is not closed ends with the text.
"""

from __future__ import annotations

import re
from typing import Final

_LONGEST: Final = 8192
_MOST: Final = 200
#: Lists in lists.
_DEPTH: Final = 4
_NAME: Final = re.compile(r"-([A-Za-z]\w*):?(?=\s|$|[\"'(@{$\w-])")
_BARE: Final = re.compile(r"[^\s,)]+")
_CLOSING: Final = {"(": ")", "{": "}"}
_QUOTES: Final = "\"'"


def parameters(text: str) -> dict[str, str]:
    """Name -> value; "True" for a switch, which has none. The last of a name counts."""
    found: dict[str, str] = {}
    text, at = text[:_LONGEST], 0
    while at < len(text) and len(found) < _MOST:
        named = _NAME.match(text, at) if text[at] == "-" else None
        if named is None:
            at = _after(text, at)
            continue
        values, at = _values(text, named.end(), _DEPTH)
        found[named[1]] = "True" if values is None else ", ".join(values)
    return found


def _after(text: str, at: int) -> int:
    """The position after what stands here outside of a parameter: a word, a quoted text, a blank."""
    if text[at] in _QUOTES:
        return _quoted(text, at)[1]
    word = _BARE.match(text, at)
    return word.end() if word else at + 1


def _values(text: str, at: int, depth: int) -> tuple[list[str] | None, int]:
    """The values from here on, and where they end; None where the next parameter, or nothing, follows."""
    values: list[str] = []
    while True:
        at = _skip(text, at)
        if at >= len(text) or text[at] == ")" or (not values and _NAME.match(text, at)):
            return (values or None), at
        read, at = _value(text, at, depth)
        values += read
        after = _skip(text, at)
        if after >= len(text) or text[after] != ",":
            return values, at
        at = after + 1


def _value(text: str, at: int, depth: int) -> tuple[list[str], int]:
    sign = text[at]
    if sign in _QUOTES:
        value, at = _quoted(text, at)
        return [value], at
    opening = at + 1 if sign == "@" and text[at + 1 : at + 2] in _CLOSING else at
    if (closing := _CLOSING.get(text[opening])) is not None:
        end = _closed(text, opening, closing)
        inside = text[opening + 1 : end]
        if closing == ")" and depth:
            return _values(inside, 0, depth - 1)[0] or [], end + 1
        return [inside.strip()], end + 1
    word = _BARE.match(text, at)
    return ([word[0]], word.end()) if word else ([], at + 1)


def _quoted(text: str, at: int) -> tuple[str, int]:
    """A quoted text that begins here, and where it ends."""
    quote, at = text[at], at + 1
    parts: list[str] = []
    while at < len(text):
        sign = text[at]
        if sign == quote:
            if text[at + 1 : at + 2] != quote:
                return "".join(parts), at + 1
            at += 1
        elif sign == "`" and quote == '"' and at + 1 < len(text):
            at += 1
        parts.append(text[at])
        at += 1
    return "".join(parts), at


def _closed(text: str, at: int, closing: str) -> int:
    """Where a bracket that opens here is closed; quoted texts hold no brackets."""
    opening, depth = text[at], 0
    while at < len(text):
        sign = text[at]
        if sign in _QUOTES:
            at = _quoted(text, at)[1]
            continue
        depth += (sign == opening) - (sign == closing)
        if depth == 0:
            return at
        at += 1
    return at


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at

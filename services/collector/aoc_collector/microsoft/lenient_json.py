r"""JSON that a strict parser refuses because of one record, split at its brackets: the other records are not lost.

A lone surrogate (`"\ud800"`, valid JSON by RFC 8259), NaN or an unescaped control character in one record makes a
strict parser refuse a whole answer, however often it is requested. Brackets and strings still show where records begin
and end. An answer that was truncated, or that a proxy wrote, does not end with the bracket that it began with: it is
refused.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Strings are skipped, with the brackets in them; a quote by itself begins a string that does not end.
_MARK: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[][{},"]', re.DOTALL)
_MEMBER: Final = re.compile(rb'\s*+("(?:[^"\\]++|\\.)*+")\s*+:', re.DOTALL)
_CLOSES: Final = {b"]": b"[", b"}": b"{"}


def elements(array: bytes) -> list[bytes] | None:
    """Each element's own bytes; None for what is no array."""
    parts = _parts(array, b"[")
    return None if parts is None else [part for part in (raw.strip() for raw in parts) if part]


def members(text: bytes) -> dict[bytes, bytes] | None:
    """Name of a member, as it is spelt and without its quotes -> its value's own bytes; None for what is no object."""
    parts = _parts(text, b"{")
    if parts is None:
        return None
    named = [(match, part) for part in parts if (match := _MEMBER.match(part))]
    return {match[1][1:-1]: part[match.end() :].strip() for match, part in named}


def replace_invalid_utf8(text: bytes) -> bytes:
    """The same JSON with a question mark for what UTF-8 cannot hold; of what is no JSON at all, the same."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return text


def _parts(text: bytes, opening: bytes) -> list[bytes] | None:
    """The texts between the outermost commas of an array or object; None unless it is complete."""
    text = text.strip()
    if not text.startswith(opening):
        return None
    places = list(_commas(text))
    # The last is where its own bracket closes.
    if not places or places[-1] != len(text) - 1:
        return None
    return [text[start + 1 : end] for start, end in zip((0, *places), places, strict=False)]


def _commas(text: bytes) -> Iterator[int]:
    """Where the outermost bracket's commas are, then where it closes; ends before that when it never does."""
    opened: list[bytes] = []
    for match in _MARK.finditer(text):
        mark = match[0]
        if mark in {b"[", b"{"}:
            opened.append(mark)
        elif mark in _CLOSES:
            if opened.pop() != _CLOSES[mark]:
                return
            if not opened:
                yield match.start()
                return
        elif mark == b"," and len(opened) == 1:
            yield match.start()
        elif mark == b'"':
            return

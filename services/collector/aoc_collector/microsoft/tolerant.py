r"""JSON that a strict parser refuses for one record's sake, cut at its brackets: the others are not lost with it.

A lone surrogate (`"\ud800"`, valid JSON to RFC 8259 and to those who write it), NaN or a bare control character in one
record makes a strict parser refuse a whole answer, however often it is asked for. Brackets and strings tell where its
records are all the same. An answer that was cut short, or that a proxy wrote, does not end where it began: it is none.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Strings are skipped whole, so that what is inside does not count; a quote by itself begins one that does not end.
_MARK: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[][{},"]', re.DOTALL)
_MEMBER: Final = re.compile(rb'\s*+("(?:[^"\\]++|\\.)*+")\s*+:', re.DOTALL)
_CLOSES: Final = {b"]": b"[", b"}": b"{"}


def elements(array: bytes) -> list[bytes] | None:
    """Each element's own bytes; None for what is no array."""
    parts = _parts(array, b"[")
    return None if parts is None else [part for part in (one.strip() for one in parts) if part]


def members(text: bytes) -> dict[bytes, bytes] | None:
    """Name of a member, as it is spelt and without its quotes -> its value's own bytes; None for what is no object."""
    parts = _parts(text, b"{")
    if parts is None:
        return None
    named = [(found, part) for part in parts if (found := _MEMBER.match(part))]
    return {found[1][1:-1]: part[found.end() :].strip() for found, part in named}


def readable(text: bytes) -> bytes:
    """The same JSON with a question mark for what UTF-8 cannot hold; of what is no JSON at all, the same."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return text


def _parts(text: bytes, opening: bytes) -> list[bytes] | None:
    """What stands between the commas of an array or object; None unless it is one from beginning to end."""
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
    for found in _MARK.finditer(text):
        mark = found[0]
        if mark in {b"[", b"{"}:
            opened.append(mark)
        elif mark in _CLOSES:
            if opened.pop() != _CLOSES[mark]:
                return
            if not opened:
                yield found.start()
                return
        elif mark == b"," and len(opened) == 1:
            yield found.start()
        elif mark == b'"':
            return

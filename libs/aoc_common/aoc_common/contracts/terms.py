"""Search terms: how text is cut into tokens, for the index and for queries alike.

A token is lower-case, at most 64 characters. Names are kept whole and in parts, so that `dana`, `dana.reyes` and
`dana.reyes@contoso.example` all find the same person, and `New-InboxRule`, `inboxrule` and `rule` the same operation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_TOKEN: Final = 64

#: A run of characters that people type as one thing: names, addresses, ids, file names.
_WORD: Final = re.compile(r"[^\W_][\w.@:+'\-]*", re.UNICODE)
_EDGE: Final = ".:'-+_@"
_MAX_TEXT: Final = 4096


def tokens(text: str) -> list[str]:
    """The tokens of a query: each must be among an event's terms. Empty for text without letters or digits."""
    found = (match[0].strip(_EDGE)[:MAX_TOKEN] for match in _WORD.finditer(text[:_MAX_TEXT].casefold()))
    return list(dict.fromkeys(token for token in found if token))


def index_tokens(values: Iterable[str], limit: int) -> tuple[str, ...]:
    """The terms of an event: each value's tokens and their parts, in order of importance, at most `limit`."""
    found: dict[str, None] = {}
    for value in values:
        for token in tokens(value):
            for part in (token, *parts(token)):
                found[part] = None
        if len(found) >= limit:
            break
    return tuple(list(found)[:limit])


_SPLIT: Final = re.compile(r"[.@:+'\-]+")
_IS_ID: Final = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-|^[0-9a-f:]*:[0-9a-f:.]*$|^[\d.]+$")
_SHORTEST_PART: Final = 3


def parts(token: str) -> list[str]:
    """What a person might search a token by: the part of an address before the @, and single words of a name.

    Ids and addresses of machines are found whole only; their parts would fill the index and find nothing useful.
    """
    if _IS_ID.match(token):
        return []
    local, at, domain = token.partition("@")
    found = [local, domain] if at else []
    found += [part for part in _SPLIT.split(local) if len(part) >= _SHORTEST_PART]
    return [part for part in found if part and part != token]

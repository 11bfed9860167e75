"""Search terms: how text is cut into tokens, for the index and for queries alike.

A token is lower-case, at most 64 characters. Names are kept whole and in parts, so that `dana`, `dana.reyes` and
`dana.reyes@contoso.example` all find the same person, and `New-InboxRule`, `inboxrule` and `rule` the same operation.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import spelling

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_TOKEN: Final = 64

#: A run of characters that people type as one thing: names, addresses, ids, file names.
_WORD: Final = re.compile(r"[^\W_][\w.@:+'\-]*", re.UNICODE)
#: The words of a name like `MailItemsAccessed` or `New-InboxRule`.
_CAMEL: Final = re.compile(r"[A-Z][a-z]{2,}(?=[A-Z])|(?<=[a-z])[A-Z][a-z]{2,}")
_EDGE: Final = ".:'-+_@"
_MAX_TEXT: Final = 4096


#: Words that are in too many events to find any.
_STOP: Final = frozenset({"an", "and", "by", "com", "for", "from", "http", "https", "in", "of", "on", "the", "to"})


def tokens(text: str) -> list[str]:
    """The words of a text, in lower case and without those that are everywhere."""
    found = (match[0].strip(_EDGE)[:MAX_TOKEN] for match in _WORD.finditer(text[:_MAX_TEXT].casefold()))
    return list(dict.fromkeys(token for token in found if token and token not in _STOP))


def query_terms(text: str) -> list[str]:
    """What a query asks for: each must be among an event's terms. Empty for text without letters or digits.

    An address is asked for in its one spelling and without a port; of a name around a GUID, the GUID.
    """
    found: list[str] = []
    for word in text[:_MAX_TEXT].split():
        address = _address(word)
        if address is not None:
            found.append(address)
            continue
        for token in tokens(word):
            found += _GUID.findall(token) or [token]
    return list(dict.fromkeys(found))


def _address(word: str) -> str | None:
    bare, _, port = word.rpartition(":")
    with_port = port.isdigit() and ("]" in word or word.count(":") == 1)
    return spelling.address((bare if with_port else word).strip("[],;"))


def index_tokens(values: Iterable[str], limit: int) -> tuple[str, ...]:
    """The terms of an event: each value's tokens and their parts, in order of importance, at most `limit`."""
    found: dict[str, None] = {}
    for value in values:
        found.update(_terms_of(value) if len(value) <= _REMEMBERED else _cut(value))
        if len(found) >= limit:
            break
    return tuple(islice(found, limit))


def _cut(value: str) -> dict[str, None]:
    """The tokens of a value and their parts. The words of a name are found before its case is folded."""
    words = (word for name in _CAMEL.findall(value[:_MAX_TEXT]) for word in tokens(name))
    return dict.fromkeys(
        [part for token in tokens(value) for part in (token, *parts(token))]
        + [word for word in words if len(word) >= _SHORTEST_PART]
    )


#: Names, applications and operations come again and again.
_REMEMBERED: Final = 128
_terms_of = lru_cache(maxsize=8192)(_cut)

_SPLIT: Final = re.compile(r"[.@:+'\-]+")
_GUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_IS_ID: Final = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-|^[0-9a-f:]*:[0-9a-f:.]*$|^[\d.]+$")
_SHORTEST_PART: Final = 3


def parts(token: str) -> list[str]:
    """What a person might search a token by: the part of an address before the @, and single words of a name.

    Ids, domains and addresses of machines are found whole only; their parts would fill the index and find nothing
    useful.
    """
    if _IS_ID.match(token):
        return []
    local, at, domain = token.partition("@")
    found = [local, domain] if at else []
    if inside := _GUID.findall(local):
        found += inside
        local = _GUID.sub("", local)
    if at or local.count(".") < _A_DOMAIN:
        found += [part for part in _SPLIT.split(local) if len(part) >= _SHORTEST_PART]
    return [part for part in found if part and part != token and part not in _STOP]


#: Dots from which on a name without an @ is one of a machine or a module, not of a file.
_A_DOMAIN: Final = 2

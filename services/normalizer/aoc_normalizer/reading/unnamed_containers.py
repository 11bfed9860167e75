"""Containers whose wrapper nobody here has a name for: what tools and workflows put around lists of records.

Such a one is opened only where that can lose nothing and mistake nothing: it has no id and no time of its own, exactly
one list of objects, and of that every item is a record that a mapper knows, or a container that is known to hold one.
Examples: the run history of a workflow (`outputs.body.value`), an answer of a log platform's search (`data`), a
collector's `{"entries": [...]}`.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec
import orjson

from aoc_normalizer.reading.containers import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Levels, and members of each, in which lists of objects are looked for.
_LEVELS: Final = 4
_MEMBERS: Final = 200

_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])


def opened(record: Mapping[str, Any], raw: bytes) -> list[bytes] | None:
    """The JSON texts of its records; None for a container of which that is not certain."""
    paths = list(islice(_lists(record, _LEVELS), 2))
    if len(paths) != 1:
        return None
    try:
        text = raw
        for name in paths[0]:
            text = bytes(_OBJECT.decode(text)[name])
        items = [bytes(item) for item in _ITEMS.decode(text)]
    except (msgspec.DecodeError, KeyError, RecursionError):
        return None
    return items if all(_is_record(item) for item in items) else None


def _lists(record: Mapping[str, Any], levels: int) -> Iterator[tuple[str, ...]]:
    """Where lists with objects are; what is not looked into counts as one, so that nothing is overlooked."""
    if len(record) > _MEMBERS:
        yield ()
    for name, value in islice(record.items(), _MEMBERS):
        if isinstance(value, list) and any(isinstance(item, dict) for item in value):
            yield (name,)
        elif isinstance(value, dict):
            if levels > 1:
                yield from ((name, *path) for path in _lists(value, levels - 1))
            elif value:
                yield (name,)


def _is_record(text: bytes) -> bool:
    item = orjson.loads(text)
    return isinstance(item, dict) and is_known(item, text)

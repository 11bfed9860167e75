"""Bounds on what leaves the normalizer. The one place that owns them, so that no record can make much out of little.

A record may be 7 MiB (`contracts.raw.MAX_RECORD_BYTES`), and an attacker writes it by what he does. What is made of it:

| bound | of | because |
| --- | --- | --- |
| `TEXT`, 1,024 characters | each text | a name, a path or a reason is shorter; people read it |
| `NAME`, 256 characters | names of changed properties and parameters | a name is a path of names, one for each leaf |
| `ITEMS`, 200 | lists: targets, parameters, changes, privileges | Microsoft's longest real lists have some 100 |
| `VALUES`, 50 | items of one changed value | a value is shown, not stored for its own sake |
| `LEAVES`, 1,000 | leaves of one changed value that are looked at | an object of 100 that differ fills the list |
| `STRINGS`, 4 | JSON in strings in strings ... | real records have two |
| `LEVELS`, 32 | nesting, of `unmapped` and of JSON in strings | databases and parsers stop at 64 to 200 |
| `TERMS`, 48 | search terms, of 64 characters each (`contracts.terms`) | the index is the largest part of the store |
| `SENTENCE_TERMS`, 256 | the same, where a sentence has more words | what is read is found; few sentences have 60 |
| `FOUND`, 500 | texts to search for, before they are cut into terms | they are more than 48 terms |
| `EVENT`, 512 KiB | the OCSF event as JSON | all attributes, filled as above, are hardly ever more |
| `UNMAPPED`, 4 MiB | what has no home in OCSF, as JSON | a document (16 MiB) holds it, the record's text, the event |

A message is at most as large as the server takes, which is asked (`bus.limits`, `write.message_size`). What is cut
stays whole in the record's own text, and the event says what kind it was by a tag: `truncated` (a list), `cut-text`,
`cut-name`, `cut-operation`, `cut-event`, `cut-unmapped`.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT: Final = 1024
NAME: Final = 256
ITEMS: Final = 200
VALUES: Final = 50
LEAVES: Final = 1000
STRINGS: Final = 4
LEVELS: Final = 32
TERMS: Final = 48
SENTENCE_TERMS: Final = 256
FOUND: Final = 500
EVENT: Final = 512 * 1024
UNMAPPED: Final = 4 * 1024 * 1024

#: Characters of a record up to which nothing that is made of it can reach `EVENT` or `UNMAPPED`.
HARMLESS: Final = 16 * 1024
ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"
_HASH: Final = 8


class Truncations:
    """What was cut, or found amiss, since it was last taken.

    Mapping a record is one synchronous piece of work, and what it reads is cut in many places: each notes it here, and
    whoever has the record done takes it.
    """

    def __init__(self) -> None:
        self._noted: dict[str, None] = {}

    def note(self, tag: str) -> None:
        """Remember a tag."""
        self._noted[tag] = None

    def take(self) -> list[str]:
        """The tags since the last time."""
        if not self._noted:
            return []
        taken = list(self._noted)
        self._noted.clear()
        return taken


#: Of the record at hand.
cuts: Final = Truncations()


def name(text: str) -> str:
    """A name of at most `NAME` characters. Two that differ stay different: one that is cut ends with its own hash."""
    if len(text) <= NAME:
        return text
    cuts.note("cut-name")
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_HASH).hexdigest()
    return f"{text[: NAME - 2 * _HASH - 1]}{ELLIPSIS}{digest}"


def listed[T](items: Sequence[T], most: int = ITEMS) -> Sequence[T]:
    """The first `most` of these."""
    if len(items) <= most:
        return items
    cuts.note("truncated")
    return items[:most]


def depth_over(value: dict[str, Any] | list[Any], limit: int) -> bool:
    """Whether `value` is nested more than `limit` levels deep. Level by level, so that depth costs no stack."""
    level: list[dict[str, Any] | list[Any]] = [value]
    for _ in range(limit):
        level = [
            item
            for outer in level
            for item in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(item, (dict, list))
        ]
        if not level:
            return False
    return True


def bounded(value: dict[str, Any]) -> dict[str, Any]:
    """The same object with everything below the 32nd level as JSON text."""
    cut: dict[str, Any] = _cut(value, LEVELS)
    return cut


def _cut(value: Any, levels: int) -> Any:
    if isinstance(value, (dict, list)) and levels == 0:
        return orjson.dumps(value).decode()
    if isinstance(value, dict):
        return {name: _cut(item, levels - 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_cut(item, levels - 1) for item in value]
    return value


def members(value: dict[str, Any], most: int) -> dict[str, Any]:
    """The members of an object, in their order, that fit into `most` bytes of JSON; those that do not are left out."""
    if len(orjson.dumps(value)) <= most:
        return value
    cuts.note("cut-unmapped")
    kept: dict[str, Any] = {}
    left = most - 2
    for key, item in value.items():
        size = len(orjson.dumps(item)) + len(orjson.dumps(key)) + 2
        if size <= left:
            kept[key] = item
            left -= size
    return kept

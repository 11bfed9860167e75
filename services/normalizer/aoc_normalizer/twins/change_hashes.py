"""What a record says was changed, as hashes: of all properties, of whole values, of a bounded size.

An entry is `name:values`, hashes of the property's name and of its name with both of its values. `name=values` is what
can contradict but is no change: a value that stayed, the list of the other properties' names, ids of further targets.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_normalizer.fields import values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Entries of one record that are kept apart; the others are one hash together (`*`).
MOST: Final = 24
REST: Final = "*"
#: What only lists the names of the other properties.
_ECHO: Final = "included updated properties"
#: Properties that describe who acted or was acted upon. The lanes differ in them, and they tell no change.
_CONTEXT: Final = ("targetid.", "actorid.")
_CONTEXT_NAMES: Final = frozenset({"spn"})
_NOTHING: Final = frozenset({"", "[]", "{}", "null", "<null>"})
#: Characters of a property whose hash is remembered: most come again and again.
_SHORT: Final = 160
#: Integers that JSON parsers read alike.
_EXACT: Final = 1 << 53
#: A JSON string, or white space outside of one.
_BLANKS: Final = re.compile(r'("(?:[^"\\]++|\\.)*+")|\s+')
_NAMES: Final = ("Name", "displayName", "DisplayName", "name")


def statement(lists: Iterable[Any], others: Mapping[str, set[str]]) -> tuple[str, ...]:
    """The entries of lists of changed properties, sorted. `others`: kind -> ids of further targets."""
    entries: list[str] = []
    for listed in lists:
        if listed:
            entries += [entry for item in values.sequence(listed) or (listed,) if (entry := _entry_of(item))]
    for kind, ids in others.items():
        joined = "\n".join(sorted(ids))
        entries.append(f"{_name_hash(f'\x00{kind}')}={hashed(joined)}")
    return tuple(sorted(entries)) if len(entries) <= MOST else _bounded(entries)


def hashed(text: str, size: int = 16) -> str:
    """A hash that two texts share by no effort: whoever can choose both must not find two that are alike."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()


def _bounded(entries: list[str]) -> tuple[str, ...]:
    found: list[str] = []
    for mark, most in ((":", MOST), ("=", MOST // 3)):
        of_mark = sorted(entry for entry in entries if mark in entry)
        if len(of_mark) > most:
            of_mark = [*of_mark[: most - 1], f"{REST}{mark}{hashed('\n'.join(of_mark))}"]
        found += of_mark
    return tuple(sorted(found))


def _entry_of(item: Any) -> str:
    if not isinstance(item, dict):
        return _entry(item, None, None) if isinstance(item, str) else _entry("", None, item)
    if "displayName" in item:  # Graph's spelling
        name, old, new = item["displayName"], item.get("oldValue"), item.get("newValue")
    else:
        name, old, new = item.get("Name"), item.get("OldValue"), item.get("NewValue")
    if name is None or (old is None and new is None):
        name = next((value for key in _NAMES if (value := item.get(key)) is not None), "")
        old = item.get("OldValue", item.get("oldValue"))
        new = item.get("NewValue", item.get("newValue", item.get("Value")))
    if not isinstance(name, str):
        name = _plain(name)
    texts = (old is None or isinstance(old, str)) and (new is None or isinstance(new, str))
    short = texts and len(name) + len(old or "") + len(new or "") <= _SHORT
    return _often(name, old, new) if short else _entry(name, old, new)


def _entry(name: str, old: Any, new: Any) -> str:
    """One property; nothing for what only describes. A name without values tells no change."""
    folded = name.strip().casefold()
    if folded.startswith(_CONTEXT) or folded in _CONTEXT_NAMES:
        return ""
    before, after = _plain(old), _plain(new)
    mark = "=" if before == after else ":"
    if folded == _ECHO:
        before, after, mark = "", ",".join(sorted(map(str.strip, after.split(",")))), "="
    return f"{_name_hash(folded)}{mark}{hashed(f'{len(folded)}:{len(before)}:{folded}{before}{after}')}"


@lru_cache(maxsize=8192)
def _often(name: str, old: str | None, new: str | None) -> str:
    return _entry(name, old, new)


@lru_cache(maxsize=4096)
def _name_hash(name: str) -> str:
    return hashed(name, 8)


def _plain(value: Any) -> str:
    """A value in one spelling, whole: `true`, `"True"` and `["True"]` are the same, JSON without its white space.

    Only text, yes and no, small integers and lists of them are read. Anything else stays the text that it is: parsers
    make one number of two long ones, and one object of two with a key that comes twice.
    """
    if isinstance(value, str):
        text = value.strip()
        if text in _NOTHING:
            return ""
        first = text[0]
        if first not in '"[{':
            return _flag(value)
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError:
            return value  # what starts like JSON and is none
        return _read(found, text)
    if isinstance(value, (list, dict)):
        return _read(value, orjson.dumps(value).decode())
    return _scalar(value) or ("" if value is None else str(value))


def _read(found: Any, text: str) -> str:
    """What a JSON text means; the text without its white space where reading it could lose something."""
    scalars = [_scalar(item) for item in found] if isinstance(found, list) else [_scalar(found)]
    if None in scalars:
        return _BLANKS.sub(r"\1", text)
    if len(scalars) == 1:
        return scalars[0] or ""
    return orjson.dumps(scalars).decode() if scalars else ""


def _scalar(value: Any) -> str | None:
    if isinstance(value, str):
        return _flag(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    return str(value) if isinstance(value, int) and -_EXACT < value < _EXACT else None


def _flag(text: str) -> str:
    return lowered if len(text) <= len("false") and (lowered := text.casefold()) in {"true", "false"} else text

"""Tolerant readers: any field can be missing, null, of another type, or JSON inside a string."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_common.contracts import spelling
from aoc_normalizer import bounds
from aoc_normalizer.bounds import ELLIPSIS, LEVELS, STRINGS, TEXT, VALUES, cuts, depth_over, listed
from aoc_normalizer.fields import literals
from aoc_normalizer.fields.duplicate_keys import DUPLICATE_KEYS, has_duplicate_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_TEXT: Final = TEXT
#: Where floats stop being exact.
_EXACT: Final = float(1 << 53)
_EMPTY: Final = frozenset({"", "<null>", "null", "none", "n/a", "not available", "-"})
_LONGEST_EMPTY: Final = max(map(len, _EMPTY))
_GUID: Final = re.compile(r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
_EMAIL: Final = re.compile(r"^[^@\s]+@[^@\s]+$")
#: Members of the unified log's records that are such lists of names and values.
NAMED_VALUES: Final = frozenset({"Parameters", "ExtendedProperties"})
#: A list as ConvertTo-Json of PowerShell 5.1 writes one that was put together there.
_COUNTED: Final = {"value", "Count"}
_NAME_KEYS: Final = ("Name", "name", "Key", "key", "displayName", "DisplayName")
_VALUE_KEYS: Final = ("Value", "value", "NewValue", "newValue")


def text(value: Any) -> str | None:
    """Trimmed text of a scalar; None for what says nothing (null, empty, `<null>`), lists and objects."""
    if isinstance(value, str):
        cleaned = value.strip()
        length = len(cleaned)
        if _LONGEST_EMPTY < length <= MAX_TEXT:
            return cleaned
        if length > MAX_TEXT:
            cuts.note("cut-text")
            return cleaned[: MAX_TEXT - 1] + ELLIPSIS
        return None if cleaned.lower() in _EMPTY else cleaned
    return None if value is None else _scalar(value)


def _scalar(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and abs(value) < _EXACT and value.is_integer():
        return str(int(value))  # 1.0 is 1, and so it is when a tool on the way had no integers
    return str(value) if isinstance(value, (int, float)) else None


@lru_cache(maxsize=8192)
def word(spelled: str) -> str:
    """A word as it is compared: without regard to case, or to what nobody sees."""
    return spelling.folded(spelled).casefold()


def flag(value: Any) -> bool | None:
    """A yes or no, also as a word; None for what is neither."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.strip().casefold()) if isinstance(value, str) else None


def first(record: Mapping[str, Any], *names: str) -> str | None:
    """The first of these fields that says something."""
    for name in names:
        if (value := record.get(name)) is not None and (found := text(value)) is not None:
            return found
    return None


def mapping(value: Any) -> Mapping[str, Any]:
    """An object, also when it is JSON in a string; else an empty one."""
    if isinstance(value, str):
        value = decoded(value)
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """A list, also when it is JSON in a string or as PowerShell 5.1 writes some; a lone object as a list of one."""
    if isinstance(value, str):
        value = decoded(value)
    if isinstance(value, dict):
        if value.keys() != _COUNTED or not isinstance(value["value"], list):
            return [value]
        value = value["value"]
    return value if isinstance(value, list) else []


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list."""
    return [item for item in sequence(value) if isinstance(item, dict)]


def decoded(value: str) -> Any:
    """The JSON in a string, or what Python has printed; the string itself when it is neither, or deeper than may be."""
    if value[:1] not in {"[", "{", '"'}:
        return value
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value if (printed := literals.read(value)) is None else printed
    if not isinstance(found, (dict, list)):
        return found
    # Most have fewer brackets than levels are allowed: counting is cheaper.
    if value.count("{") + value.count("[") > LEVELS and depth_over(found, LEVELS):
        return value
    if "{" in value and has_duplicate_keys(value.encode(), found):
        cuts.note(DUPLICATE_KEYS)
    return found


def _named(value: Any) -> list[dict[str, Any]]:
    """The items of a name/value list; of an object of values by name, as Elastic keeps such lists, the same."""
    found = decoded(value) if isinstance(value, str) else value
    if isinstance(found, dict) and found.keys() != _COUNTED and not any(key in found for key in _VALUE_KEYS):
        return [{"Name": name, "Value": inner} for name, inner in found.items()]
    return objects(found)


def pairs(value: Any) -> Iterator[tuple[str, str]]:
    """The (name, value) pairs of a name/value list, in any of its spellings; values as text, decoded one level."""
    for item in _named(value):
        key = first(item, *_NAME_KEYS)
        if key is not None:
            yield bounds.name(key), shown(_value_in(item)) or ""


def pair(value: Any, *names: str) -> str | None:
    """The value of the first pair with one of these names (given in lower case, compared without)."""
    if not value:
        return None
    for item in _named(value):
        key = first(item, *_NAME_KEYS)
        if key is not None and key.casefold() in names and (found := shown(_value_in(item))):
            return found
    return None


def _value_in(item: Mapping[str, Any]) -> Any:
    for key in _VALUE_KEYS:
        if key in item:
            return item[key]
    return None


def shown(value: Any, strings: int = STRINGS) -> str | None:
    """A value as a person would read it: `["a"]` in a string becomes `a`, objects stay JSON."""
    if isinstance(value, str) and strings:
        value = decoded(value.strip())
        strings -= 1
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        parts = [found for item in listed(value, VALUES) if (found := shown(item, strings))]
        return text(", ".join(parts))
    if isinstance(value, dict):
        try:
            return text(orjson.dumps(value).decode())
        except (orjson.JSONEncodeError, RecursionError):
            return text(str(value)[:MAX_TEXT])
    return text(value)


def is_guid(value: str) -> bool:
    """Whether it looks like a GUID (variants are not checked: many of Microsoft's are none of RFC 9562)."""
    return _GUID.match(value) is not None


def is_email(value: str) -> bool:
    """Whether it looks like a user principal name or mail address."""
    return _EMAIL.match(value) is not None

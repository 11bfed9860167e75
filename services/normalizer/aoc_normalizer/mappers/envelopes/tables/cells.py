"""What stands in a cell: objects as PowerShell prints them, places, lists, yes and no."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer import bounds
from aoc_normalizer.fields import printed, values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: `class SignInStatus {` and a line for each property: an object of the module AzureAD.
_CLASS: Final = re.compile(r"^class \w{1,64} \{\s")
_JSON: Final = re.compile(r'\s*(?:\[|\{\s*")')
_PLACE_PARTS: Final = 3


def text(value: Any) -> str | None:
    """The text of a cell; None for what says nothing, and for the name of a type in place of an object."""
    found = values.text(value)
    return None if found is None or printed.is_type(found) else found


def mapping(value: Any) -> Mapping[str, Any]:
    """The object in a cell: JSON, or as PowerShell prints it; else an empty one."""
    if isinstance(value, str):
        cell = value.strip()
        if cell.startswith("@{"):
            return printed.of_hash(cell)
        if _CLASS.match(cell):
            return _of_class(cell)
    return values.mapping(value)


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list in a cell: JSON, or `@{...}` as PowerShell prints one."""
    if isinstance(value, str) and value.lstrip().startswith("@{"):
        return [printed.of_hash(value.strip())]
    return values.objects(value)


def listed(value: Any) -> list[str]:
    """The texts of a list in a cell: JSON, joined by semicolons or commas, or `{a, b}` as PowerShell prints it."""
    if isinstance(value, str) and not _JSON.match(value):
        mark = ";" if ";" in value else ","
        parts: Iterable[Any] = value.strip("{} ").split(mark)
    else:
        parts = values.sequence(value)
    return [found for part in bounds.listed(list(parts), bounds.ITEMS) if (found := text(part))]


def place(value: Any) -> dict[str, Any] | str | None:
    """A place as Graph has it, of `Oslo, Oslo, NO`, of an object, or a country alone."""
    if found := mapping(value):
        return dict(found)
    parts = [part.strip() for part in (text(value) or "").split(",")]
    if len(parts) == _PLACE_PARTS:
        return dict(zip(("city", "state", "countryOrRegion"), parts, strict=True))
    return ", ".join(filter(None, parts)) or None


def _of_class(shown: str) -> dict[str, Any]:
    found = {}
    for line in shown.splitlines()[1:]:
        name, colon, value = line.partition(":")
        if colon and name.strip():
            found[name.strip()] = value.strip()
    return found


def camel(words: str) -> str:
    """`notApplied` of `Not Applied`, `singleFactorAuthentication` of `Single-factor authentication`."""
    first, *others = words.replace("-", " ").split() or [""]
    return first[:1].lower() + first[1:] + "".join(word[:1].upper() + word[1:] for word in others)


def flag(value: Any) -> bool | None:
    """Yes or no."""
    word = str(value).strip().casefold()
    return True if word in {"true", "yes", "1"} else False if word in {"false", "no", "0"} else None


def number(value: Any) -> float | None:
    """A number, or a text of one."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None

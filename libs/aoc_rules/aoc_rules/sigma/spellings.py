"""What the specification allows and pySigma does not take, respelt so that it does; what cannot be, is named."""

from __future__ import annotations

import re
from typing import Any, Final

#: Words of a condition, which may be written in any case.
_WORDS: Final = frozenset({"and", "or", "not", "of", "all", "any", "them"})
_TOKEN: Final = re.compile(r"[A-Za-z0-9_*-]+")
#: Modifiers by other names: the specification's name -> pySigma's.
_MODIFIERS: Final = {"utf16le": "wide"}
#: Keys of a detection that are no search.
_NOT_A_SEARCH: Final = frozenset({"condition", "rules", "timeframe"})


def respelt(document: dict[str, Any]) -> dict[str, Any]:
    """A rule's or a filter's document as pySigma takes it; the document itself stays as it is."""
    made = dict(document)
    for section in ("detection", "filter"):
        if isinstance(made.get(section), dict):
            made[section] = _section(made[section])
    return made


def _section(section: dict[str, Any]) -> dict[str, Any]:
    searches = {name for name in section if name not in _NOT_A_SEARCH}
    made = {name: _search(value) if name in searches else value for name, value in section.items()}
    condition = section.get("condition")
    if isinstance(condition, str):
        made["condition"] = _condition(condition, searches)
    elif isinstance(condition, list):
        made["condition"] = [_condition(one, searches) if isinstance(one, str) else one for one in condition]
    return made


def _condition(condition: str, searches: set[str]) -> str:
    """`A AND NOT 1 OF b*` in lower case, but for what is the name of a search."""

    def lower(found: re.Match[str]) -> str:
        word = found[0]
        return word.lower() if word.lower() in _WORDS and word not in searches else word

    return _TOKEN.sub(lower, condition)


def _search(value: Any) -> Any:
    if isinstance(value, dict):
        return {_key(key) if isinstance(key, str) else key: item for key, item in value.items()}
    if isinstance(value, list):
        return [_search(item) for item in value]
    return value


def modifiers(key: str | None) -> str | None:
    """A field with its modifiers by the names that pySigma knows; None for a keyword."""
    return None if key is None else _key(key)


def _key(key: str) -> str:
    name, *others = key.split("|")
    return "|".join((name, *(_MODIFIERS.get(modifier, modifier) for modifier in others)))

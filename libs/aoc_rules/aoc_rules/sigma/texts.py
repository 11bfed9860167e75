"""The text form of a record's values: what a rule's text is compared with.

| value | its text |
| --- | --- |
| text | itself |
| number | as JSON has it; a whole number without a fraction (`1.0` is `1`) |
| `true`, `false` | `true`, `false` |
| object | compact JSON, keys in the record's order: `{"Name":"ForwardTo","Value":"a@b.example"}` |
| list | each of its elements, and its own compact JSON; an empty one is `[]` |
| null | none: only `null` and `exists` see it |
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from aoc_rules.sigma import bounds

#: `12`, `-1.5`, `3e8`; neither `1_000` nor `inf`.
_DECIMAL: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def fold(text: str) -> str:
    """A text without case, so that two that differ only in case are equal. Character by character, unlike `lower`."""
    return text.casefold()


def scalar_text(value: Any) -> str | None:
    """The text of a value that is neither object nor list; None for null."""
    if isinstance(value, str):
        return value if len(value) <= bounds.TEXT_LENGTH else value[: bounds.TEXT_LENGTH]
    if value is None:
        return None
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:  # noqa: PLR2004  # exact as a float
        return str(int(value))
    return str(value)


def container_text(value: Any) -> str:
    """The compact JSON of an object or a list."""
    try:
        text = orjson.dumps(value).decode()
    except (TypeError, orjson.JSONEncodeError):  # half a character: a record may have one
        text = _lossy(value)
    return text[: bounds.TEXT_LENGTH]


def _lossy(value: Any) -> str:
    try:
        return orjson.dumps(_whole_characters(value)).decode()
    except (TypeError, RecursionError, orjson.JSONEncodeError):
        return ""


def _whole_characters(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_whole_characters(key): _whole_characters(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole_characters(item) for item in value]
    return value


def number_of(value: Any) -> float | None:
    """The number that a value is, or that its text spells; None for any other."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str) or len(value) > 40:  # noqa: PLR2004  # longer ones are no measures
        return None
    text = value.strip()
    return float(text) if _DECIMAL.fullmatch(text) else None

"""What pydantic refuses, in the words of whoever wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import ValidationError

_LIST: Final = 'must be a list like ["a", "b"]'
#: Kind of error -> what people call it; the others say what they mean.
_WORDS: Final = {
    "extra_forbidden": "there is no such field",
    "missing": "is missing",
    "dict_type": 'must be an object like {"a": 1}',
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
}


def first_fault(error: ValidationError) -> tuple[str, str]:
    """The first field that is wrong, with dots (empty for the whole), and what is wrong with it."""
    first = error.errors(include_url=False, include_input=False)[0]
    return ".".join(str(part) for part in first["loc"]), in_words(first)


def in_words(fault: Mapping[str, Any]) -> str:
    """What is wrong, of one of `ValidationError.errors()`."""
    return _WORDS.get(fault["type"]) or str(fault["msg"]).removeprefix("Value error, ")

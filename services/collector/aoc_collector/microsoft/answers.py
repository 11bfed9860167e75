"""Answers of Microsoft, decoded at once, or element by element where a strict parser refuses them."""

from __future__ import annotations

from typing import Final

import msgspec

from aoc_collector.microsoft.lenient_json import elements
from aoc_common.errors import Transient, Unreachable

#: An array's elements, undecoded.
ELEMENTS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_ANY_VALUE: Final = msgspec.json.Decoder(msgspec.Raw)


class UnfinishedError(Transient):
    """A window that could not be read to its end; a shorter one may be readable."""


def decode[T](decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw, what: str) -> T:
    """Decode an answer. Raises `Unreachable`: an answer that is no JSON was cut short or came from a proxy."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreachable(f"{what}: unreadable answer ({error})") from None


def array_elements(array: bytes | msgspec.Raw, what: str) -> list[msgspec.Raw]:
    """The elements of a JSON array, also those that a strict parser refuses. Raises `Unreachable` when it is none."""
    try:
        return ELEMENTS.decode(array)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return lenient_elements(array, f"{what}: unreadable answer ({error})")


def lenient_elements(array: bytes | msgspec.Raw, reason: str) -> list[msgspec.Raw]:
    """The elements of an array that a strict parser refuses. Raises `Unreachable` with `reason` when it is none."""
    parts = elements(bytes(array))
    if parts is None or not all(part.startswith(b"{") or is_strict(part) for part in parts):
        raise Unreachable(reason) from None
    return [msgspec.Raw(part) for part in parts]


def is_strict(record: bytes | msgspec.Raw) -> bool:
    """Whether a strict parser takes an element."""
    try:
        _ANY_VALUE.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True

"""What Microsoft answers, decoded: whole, or element by element where a strict parser would refuse it."""

from __future__ import annotations

from typing import Final

import msgspec

from aoc_collector.microsoft.tolerant import elements
from aoc_common.errors import Transient, Unreachable

#: An array's elements, undecoded.
ELEMENTS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_ONE: Final = msgspec.json.Decoder(msgspec.Raw)


class UnfinishedError(Transient):
    """A window that could not be read to its end. A shorter one may be."""


def decode[T](decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw, what: str) -> T:
    """Decode an answer. Raises `Unreachable`: an answer that is no JSON was cut short or came from a proxy."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreachable(f"{what}: unreadable answer ({error})") from None


def listed(array: bytes | msgspec.Raw, what: str) -> list[msgspec.Raw]:
    """The elements of a JSON array, also those that a strict parser refuses. Raises `Unreachable` when it is none."""
    try:
        return ELEMENTS.decode(array)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return tolerated(array, f"{what}: unreadable answer ({error})")


def tolerated(array: bytes | msgspec.Raw, reason: str) -> list[msgspec.Raw]:
    """The elements of an array that a strict parser refuses. Raises `Unreachable` with `reason` when it is none."""
    found = elements(bytes(array))
    if found is None or not all(one.startswith(b"{") or is_strict(one) for one in found):
        raise Unreachable(reason) from None
    return [msgspec.Raw(one) for one in found]


def is_strict(record: bytes | msgspec.Raw) -> bool:
    """Whether a strict parser takes an element."""
    try:
        _ONE.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True

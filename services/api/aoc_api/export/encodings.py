"""How an answer that is streamed is compressed on its way (RFC 9110, 8.4 and 12.5.3)."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final, Protocol

import zstandard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Codings of an Accept-Encoding that are looked at.
_READ: Final = 20
#: Levels that keep up with what the store gives.
_GZIP_LEVEL: Final = 4
_ZSTD_LEVEL: Final = 3
#: Window bits of zlib that make a gzip stream.
_GZIP: Final = 31


class Compressor(Protocol):
    """Compresses a stream."""

    def compress(self, data: bytes, /) -> bytes:
        """The next part of the stream, which can be empty."""
        ...

    def flush(self) -> bytes:
        """The rest."""
        ...


class Identity:
    """Leaves it as it is."""

    def compress(self, data: bytes, /) -> bytes:
        """The same."""
        return data

    def flush(self) -> bytes:
        """Nothing."""
        return b""


#: Coding -> its compressor, the better one first.
_CODINGS: Final[Mapping[str, Callable[[], Compressor]]] = {
    "zstd": lambda: zstandard.ZstdCompressor(_ZSTD_LEVEL).compressobj(),
    "gzip": lambda: zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP),
}


def chosen(accepted: str | None) -> str | None:
    """The coding for a client that sends this Accept-Encoding; None: as it is.

    Of those that it prefers equally, the better one. What cannot be read is not accepted.
    """
    weights = dict(map(_weighed, (accepted or "").lower().split(",")[:_READ]))
    rest = weights.get("*", 0.0)
    best = max(_CODINGS, key=lambda coding: weights.get(coding, rest))
    weight = weights.get(best, rest)
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else None


def compressor(coding: str | None) -> Compressor:
    """What compresses into a coding that `chosen` gave."""
    return Identity() if coding is None else _CODINGS[coding]()


def _weighed(member: str) -> tuple[str, float]:
    """A coding, and how much it is wanted: 0 is not at all."""
    coding, _, parameter = member.partition(";")
    name, _, weight = parameter.strip().partition("=")
    try:
        wanted = float(weight) if name.strip() == "q" else 1.0 if not parameter.strip() else 0.0
    except ValueError:
        wanted = 0.0
    return coding.strip(), wanted if 0 <= wanted <= 1 else 0.0

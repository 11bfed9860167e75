"""Malformed responses: absurd Retry-After values, contentUri in unusual spellings or invalid, a BOM before a blob.

A blob's address and its BOM depend on the seed and the blob, so that every request for the blob has the same fault.
"""

# ruff: noqa: S311 - randomness must be reproducible here, not secret

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_sim.faults import FaultDice, Kind
    from aoc_sim.world import Blob

#: Values of Retry-After that a faulty service, proxy or clock can send.
WAITS: Final = (
    "1000000000",
    "1e9",
    "0",
    "-5",
    "soon",
    "nan",
    "Fri, 31 Dec 2399 23:59:59 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
)
BOM: Final = b"\xef\xbb\xbf"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def with_default_port(uri: str) -> str:
    """The same address with its scheme's port; unchanged when it names one."""
    parts = urlsplit(uri)
    if parts.port is not None:
        return uri
    return parts._replace(netloc=f"{parts.netloc}:{_DEFAULT_PORTS[parts.scheme]}").geturl()


def with_upper_host(uri: str) -> str:
    """The same address, its host in capitals."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc.upper()}{uri[len(parts.scheme) + 3 + len(parts.netloc) :]}"


def with_upper_scheme(uri: str) -> str:
    """The same address, its scheme in capitals."""
    scheme, rest = uri.split(":", 1)
    return f"{scheme.upper()}:{rest}"


def with_newline(uri: str) -> str:
    """No address: a line ends within it."""
    head, tail = uri.rsplit("/", 1)
    return f"{head}/\n{tail}"


def with_broken_host(uri: str) -> str:
    """No address: its host is an IPv6 literal that never closes."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://[::1{parts.path}"


_ODD: Final = (with_default_port, with_upper_host, with_upper_scheme)
_DEAD: Final = (with_newline, with_broken_host)


class MalformedResponses:
    """Applies the faults that are switched on, and records which blobs were listed with an invalid address."""

    def __init__(self, seed: int, dice: FaultDice) -> None:
        self._seed = seed
        self._dice = dice
        self._counted: set[tuple[Kind, int]] = set()
        self.dead: set[int] = set()
        """Sequence numbers of blobs that were listed with an invalid address."""

    def retry_after(self) -> str | None:
        """An absurd Retry-After, if the dice choose one."""
        return self._dice.choose(WAITS) if self._dice.strikes("retry_after_lie") else None

    def uri(self, blob: Blob, uri: str) -> str:
        """The address of a blob as the listing spells it."""
        if self._chosen("dead_link", blob, self._dice.settings.dead_link_rate):
            self.dead.add(blob.seq)
            return self._spelling(_DEAD, blob)(uri)
        if self._chosen("odd_link", blob, self._dice.settings.odd_link_rate):
            # On a port of its own, or on an address that has no letters, some spellings change nothing.
            fitting = [spell for spell in _ODD if spell(uri) != uri]
            return self._spelling(tuple(fitting), blob)(uri)
        return uri

    def body(self, blob: Blob, body: bytes) -> bytes:
        """A blob's bytes as they are served."""
        return BOM + body if self._chosen("bom", blob, self._dice.settings.bom_rate) else body

    def _spelling(self, spellings: tuple[Callable[[str], str], ...], blob: Blob) -> Callable[[str], str]:
        return Random(f"spelling:{self._seed}:{blob.seq}").choice(spellings)

    def _chosen(self, kind: Kind, blob: Blob, rate: float) -> bool:
        if rate <= 0 or Random(f"{kind}:{self._seed}:{blob.seq}").random() >= rate:
            return False
        if (kind, blob.seq) not in self._counted:
            self._counted.add((kind, blob.seq))
            self._dice.injected[kind] += 1
        return True

"""The `id:` of a live tail: how far its reader has seen the stream of events, sealed.

A place is a sequence of a stream that all tenants share. Open, it would tell how many events others have, and that one
came which the reader may not see; so it is encrypted (AES-GCM), and one that was not made here is refused.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from aoc_api.problems import Problem
from aoc_common.contracts.publications import END, Position
from aoc_common.gateway.events import FieldError

if TYPE_CHECKING:
    from collections.abc import Callable

_PURPOSE: Final = b"aoc live tail"
_NONCE: Final = 12
_SEQUENCE: Final = 8
_REMEMBERED: Final = 4_096
#: Characters of one, at most.
LONGEST: Final = 120


class Places:
    """Makes and reads them. `key`: the one that signs cursors, so that replicas read each other's."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(HKDF(SHA256(), 32, None, _PURPOSE).derive(key))
        #: Sealed once for all readers.
        self.seal: Callable[[Position], str] = lru_cache(_REMEMBERED)(self._sealed)

    def read(self, place: str) -> Position:
        """Raises a 400 `Problem` for one that was not made by this gateway."""
        try:
            body = urlsafe_b64decode(place + "=" * (-len(place) % 4))
            opened = self._cipher.decrypt(body[:_NONCE], body[_NONCE:], _PURPOSE)
            name, sequence = opened[:-_SEQUENCE].decode("ascii"), int.from_bytes(opened[-_SEQUENCE:])
        except (ValueError, InvalidTag):
            detail = (
                "This was not sent by this gateway as the id of an event, or with another key. Begin without it; what "
                "came meanwhile is in /api/events."
            )
            error = FieldError(location="header", name="last-event-id", detail=detail)
            raise Problem("cursor-invalid", detail, [error]) from None
        return Position(name, min(sequence, END))

    def _sealed(self, position: Position) -> str:
        nonce = os.urandom(_NONCE)
        opened = position.incarnation.encode() + position.sequence.to_bytes(_SEQUENCE)
        return urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, opened, _PURPOSE)).rstrip(b"=").decode()

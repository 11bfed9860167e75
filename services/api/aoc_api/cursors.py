"""Opaque cursors: where a page ended, signed, and bound to the filters of its search.

A cursor is the last id (16 bytes) and a hash of the filters (16) in base64url, and itsdangerous' HMAC-SHA256 of that.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b, sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, Final
from uuid import UUID

import orjson
from itsdangerous import BadSignature, Signer

from aoc_api.problems import Problem
from aoc_common.errors import BadConfiguration
from aoc_common.gateway.events import FieldError
from aoc_common.settings import resolve_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

_SALT: Final = b"aoc cursor"
_ID: Final = 16
_FILTERS: Final = 16
_SHORTEST_KEY: Final = 16
_INVALID: Final = "The cursor was not made by this gateway, or was changed. Take it from next_cursor as it is."
_FOREIGN: Final = "The cursor belongs to a search with other filters. Repeat the filters of the page it came with."


class Cursors:
    """Makes and reads cursors."""

    def __init__(self, key: bytes) -> None:
        self._signer = Signer(key, salt=_SALT, key_derivation="hmac", digest_method=sha256)

    def make(self, last: UUID, filters: Mapping[str, object]) -> str:
        """The cursor of the page that goes on after `last`."""
        return self._signer.sign(urlsafe_b64encode(last.bytes + _digest(filters))).decode()

    def read(self, cursor: str, filters: Mapping[str, object]) -> UUID:
        """The id that the page starts after. Raises a 400 `Problem` for a cursor that is not ours or not for these."""
        try:
            token = cursor.encode("ascii")
            signed = self._signer.unsign(token)
        except (UnicodeEncodeError, BadSignature):
            raise _refused("cursor-invalid", _INVALID) from None
        # Base64 has several spellings of the same signature; only ours is taken.
        if not compare_digest(self._signer.sign(signed), token):
            raise _refused("cursor-invalid", _INVALID)
        body = urlsafe_b64decode(signed)
        if body[_ID:] != _digest(filters):
            raise _refused("cursor-foreign", _FOREIGN)
        return UUID(bytes=body[:_ID])


def cursor_key(reference: str | None) -> bytes:
    """The key at `reference`, or one of this process's own.

    Raises `BadConfiguration` when there is no key at the reference or it is too short.
    """
    if reference is None:
        return secrets.token_bytes(32)
    key = resolve_secret(reference, "AOC_API__CURSOR_KEY").encode()
    if len(key) < _SHORTEST_KEY:
        raise BadConfiguration(f"AOC_API__CURSOR_KEY: the key has fewer than {_SHORTEST_KEY} characters")
    return key


def _refused(slug: str, detail: str) -> Problem:
    """The problem of a cursor, which is named as any other parameter is."""
    return Problem(slug, detail, [FieldError(location="query", name="cursor", detail=detail)])


def _digest(filters: Mapping[str, object]) -> bytes:
    return blake2b(orjson.dumps(dict(filters), option=orjson.OPT_SORT_KEYS), digest_size=_FILTERS).digest()

"""Secrets that a client shows to the gateway: API keys, cookies of sessions, links; and what is stored of them.

An API key is `aoc_`, 43 characters for 256 random bits, and 6 for the CRC-32 of what stands before: scanners for leaked
secrets recognise it, and a mistyped one is refused without a query. (The shape is GitHub's: "Behind GitHub's new
authentication token formats".)

Stored is the SHA-256 of a secret, never the secret. A slow or salted hash protects words that people choose; nobody
guesses 256 random bits, however fast the hash is. An id is the beginning of the hash: it finds the secret's document,
and may be shown.
"""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from zlib import crc32

PREFIX: Final = "aoc_"
_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BYTES: Final = 32
#: Characters: 62**43 > 2**256, 62**6 > 2**32.
_BODY: Final = 43
_CHECK: Final = 6
_LENGTH: Final = len(PREFIX) + _BODY + _CHECK
_ID: Final = 24


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is stored of a secret: its SHA-256 in hexadecimal, which begins with the id."""

    hash: str

    @property
    def id(self) -> str:
        """96 bits of the hash: enough that no two secrets share them."""
        return self.hash[:_ID]


def fingerprint(secret: str) -> Fingerprint:
    """The fingerprint of a secret."""
    return Fingerprint(sha256(secret.encode()).hexdigest())


def new_secret() -> str:
    """256 random bits, as text that a URL and a cookie take."""
    return secrets.token_urlsafe(_BYTES)


def new_api_key() -> str:
    """A new API key."""
    begin = PREFIX + _base62(int.from_bytes(secrets.token_bytes(_BYTES)), _BODY)
    return begin + _check(begin)


def is_api_key(text: str) -> bool:
    """Whether a text has the shape of an API key, with the right check characters."""
    return (
        len(text) == _LENGTH and text.startswith(PREFIX) and text.isascii() and text[-_CHECK:] == _check(text[:-_CHECK])
    )


def _check(begin: str) -> str:
    return _base62(crc32(begin.encode()), _CHECK)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))

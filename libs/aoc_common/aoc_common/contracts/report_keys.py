"""The public keys that reports are checked with: how they are named, and the form in which they are published."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import datetime

#: Bytes of an Ed25519 public key (RFC 8032), which are those of a SHA-256 too.
KEY_BYTES: Final = 32
#: So many bytes as base64url without padding, in its only spelling: the last character has two bits to spare.
KEY_PATTERN: Final = r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
_KEY: Final = re.compile(KEY_PATTERN)


def base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def key_bytes(text: str) -> bytes | None:
    """The 32 bytes that `text` spells as base64url; None when it does not."""
    return urlsafe_b64decode(f"{text}=") if _KEY.fullmatch(text) else None


def thumbprint(key: bytes) -> str:
    """The id and fingerprint of an Ed25519 public key: its JWK thumbprint (RFC 7638, RFC 8037), 43 characters."""
    return base64url(sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{base64url(key)}"}}'.encode()).digest())


def jwk(key: bytes) -> dict[str, Any]:
    """An Ed25519 public key as a JWK (RFC 8037): what its thumbprint is made of."""
    return {"crv": "Ed25519", "kty": "OKP", "x": base64url(key)}


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A public key: its id (`thumbprint`), its 32 bytes, since when it is published, and when it was retired."""

    kid: str
    key: bytes
    published_at: datetime
    retired_at: datetime | None = None


def published_jwk(key: PublishedKey) -> dict[str, Any]:
    """A published key as a member of a JWK Set (RFC 7517), with two members of ours: its times, RFC 3339 in UTC."""
    times = {
        "published_at": _spelt(key.published_at),
        "retired_at": _spelt(key.retired_at) if key.retired_at else None,
    }
    return {**jwk(key.key), "alg": "EdDSA", "use": "sig", "kid": key.kid, **times}


def _spelt(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

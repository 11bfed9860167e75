"""What a bearer token is before anything is believed of it, and whether its signature is good.

A token is read more strictly than by JWT libraries: there must be one way only to read it. So base64url must be
canonical (else one token has many spellings), no JSON member may stand twice, and whatever would have a reader fetch a
key, or take it from the token itself, is refused, though nothing here would follow it.
Sources: RFC 7515; RFC 8725 (JWT Best Current Practices), 3.1, 3.4, 3.5, 3.10; entra-docs,
access-token-claims-reference.md.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jwt

from aoc_api.bodies import parse
from aoc_api.entra.refused import RefusedToken
from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from aoc_api.entra.discovery import SigningKey

#: Characters of a token. One with the 200 groups that Entra writes at most has some 14,000.
LONGEST: Final = 24 * 1024
_LONGEST_KID: Final = 256
_PARTS: Final = 3
#: Entra signs with nothing else (`id_token_signing_alg_values_supported` of its metadata). A list of more would let a
#: token choose, and a choice between a signature and a password (HS256) has been the end of many verifiers.
ALGORITHM: Final = "RS256"
_TYPES: Final = frozenset({"jwt", "at+jwt"})
#: Keys that a token brings or names itself; extensions that must be understood; tokens within tokens.
_REFUSED_MEMBERS: Final = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "cty", "zip", "b64", "enc"})


@dataclass(frozen=True, slots=True)
class Unverified:
    """A token whose form is right. Nothing that it claims may be believed yet."""

    text: str
    kid: str
    claims: dict[str, Any]


def read(text: str) -> Unverified:
    """Take a token apart. Raises `RefusedToken`."""
    if len(text) > LONGEST:
        raise RefusedToken("too-large")
    parts = text.split(".")
    if len(parts) != _PARTS:
        raise RefusedToken("malformed")
    header, claims, _ = _object(parts[0]), _object(parts[1]), _bytes(parts[2])
    if header.get("alg") != ALGORITHM:
        raise RefusedToken("algorithm")
    if header.keys() & _REFUSED_MEMBERS or str(header.get("typ", "JWT")).lower() not in _TYPES:
        raise RefusedToken("header")
    kid = header.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= _LONGEST_KID:
        raise RefusedToken("kid")
    return Unverified(text, kid, claims)


def check_signature(token: Unverified, key: SigningKey) -> None:
    """Raise `RefusedToken` unless the token is signed with that key."""
    try:
        jwt.PyJWS().decode_complete(token.text, key.jwk, algorithms=[ALGORITHM])
    except jwt.PyJWTError:
        raise RefusedToken("signature") from None


def _object(part: str) -> dict[str, Any]:
    try:
        value = parse(_bytes(part))
    except Malformed:
        value = None
    if not isinstance(value, dict):
        raise RefusedToken("malformed")
    return value


def _bytes(part: str) -> bytes:
    """The bytes of unpadded base64url in its one canonical spelling (RFC 7515, section 2; RFC 4648, section 3.5)."""
    try:
        spelt = part.encode("ascii")
        value = urlsafe_b64decode(spelt + b"=" * (-len(spelt) % 4))
    except ValueError:
        raise RefusedToken("malformed") from None
    if not value or urlsafe_b64encode(value).rstrip(b"=") != spelt:
        raise RefusedToken("malformed")
    return value

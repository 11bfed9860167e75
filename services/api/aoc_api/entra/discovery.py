"""An origin's metadata and keys, as they are published. What is not as it must be counts as an origin that is away.

Sources: OpenID Connect Discovery 1.0; RFC 7517; entra-docs, access-tokens.md, "Validate the signing key issuer" (a
key's own `issuer`); Microsoft.IdentityModel.Validators, EnableEntraIdSigningKeyCloudInstanceValidation
(`cloud_instance_name`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from aoc_api import metrics
from aoc_common import http
from aoc_common.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import httpx

    from aoc_api.entra.origins import Origin

#: Bytes that metadata or a key set may have; Entra's have 2 and 20 thousand.
ANSWER_BYTES: Final = 256 * 1024
#: Keys that are looked at; Entra publishes about ten.
_MOST_KEYS: Final = 100
_LONGEST_ID: Final = 256
#: Bits of an RSA key: shorter ones can be broken, longer ones cost too much to verify with. Entra's have 2048.
_BITS: Final = (2048, 4096)
_LARGEST_EXPONENT: Final = 2**32


def _observe(outcome: str, seconds: float) -> None:
    metrics.HTTP_REQUESTS.labels(_API, outcome).inc()
    metrics.HTTP_SECONDS.labels(_API).observe(seconds)


_API: Final = "keys"
_REMOTE: Final = http.Remote(_API, observe=_observe)


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """A public key that tokens are signed with. `issuer`, `cloud`: whose tokens, where the key itself says so."""

    kid: str
    jwk: jwt.PyJWK
    issuer: str | None = None
    cloud: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a browser signs in and out, and where codes become tokens."""

    authorization: str
    token: str
    end_session: str | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """What an origin has published: keys by their ids."""

    keys: Mapping[str, SigningKey]
    endpoints: Endpoints | None = None
    cloud: str | None = field(default=None)


type Publish = Callable[[], Awaitable[Published]]
"""Fetches it. Raises `AocError`."""


async def fetch(client: httpx.AsyncClient, origin: Origin) -> Published:
    """Metadata and keys of an origin. Raises `AocError`: away, or not what it must be."""
    metadata = _document((await http.send(client, "GET", origin.metadata_url, _REMOTE)).body)
    if metadata.get("issuer") != origin.issuer:
        raise Unreachable("keys: the metadata is of another issuer")
    cloud = _text(metadata.get("cloud_instance_name"))
    key_set = await fetch_keys(client, _own(metadata, "jwks_uri", origin))
    end = "end_session_endpoint"
    endpoints = Endpoints(
        _own(metadata, "authorization_endpoint", origin),
        _own(metadata, "token_endpoint", origin),
        _own(metadata, end, origin) if end in metadata else None,
    )
    keys = {kid: key for kid, key in key_set.keys.items() if key.cloud in {None, cloud}}
    return Published(keys, endpoints, cloud)


async def fetch_keys(client: httpx.AsyncClient, url: str) -> Published:
    """A key set. Raises `AocError`; keys that no token of ours can be signed with are left out."""
    entries = _document((await http.send(client, "GET", url, _REMOTE)).body).get("keys")
    if not isinstance(entries, list) or len(entries) > _MOST_KEYS:
        raise Unreachable("keys: the answer is no key set, or too large a one")
    keys = [key for entry in entries if (key := _key(entry)) is not None]
    if not keys:
        raise Unreachable("keys: the key set holds no key that can be used")
    kids = [key.kid for key in keys]
    # Two keys of one id: nobody could say with which of them a token must verify.
    return Published({key.kid: key for key in keys if kids.count(key.kid) == 1})


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise Unreachable("keys: the answer is no JSON object")
    return document


def _own(metadata: Mapping[str, Any], name: str, origin: Origin) -> str:
    """An address in the metadata. It must be the origin's own: keys and secrets come from, and go to, nobody else."""
    address = _text(metadata.get(name))
    if address is None or not address.startswith(f"{origin.authority}/"):
        raise Unreachable(f"keys: {name} of the metadata is not at {origin.authority}")
    return address


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _key(entry: Any) -> SigningKey | None:
    if not isinstance(entry, dict) or entry.get("kty") != "RSA" or entry.get("use", "sig") != "sig":
        return None
    kid, issuer, cloud = (entry.get(name) for name in ("kid", "issuer", "cloud_instance_name"))
    if not isinstance(kid, str) or not 0 < len(kid) <= _LONGEST_ID:
        return None
    if not all(value is None or isinstance(value, str) for value in (issuer, cloud)):
        return None
    try:
        jwk = jwt.PyJWK({name: entry[name] for name in ("kty", "n", "e")} | {"kid": kid}, algorithm="RS256")
    except (KeyError, ValueError, TypeError, AttributeError, jwt.PyJWTError):
        return None
    return SigningKey(kid, jwk, issuer, cloud) if _usable(jwk.key) else None


def _usable(key: Any) -> bool:
    if not isinstance(key, RSAPublicKey):
        return False
    return _BITS[0] <= key.key_size <= _BITS[1] and key.public_numbers().e < _LARGEST_EXPONENT

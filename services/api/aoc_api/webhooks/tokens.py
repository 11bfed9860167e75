"""The tokens by which Graph's change notification service proves that a rich notification is its own.

Sources: graph-docs, change-notifications-with-resource-data.md, "How to validate"; entra-docs, access-tokens.md
(issuers).
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import jwt
import orjson

from aoc_api import metrics
from aoc_common import http
from aoc_common.errors import AocError, Malformed, Unreachable
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx
    from jwt import PyJWK
    from jwt.types import Options

    from aoc_common.clock import Clock
    from aoc_common.tenants.registry import TenantRegistry
    from aoc_common.tenants.tenant import Tenant

_log = logs.get(__name__)

#: The application that sends change notifications, in every tenant and cloud.
PUBLISHER: Final = "0bf30f3b-4a52-48df-9a82-234910c4a086"
_ALGORITHMS: Final = ["RS256"]
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: Seconds by which clocks may differ.
_LEEWAY_S: Final = 60.0
#: Keys are "rotated daily": seconds after which they are fetched again.
_FRESH_S: Final = 24 * 3600.0
#: An unknown key may be new, or forged: seconds between two fetches for unknown keys.
_PAUSE_S: Final = 60.0
#: Seconds in which an authority that did not answer is not asked.
_RETRY_S: Final = 5.0
_LONG_AGO: Final = float("-inf")


def _observe(outcome: str, seconds: float) -> None:
    metrics.HTTP_REQUESTS.labels(_KEYS, outcome).inc()
    metrics.HTTP_SECONDS.labels(_KEYS).observe(seconds)


_KEYS: Final = "keys"
_REMOTE: Final = http.Remote(_KEYS, observe=_observe)


class SigningKeys:
    """The keys that an authority signs with, fetched when first needed and when an unknown one turns up."""

    def __init__(self, client: httpx.AsyncClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._keys: dict[str, dict[str, PyJWK]] = {}
        self._fetched: dict[str, float] = {}
        self._failed: dict[str, float] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def key(self, authority: str, kid: str) -> PyJWK | None:
        """The key with that id; None when the authority has none.

        Raises `Transient` when it cannot be asked, or was asked a moment ago: the sender may try again.
        """
        async with self._locks.setdefault(authority, asyncio.Lock()):
            now = self._clock.monotonic()
            age = now - self._fetched.get(authority, _LONG_AGO)
            key = self._keys.get(authority, {}).get(kid)
            if key is not None and age <= _FRESH_S:
                return key
            if age > _PAUSE_S and now - self._failed.get(authority, _LONG_AGO) > _RETRY_S:
                await self._fetch(authority, now)
                key = self._keys.get(authority, {}).get(kid)
                if key is not None or self._fetched.get(authority) == now:
                    return key
            if key is None:
                raise Unreachable(f"the keys of {authority} cannot be asked for now")
            # A stale key is used while the authority does not answer.
            return key

    async def _fetch(self, authority: str, now: float) -> None:
        # One set for all tenants of a cloud, as Microsoft advises; whose token it is, the issuer says.
        url = f"{authority}/common/discovery/v2.0/keys"
        try:
            self._keys[authority] = _read(await http.send(self._client, "GET", url, _REMOTE))
        except AocError as error:
            _log.warning("keys.unreachable", authority=authority, error=str(error))
            self._failed[authority] = now
        else:
            self._fetched[authority] = now


def _read(answer: http.Answer) -> dict[str, PyJWK]:
    """Raises `Unreachable` for what is no key set; keys of unknown kinds are ignored."""
    try:
        keys = jwt.PyJWKSet.from_dict(orjson.loads(answer.body)).keys
    except (ValueError, TypeError, AttributeError, jwt.PyJWTError):
        raise Unreachable("keys: the answer is no key set") from None
    return {key.key_id: key for key in keys if key.key_id and key.key_type == "RSA"}


class ValidationTokens:
    """Verifies tokens that are made for the apps of this installation's tenants."""

    def __init__(self, tenants: TenantRegistry, keys: SigningKeys) -> None:
        self._tenants = tenants
        self._keys = keys

    async def verify(self, token: str) -> str:
        """The tenant id that a token speaks for. Raises `Malformed`, saying what is wrong, or `Transient`."""
        try:
            kid = str(jwt.get_unverified_header(token).get("kid", ""))
            # Unverified, and used only to find out whose keys to try.
            claimed = jwt.decode(token, options={"verify_signature": False})
        except jwt.PyJWTError:
            raise Malformed("a validation token is no JWT") from None
        tenant = await self._tenant(claimed.get("iss"), claimed.get("aud"))
        if tenant is None:
            raise Malformed("a validation token is of an issuer that is not configured")
        key = await self._keys.key(tenant.hosts.authority, kid)
        if key is None:
            raise Malformed("a validation token is signed with an unknown key")
        _check_sender(_claims(token, key, tenant), tenant)
        return tenant.tenant_id

    async def _tenant(self, issuer: Any, audience: Any) -> Tenant | None:
        """The tenant that an issuer speaks for: of several apps in one directory, the one that a token is for."""
        directory = _GUID.search(issuer) if isinstance(issuer, str) else None
        if directory is None:
            return None
        tenants = [tenant for tenant in await self._tenants.by_directory(directory[0]) if issuer in tenant.issuers]
        return next((tenant for tenant in tenants if tenant.client_id == audience), tenants[-1] if tenants else None)


def _claims(token: str, key: PyJWK, tenant: Tenant) -> dict[str, Any]:
    """The claims of a token that is signed, of this time, and for this app."""
    options: Options = {
        "verify_iat": False,
        "verify_sub": False,
        "verify_jti": False,
        "strict_aud": True,
        "require": ["exp", "nbf", "iss", "aud"],
    }
    try:
        return jwt.decode(
            token, key, algorithms=_ALGORITHMS, audience=tenant.client_id, leeway=_LEEWAY_S, options=options
        )
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError):
        raise Malformed("a validation token is outside its time") from None
    except jwt.InvalidAudienceError:
        raise Malformed("a validation token is for another app") from None
    except jwt.PyJWTError as error:
        raise Malformed(f"a validation token is not good ({type(error).__name__})") from None


def _check_sender(claims: Mapping[str, Any], tenant: Tenant) -> None:
    senders = [claims[name] for name in ("azp", "appid") if name in claims]
    if not senders or any(sender != PUBLISHER for sender in senders):
        raise Malformed("a validation token was made for another sender than Graph's notifications")
    if not _same_guid(claims.get("tid", tenant.tenant_id), tenant.tenant_id):
        raise Malformed("a validation token names another tenant than its issuer")


def _same_guid(value: Any, guid: str) -> bool:
    try:
        return str(UUID(str(value))) == guid
    except ValueError:
        return False

"""The tokens by which Graph's change notification service proves that a rich notification is its own.

Sources: graph-docs, change-notifications-with-resource-data.md, "How to validate"; entra-docs, access-tokens.md
(issuers).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import jwt

from aoc_api.entra import jws
from aoc_api.entra.discovery import fetch_keys
from aoc_api.entra.refused import RefusedToken
from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx
    from jwt import PyJWK
    from jwt.types import Options

    from aoc_api.entra.discovery import Published
    from aoc_api.entra.keys import SigningKeys
    from aoc_common.tenants.registry import TenantRegistry
    from aoc_common.tenants.tenant import Tenant

#: The application that sends change notifications, in every tenant and cloud.
PUBLISHER: Final = "0bf30f3b-4a52-48df-9a82-234910c4a086"
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: Seconds by which clocks may differ.
_LEEWAY_S: Final = 60.0


async def publisher_keys(client: httpx.AsyncClient, authority: str) -> Published:
    """The keys of Microsoft's own tokens at a sign-in service. Raises `AocError`."""
    # One set for all tenants of a cloud, as Microsoft advises; whose token it is, the issuer says.
    return await fetch_keys(client, f"{authority}/common/discovery/v2.0/keys")


class ValidationTokens:
    """Verifies tokens that are made for the apps of this installation's tenants.

    `registries`: where these are, in the order in which they are asked.
    """

    def __init__(self, registries: Sequence[TenantRegistry], keys: SigningKeys[str]) -> None:
        self._registries = registries
        self._keys = keys

    async def verify(self, token: str) -> str:
        """The tenant id that a token speaks for. Raises `Malformed`, saying what is wrong, or `Transient`."""
        try:
            unverified = jws.read(token)
        except RefusedToken as error:
            raise Malformed(f"a validation token is no token of Entra's ({error.reason})") from None
        # Not believed, and used only to find out whose keys to try.
        tenant = await self._tenant(unverified.claims.get("iss"), unverified.claims.get("aud"))
        if tenant is None:
            raise Malformed("a validation token is of an issuer that is not configured")
        key = await self._keys.key(tenant.hosts.authority, unverified.kid)
        if key is None:
            raise Malformed("a validation token is signed with an unknown key")
        _check_sender(_claims(token, key.jwk, tenant), tenant)
        return tenant.tenant_id

    async def _tenant(self, issuer: Any, audience: Any) -> Tenant | None:
        """The tenant that an issuer speaks for: of several apps in one directory, the one that a token is for."""
        directory = _GUID.search(issuer) if isinstance(issuer, str) else None
        if directory is None:
            return None
        tenants: list[Tenant] = []
        for registry in self._registries:
            tenants = [tenant for tenant in await registry.by_directory(directory[0]) if issuer in tenant.issuers]
            if (named := next((tenant for tenant in tenants if tenant.client_id == audience), None)) is not None:
                return named
        return tenants[-1] if tenants else None


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
            token, key, algorithms=[jws.ALGORITHM], audience=tenant.client_id, leeway=_LEEWAY_S, options=options
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

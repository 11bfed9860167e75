"""What tokens for the gateway claim: access tokens of both versions, and ID tokens.

Sources: entra-docs, access-token-claims-reference.md, id-token-claims-reference.md, optional-claims-reference.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID, uuid4, uuid5

if TYPE_CHECKING:
    from datetime import datetime

    from aoc_sim.provider.accounts import Account
    from aoc_sim.settings import GatewayApp, TenantSettings

type Version = Literal["1.0", "2.0"]

#: Beyond so many groups a token says only that there are some.
MOST_GROUPS = 200
_SPACE = UUID("5e5ab1e0-70c0-4e57-8a0c-0a0c51a00000")


def v1_issuer(tenant_id: str) -> str:
    """How tokens of version 1 name their issuer, whatever the sign-in service's address."""
    return f"https://sts.windows.net/{tenant_id}/"


def v2_issuer(base: str, tenant_id: str) -> str:
    """How tokens of version 2 name it."""
    return f"{base}/{tenant_id}/v2.0"


@dataclass(frozen=True, slots=True)
class Issuance:
    """When and where a token is issued."""

    base: str
    now: datetime
    lifetime_s: int

    def head(self, version: Version, tenant_id: str, audience: str) -> dict[str, Any]:
        """What every token has."""
        made = int(self.now.timestamp())
        issuer = v1_issuer(tenant_id) if version == "1.0" else v2_issuer(self.base, tenant_id)
        return {
            "aud": audience,
            "iss": issuer,
            "iat": made,
            "nbf": made,
            "exp": made + self.lifetime_s,
            "tid": tenant_id,
            "uti": uuid4().hex,
            "ver": version,
        }


def of_person(app: GatewayApp, account: Account, version: Version, issuance: Issuance) -> dict[str, Any]:
    """The access token of a person, for the gateway's API."""
    audience = app.application_uri if version == "1.0" else app.client_id
    claims = issuance.head(version, account.tenant.tenant_id, audience) | _person(account) | {"scp": app.scope}
    if version == "1.0":
        return claims | {"appid": app.client_id, "appidacr": "1", "upn": account.person.upn, "idtyp": "user"}
    return claims | {"azp": app.client_id, "azpacr": "1", "preferred_username": account.person.upn}


def id_token(app: GatewayApp, account: Account, nonce: str | None, issuance: Issuance) -> dict[str, Any]:
    """The ID token of a sign-in: with roles and the same audience, and still no token of an API."""
    claims = issuance.head("2.0", account.tenant.tenant_id, app.client_id) | _person(account)
    return claims | {"preferred_username": account.person.upn} | ({"nonce": nonce} if nonce else {})


def of_application(
    app: GatewayApp, tenant: TenantSettings, roles: tuple[str, ...], version: Version, issuance: Issuance
) -> dict[str, Any]:
    """The access token of an application, for the gateway's API."""
    audience = app.application_uri if version == "1.0" else app.client_id
    object_id = str(uuid5(_SPACE, tenant.client_id))
    claims = issuance.head(version, tenant.tenant_id, audience) | {"oid": object_id, "sub": object_id, "idtyp": "app"}
    if roles:
        claims["roles"] = list(roles)
    if version == "1.0":
        return claims | {"appid": tenant.client_id, "appidacr": "1", "app_displayname": "AOC collector"}
    return claims | {"azp": tenant.client_id, "azpacr": "1"}


def _person(account: Account) -> dict[str, Any]:
    person = account.person
    claims: dict[str, Any] = {"oid": person.id, "sub": str(uuid5(_SPACE, person.id)), "name": person.name}
    if account.roles:
        claims["roles"] = list(account.roles)
    if len(account.groups) > MOST_GROUPS:
        return claims | {
            "_claim_names": {"groups": "src1"},
            "_claim_sources": {
                "src1": {"endpoint": f"https://graph.microsoft.com/v1.0/users/{person.id}/getMemberObjects"}
            },
        }
    return claims | ({"groups": list(account.groups)} if account.groups else {})

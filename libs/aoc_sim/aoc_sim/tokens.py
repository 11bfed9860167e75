"""Access tokens: real RS256 JWTs, and what the APIs check in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID, uuid5

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from aoc_sim.provider.keys import key_id, make_key

if TYPE_CHECKING:
    from aoc_sim.clock import Clock
    from aoc_sim.settings import TenantSettings

type Api = Literal["graph", "activity"]

# Resource -> API. National clouds have hosts of their own; an application id names a resource as well
# (entra-docs, v2-oauth2-client-creds-grant-flow.md; graph-docs, deployments.md).
RESOURCES: dict[str, Api] = {
    "https://graph.microsoft.com": "graph",
    "https://graph.microsoft.us": "graph",
    "https://dod-graph.microsoft.us": "graph",
    "00000003-0000-0000-c000-000000000000": "graph",
    "https://manage.office.com": "activity",
    "https://manage-gcc.office.com": "activity",
    "https://manage.office365.us": "activity",
    "https://manage.protection.apps.mil": "activity",
    "c5393580-f805-4401-95e8-94b7a6ef2fc2": "activity",
}
_SPACE = UUID("5e5ab1e0-70c0-4e57-8a0c-0a0c51a00000")


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a valid token speaks for."""

    tenant_id: str
    app_id: str
    roles: frozenset[str]


class InvalidTokenError(Exception):
    """The token is missing, malformed, forged, expired, or for another API; the text says which."""


class Tokens:
    """Issues and verifies access tokens."""

    def __init__(self, clock: Clock, lifetime_s: int, signing_key_pem: str | None = None) -> None:
        self._clock = clock
        self.lifetime_s = lifetime_s
        if signing_key_pem:
            # unchecked: the check takes longer than building the world, and a bad key harms nobody but the simulator
            key = serialization.load_pem_private_key(
                signing_key_pem.encode(), password=None, unsafe_skip_rsa_key_validation=True
            )
            if not isinstance(key, rsa.RSAPrivateKey):
                raise ValueError("signing_key_pem: not an RSA private key")
            self._key = key
        else:
            self._key = make_key()
        self._public = self._key.public_key()
        self.kid = key_id(self._key)

    @property
    def key(self) -> rsa.RSAPrivateKey:
        """The key that they are signed with."""
        return self._key

    def issue(self, tenant: TenantSettings, audience: str | list[str], roles: tuple[str, ...], issuer: str) -> str:
        """An app-only access token. Without roles there is no `roles` claim at all, as with Entra."""
        now = int(self._clock.now().timestamp())
        object_id = str(uuid5(_SPACE, tenant.client_id))
        claims: dict[str, Any] = {
            "aud": audience,
            "iss": issuer,
            "iat": now,
            "nbf": now,
            "exp": now + self.lifetime_s,
            "appid": tenant.client_id,
            "azp": tenant.client_id,
            "appidacr": "1",
            "app_displayname": "AOC collector",
            "idp": issuer,
            "idtyp": "app",
            "oid": object_id,
            "sub": object_id,
            "tid": tenant.tenant_id,
            "ver": "1.0",
        }
        if roles:
            claims["roles"] = list(roles)
        return self.sign(claims)

    def sign(self, claims: dict[str, Any]) -> str:
        """A token with just these claims."""
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self.kid})

    def verify(self, authorization: str | None, api: Api) -> Caller:
        """Whom the Authorization header speaks for; raises InvalidTokenError."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise InvalidTokenError("no bearer token was sent")
        try:
            claims = jwt.decode(
                token.strip(),
                self._public,
                algorithms=["RS256"],
                # the lifetime is checked below against the simulator's own clock
                options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except jwt.PyJWTError as error:
            raise InvalidTokenError(f"the token cannot be verified: {error}") from error
        now = self._clock.now().timestamp()
        if not claims["nbf"] - 300 <= now < claims["exp"]:
            raise InvalidTokenError("the token has expired, or is not valid yet")
        audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if api not in {RESOURCES.get(audience) for audience in audiences}:
            raise InvalidTokenError("the token is for another audience")
        return Caller(claims["tid"], claims["appid"], frozenset(claims.get("roles", ())))

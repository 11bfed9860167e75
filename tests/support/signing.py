"""The simulator as identity provider of a gateway in this process, and forged tokens."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jwt

from aoc_sim.provider import claims
from aoc_sim.provider.claims import Issuance
from aoc_sim.provider.keys import key_id, make_key

if TYPE_CHECKING:
    import httpx
    from cryptography.hazmat.primitives.asymmetric import rsa
    from starlette.applications import Starlette

    from aoc_sim.provider.accounts import Account
    from aoc_sim.provider.claims import Version
    from aoc_sim.provider.keys import KeyRing
    from aoc_sim.provider.provider import Provider
    from manual_clock import ManualClock

BASE: Final = "http://127.0.0.1:8365"
HOME, CUSTOMER = "contoso", "fabrikam"
#: All that is told of a token that is not known to be Entra's.
SILENT: Final = "The access token is not valid here. Sign in again for a new one."


def segment(value: Any) -> str:
    """A part of a token: bytes as they are, text as it is, anything else as JSON."""
    raw = value if isinstance(value, bytes) else (value if isinstance(value, str) else json.dumps(value)).encode()
    return urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass
class EntraId:
    """The provider of a simulator: what it issues, what could be made of that, and its control plane."""

    sim: Starlette
    clock: ManualClock
    client: httpx.AsyncClient

    @property
    def provider(self) -> Provider:
        provider: Provider = self.sim.state.provider
        return provider

    def account(self, role: str | None, tenant: str = HOME) -> Account:
        """The person of a tenant who has this role."""
        wanted = (f"aoc.{role}",) if role else ()
        accounts = self.provider.accounts.all()
        return next(a for a in accounts if a.tenant.slug == tenant and a.roles == wanted)

    def key(self, version: Version = "2.0") -> rsa.RSAPrivateKey:
        rings: dict[Version, KeyRing] = self.sim.state.rings
        return rings[version].current()

    def claims(self, role: str | None = "reader", tenant: str = HOME, version: Version = "2.0") -> dict[str, Any]:
        """What a genuine access token of a person claims."""
        return claims.of_person(self._app, self.account(role, tenant), version, self._issuance())

    def id_claims(self, role: str = "superadmin", tenant: str = HOME, nonce: str | None = None) -> dict[str, Any]:
        return claims.id_token(self._app, self.account(role, tenant), nonce, self._issuance())

    def application_claims(self, *roles: str, tenant: str = HOME, version: Version = "2.0") -> dict[str, Any]:
        settings = next(t for t in self.sim.state.world.tenants.values() if t.settings.slug == tenant).settings
        return claims.of_application(self._app, settings, roles, version, self._issuance())

    def token(
        self,
        changes: dict[str, Any] | None = None,
        *,
        header: dict[str, Any] | None = None,
        key: rsa.RSAPrivateKey | None = None,
        signed_as: Version | None = None,
        base: dict[str, Any] | None = None,
        **of: Any,
    ) -> str:
        """A token, signed with a published key, of a person's claims with these changes; None takes a claim away."""
        made = (base or self.claims(**of)) | (changes or {})
        made = {name: value for name, value in made.items() if value is not None}
        key = key or self.key(signed_as or of.get("version", "2.0"))
        return jwt.encode(made, key, algorithm="RS256", headers={"kid": key_id(key)} | (header or {}))

    def signed(self, header: Any, payload: Any, version: Version = "2.0") -> str:
        """A token of exactly these parts with a good signature, which no library would make."""
        text = f"{segment(header)}.{segment(payload)}"
        algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
        return f"{text}.{segment(algorithm.sign(text.encode(), self.key(version)))}"

    def header(self, **members: Any) -> dict[str, Any]:
        """The header of a genuine token."""
        return {"typ": "JWT", "alg": "RS256", "kid": key_id(self.key())} | members

    async def control(self, **wish: Any) -> dict[str, Any]:
        """Change how the provider behaves; what it says of itself."""
        answer = await self.client.put("/_provider", json=wish)
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    async def asked(self) -> int:
        """How often metadata and keys were asked for."""
        return int((await self.client.get("/_provider")).json()["asked"])

    @property
    def _app(self) -> Any:
        return self.sim.state.gateway

    def _issuance(self) -> Issuance:
        return Issuance(BASE, self.clock.now(), 3599)


__all__ = ["BASE", "CUSTOMER", "HOME", "SILENT", "EntraId", "make_key", "segment"]

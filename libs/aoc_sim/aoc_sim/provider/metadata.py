"""OpenID Connect discovery and keys of both versions, honest or hostile.

Sources: entra-docs, v2-protocols-oidc.md, access-tokens.md ("Validate the signing key issuer").
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.routing import Route

from aoc_sim.provider.claims import v1_issuer, v2_issuer
from aoc_sim.provider.keys import CLOUD
from aoc_sim.responses import base_url, json_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from aoc_sim.provider.claims import Version
    from aoc_sim.provider.keys import KeyRing
    from aoc_sim.settings import SimSettings

type Conduct = Literal[
    "honest",
    "away",
    "slow",
    "html",
    "huge",
    "many-keys",
    "wrong-issuer",
    "foreign-key-issuer",
    "foreign-cloud",
    "foreign-keys-address",
    "redirect",
]
"""How metadata and keys are served. All but the first are what a verifier must not be taken in by."""
CONDUCTS: Final[tuple[Conduct, ...]] = get_args(Conduct.__value__)

#: Names that stand for all directories.
TENANT_INDEPENDENT: Final = frozenset({"common", "organizations"})
_TEMPLATE: Final = "{tenantid}"
_NOBODY: Final = "00000000-0000-4000-8000-000000000000"
_SLOW_S: Final = 60.0
_HUGE: Final = 4 * 1024 * 1024
_MANY: Final = 300


class Metadata:
    """The routes. `asked`: how often metadata and keys were asked for, by path."""

    def __init__(self, settings: SimSettings, rings: Mapping[Version, KeyRing]) -> None:
        self._settings = settings
        self._rings = rings
        self.conduct: Conduct = "honest"
        self.asked = 0

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/{tenant}/v2.0/.well-known/openid-configuration", self._v2),
            Route("/{tenant}/.well-known/openid-configuration", self._v1),
            Route("/{tenant}/discovery/v2.0/keys", self._v2_keys),
            Route("/{tenant}/discovery/keys", self._v1_keys),
        ]

    async def _v2(self, request: Request) -> Response:
        tenant_id = self._directory(request)
        if tenant_id is None:
            return _unknown(request)
        base = base_url(request, self._settings)
        return await self._answer(self._document(request, v2_issuer(base, tenant_id), "/v2.0"))

    async def _v1(self, request: Request) -> Response:
        tenant_id = self._directory(request)
        if tenant_id is None:
            return _unknown(request)
        return await self._answer(self._document(request, v1_issuer(tenant_id), ""))

    async def _v2_keys(self, request: Request) -> Response:
        return await self._keys(request, "2.0", v2_issuer(base_url(request, self._settings), _TEMPLATE))

    async def _v1_keys(self, request: Request) -> Response:
        return await self._keys(request, "1.0", v1_issuer(_TEMPLATE))

    def _document(self, request: Request, issuer: str, version: str) -> dict[str, Any]:
        base, name = base_url(request, self._settings), request.path_params["tenant"]
        root = f"{base}/{name}"
        keys = f"https://keys.example/{name}" if self.conduct == "foreign-keys-address" else root
        return {
            "issuer": f"https://evil.example/{_TEMPLATE}/" if self.conduct == "wrong-issuer" else issuer,
            "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
            "token_endpoint": f"{root}/oauth2/v2.0/token",
            "end_session_endpoint": f"{root}/oauth2/v2.0/logout",
            "jwks_uri": f"{keys}/discovery{version}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "code_challenge_methods_supported": ["S256"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "tenant_region_scope": "EU",
            "cloud_instance_name": CLOUD,
            "msgraph_host": "graph.microsoft.com",
        }

    async def _keys(self, request: Request, version: Version, issuer: str) -> Response:
        if self._directory(request) is None:
            return _unknown(request)
        keys = self._rings[version].published(issuer)
        if self.conduct == "foreign-key-issuer":
            keys = [key | {"issuer": key["issuer"].replace(_TEMPLATE, _NOBODY)} for key in keys]
        elif self.conduct == "foreign-cloud":
            keys = [key | {"cloud_instance_name": "elsewhere.example"} for key in keys]
        elif self.conduct == "many-keys":
            keys = [key | {"kid": f"{key['kid']}-{number}"} for number in range(_MANY) for key in keys]
        elif self.conduct == "huge":
            keys = [*keys, {"kty": "RSA", "kid": "huge", "n": "A" * _HUGE, "e": "AQAB"}]
        return await self._answer({"keys": keys})

    async def _answer(self, document: dict[str, Any]) -> Response:
        self.asked += 1
        match self.conduct:
            case "away":
                return PlainTextResponse("The service is unavailable.", 503)
            case "html":
                return HTMLResponse("<!doctype html><title>Sign in to the guest network</title>")
            case "redirect":
                return RedirectResponse("https://evil.example/keys", 302)
            case "slow":
                await asyncio.sleep(_SLOW_S)
        return json_answer(document)

    def _directory(self, request: Request) -> str | None:
        """The id of the directory in the path, or what stands for all of them; None when there is none."""
        name = request.path_params["tenant"].lower()
        if name in TENANT_INDEPENDENT:
            return _TEMPLATE
        known = self._settings.tenants
        return next((t.tenant_id for t in known if name in {t.tenant_id.lower(), t.domain.lower()}), None)


def _unknown(request: Request) -> Response:
    name = request.path_params["tenant"][:100]
    text = f"AADSTS90002: No tenant named '{name}' is known here."
    return json_answer({"error": "invalid_tenant", "error_description": text, "error_codes": [90002]}, status=400)

"""Microsoft Entra ID as the provider of sign-ins: a code becomes an ID token, which is verified as any token is.

Sources: entra-docs, v2-oauth2-auth-code-flow.md (the token endpoint; a web application shows its secret beside the
verifier of PKCE).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx
import orjson

from aoc_api.access.sessions.sign_in import SignInFailed
from aoc_api.access.tokens.identity import RefusedToken
from aoc_common.errors import Unreachable
from aoc_common.store.sessions import SignedIn
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aoc_api.access.tokens.identity import Identity
    from aoc_api.access.tokens.verification import AccessTokens

_log = logs.get(__name__)
_SERVER_ERROR: Final = 500
_LONGEST_REASON: Final = 300


class Entra:
    """`IdentityProvider`. `secret`: reads the client secret, anew for each code, so that it can be replaced."""

    def __init__(
        self, tokens: AccessTokens, client: httpx.AsyncClient, client_id: str, secret: Callable[[], str | None]
    ) -> None:
        self._tokens = tokens
        self._client = client
        self._client_id = client_id
        self._secret = secret

    async def authorization_endpoint(self) -> str:
        """Where a browser is sent."""
        return (await self._tokens.endpoints()).authorization

    async def redeem(self, code: str, verifier: str, redirect_uri: str, nonce: str) -> SignedIn:
        """Whom a code was issued for."""
        asked = {
            "client_id": self._client_id,
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        if (secret := self._secret()) is not None:
            asked["client_secret"] = secret
        document = await self._asked((await self._tokens.endpoints()).token, asked)
        token = document.get("id_token")
        if not isinstance(token, str):
            _log.warning("sign_in.code_refused", error=str(document.get("error_description"))[:_LONGEST_REASON])
            raise SignInFailed("code", "The identity provider does not take the code: it was used, or is too old.")
        try:
            return signed_in(await self._tokens.verify_id_token(token, nonce))
        except RefusedToken as refused:
            raise SignInFailed(refused.reason, refused.advice) from None

    async def _asked(self, endpoint: str, form: Mapping[str, str]) -> Mapping[str, object]:
        try:
            answer = await self._client.post(endpoint, data=form)
            document = orjson.loads(answer.content)
        except (httpx.HTTPError, ValueError) as error:
            raise Unreachable(f"sign-in service: {type(error).__name__}") from None
        if answer.status_code >= _SERVER_ERROR or not isinstance(document, dict):
            raise Unreachable(f"sign-in service: {answer.status_code}")
        return document


def signed_in(identity: Identity) -> SignedIn:
    """A person as a session keeps them. What they may do is looked up at each request."""
    return SignedIn(
        principal_id=identity.principal_id,
        name=identity.name,
        grants=(),
        directory_id=identity.directory_id,
        app_roles=identity.app_roles,
        directory_groups=identity.groups,
    )

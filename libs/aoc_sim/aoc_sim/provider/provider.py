"""People sign in with a browser; codes and refresh tokens become tokens; applications get theirs.

Sources: entra-docs, v2-oauth2-auth-code-flow.md, v2-oauth2-client-creds-grant-flow.md, reference-error-codes.md.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.responses import RedirectResponse
from starlette.routing import Route

from aoc_sim.provider import claims, pages
from aoc_sim.provider.codes import Authorization, Grants, challenge_of
from aoc_sim.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from aoc_sim.clock import Clock
    from aoc_sim.provider.accounts import Account, Accounts
    from aoc_sim.provider.claims import Version
    from aoc_sim.provider.keys import KeyRing
    from aoc_sim.settings import SimSettings, TenantSettings

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_OIDC: Final = frozenset({"openid", "profile", "email", "offline_access"})


class Provider:
    """Sign-in for the gateway's application. `token_version`, `application_roles`: as the registration has them now."""

    def __init__(
        self, settings: SimSettings, clock: Clock, rings: Mapping[Version, KeyRing], accounts: Accounts
    ) -> None:
        self._settings = settings
        self._app = settings.gateway
        self._clock = clock
        self._rings = rings
        self.accounts = accounts
        self.grants = Grants(clock)
        self.token_version: Version = "2.0"  # noqa: S105  # a version
        self.application_roles = self._app.application_roles
        self.overage = False

    def routes(self) -> list[Route]:
        """What browsers visit."""
        return [
            Route("/{tenant}/oauth2/v2.0/authorize", self.authorize, methods=["GET", "POST"]),
            Route("/{tenant}/oauth2/v2.0/logout", self.logout),
        ]

    async def authorize(self, request: Request) -> Response:
        """Ask whom to sign in as, then send the browser back with a code."""
        asked = request.query_params
        redirect_uri = asked.get("redirect_uri", "")
        if asked.get("client_id") != self._app.client_id:
            return pages.message("Sign in", "AADSTS700016: No application with this client_id is registered.", 400)
        if not self._may_return(redirect_uri):
            # Never sent there: whoever made up this address would get the code.
            return pages.message("Sign in", "AADSTS50011: This redirect_uri is not registered.", 400)
        if (wrong := _wrong(asked)) is not None:
            return _back(redirect_uri, error="invalid_request", error_description=wrong, state=asked.get("state"))
        if request.method == "GET":
            return pages.chooser(self.accounts.all(), f"{request.url.path}?{request.url.query}")
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        account = self.accounts.find(form.get("account", ""))
        if account is None:
            return pages.message("Sign in", "AADSTS50034: There is no such account.", 400)
        scopes = tuple(asked.get("scope", "").split())
        authorization = Authorization(account, scopes, asked.get("nonce"), redirect_uri, asked["code_challenge"])
        return _back(redirect_uri, code=self.grants.new_code(authorization), state=asked.get("state"))

    async def logout(self, request: Request) -> Response:
        """The end of a session: there is none here, so the browser goes back."""
        target = request.query_params.get("post_logout_redirect_uri", "")
        if self._may_return(target):
            return RedirectResponse(target, 302)
        return pages.message("Signed out", "You are signed out of the simulated Microsoft 365.")

    def redeem(self, form: Mapping[str, str], base: str) -> dict[str, Any]:
        """The answer of the token endpoint for a code or a refresh token. Raises `RefusedError`."""
        if form["client_id"] != self._app.client_id:
            raise RefusedError(400, "unauthorized_client", 700016, "The application is not found in the directory.")
        secret = self._app.client_secret.get_secret_value()
        if "client_secret" in form and not hmac.compare_digest(form["client_secret"].encode(), secret.encode()):
            raise RefusedError(401, "invalid_client", 7000215, "The client secret is wrong.")
        if form["grant_type"] == "refresh_token":
            authorization = self.grants.refreshed(form.get("refresh_token", ""))
            if authorization is None:
                raise RefusedError(400, "invalid_grant", 700082, "The refresh token is not known, or has expired.")
        else:
            authorization = self._of_code(form)
        return self._answer(authorization, base)

    def application_token(self, tenant: TenantSettings, base: str) -> str:
        """The access token of a tenant's application for the gateway's API."""
        version = self.token_version
        made = claims.of_application(self._app, tenant, self.application_roles, version, self._issuance(base))
        return self._rings[version].sign(made)

    def access_token(self, account: Account, base: str) -> str:
        """The access token of a person for the gateway's API."""
        version = self.token_version
        made = claims.of_person(self._app, self._shown(account), version, self._issuance(base))
        return self._rings[version].sign(made)

    def is_gateway(self, resource: str) -> bool:
        """Whether a resource is the gateway's API."""
        return resource.lower() in {self._app.client_id.lower(), self._app.application_uri.lower()}

    def _of_code(self, form: Mapping[str, str]) -> Authorization:
        code = form.get("code", "")
        authorization = self.grants.take_code(code)
        if authorization is None:
            if self.grants.was_redeemed(code):
                raise RefusedError(400, "invalid_grant", 54005, "The authorization code was already redeemed.")
            raise RefusedError(400, "invalid_grant", 70008, "The authorization code is not known, or has expired.")
        if form.get("redirect_uri") != authorization.redirect_uri:
            raise RefusedError(400, "invalid_grant", 500112, "The redirect_uri is not the one that was asked with.")
        verifier = form.get("code_verifier", "")
        if not hmac.compare_digest(challenge_of(verifier), authorization.challenge or ""):
            raise RefusedError(400, "invalid_grant", 501481, "The code_verifier does not match the code_challenge.")
        return authorization

    def _answer(self, authorization: Authorization, base: str) -> dict[str, Any]:
        issuance = self._issuance(base)
        account, scopes = authorization.account, set(authorization.scopes)
        answer: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": " ".join(sorted(scopes - _OIDC)),
            "expires_in": issuance.lifetime_s,
            "ext_expires_in": issuance.lifetime_s,
            "access_token": self.access_token(account, base),
        }
        if "offline_access" in scopes:
            answer["refresh_token"] = self.grants.new_refresh_token(replace(authorization, challenge=None))
        if "openid" in scopes:
            made = claims.id_token(self._app, self._shown(account), authorization.nonce, issuance)
            answer["id_token"] = self._rings["2.0"].sign(made)
        return answer

    def _shown(self, account: Account) -> Account:
        """An account with its groups; with more than a token holds, if the control plane says so."""
        if not self.overage:
            return account
        return replace(account, groups=tuple(map(str, range(claims.MOST_GROUPS + 1))))

    def _issuance(self, base: str) -> claims.Issuance:
        return claims.Issuance(base, self._clock.now(), self._settings.token_lifetime_s)

    def _may_return(self, address: str) -> bool:
        """Whether a browser may be sent there: this machine's own addresses on any port, and those registered."""
        if address in self._app.redirect_uris:
            return True
        try:
            parts = urlsplit(address)
        except ValueError:
            return False
        return parts.scheme in {"http", "https"} and parts.hostname in _LOOPBACK and not parts.username


def _wrong(asked: Mapping[str, str]) -> str | None:
    """What is wrong with a request for a code."""
    if asked.get("response_type") != "code":
        return "AADSTS70007: response_type must be code."
    if asked.get("response_mode", "query") != "query":
        return "AADSTS70007: response_mode must be query."
    if not asked.get("code_challenge") or asked.get("code_challenge_method") != "S256":
        return "AADSTS9002325: Proof Key for Code Exchange is required, with the method S256."
    if not asked.get("scope"):
        return "AADSTS900144: The request lacks the parameter 'scope'."
    return None


def _back(redirect_uri: str, **answer: str | None) -> Response:
    query = urlencode({name: value for name, value in answer.items() if value is not None})
    return RedirectResponse(f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{query}", 302)

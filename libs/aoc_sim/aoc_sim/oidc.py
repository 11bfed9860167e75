"""The v2.0 token endpoint (entra-docs, v2-oauth2-client-creds-grant-flow.md)."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from uuid import uuid4

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from starlette.routing import Route

from aoc_sim.refusals import RefusedError
from aoc_sim.responses import base_url, json_answer
from aoc_sim.switches import REFUSALS
from aoc_sim.tokens import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from aoc_sim.clock import Clock
    from aoc_sim.provider.provider import Provider
    from aoc_sim.settings import SimSettings, TenantSettings
    from aoc_sim.switches import Switchboard
    from aoc_sim.tokens import Tokens

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_GRAPH = "https://graph.microsoft.com"
_ACTIVITY = "https://manage.office.com"
_OF_PEOPLE = frozenset({"authorization_code", "refresh_token"})


class Oidc:
    """The routes of login.microsoftonline.com that programs ask."""

    def __init__(
        self, settings: SimSettings, clock: Clock, tokens: Tokens, switches: Switchboard, provider: Provider
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._tokens = tokens
        self._switches = switches
        self._provider = provider

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/common/discovery/instance", self.instance),
            Route("/{tenant}/oauth2/v2.0/token", self.token, methods=["POST"]),
        ]

    async def token(self, request: Request) -> Response:
        """`POST /{tenant}/oauth2/v2.0/token`: client credentials, and what people allowed at the gateway's sign-in."""
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        base = base_url(request, self._settings)
        try:
            if form.get("grant_type") in _OF_PEOPLE and form.get("client_id"):
                answer = self._provider.redeem(form, base)
            else:
                tenant = self._tenant(request.path_params["tenant"])
                self._check_grant(form)
                self._check_client(tenant, form, str(request.url.replace(query="")), base)
                self._check_credential_state(tenant)
                answer = self._of_application(tenant, form.get("scope", ""), base)
        except RefusedError as refusal:
            return self._refusal(refusal, form)
        return json_answer(answer, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})

    def _of_application(self, tenant: TenantSettings, scope: str, base: str) -> dict[str, Any]:
        resource = scope.removesuffix("/.default")
        if resource != scope and self._provider.is_gateway(resource):
            token = self._provider.application_token(tenant, base)
        else:
            audience, roles = self._resource(tenant, scope, base)
            token = self._tokens.issue(tenant, audience, roles, f"{base}/{tenant.tenant_id}/v2.0")
        lifetime = self._tokens.lifetime_s
        return {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token}

    async def instance(self, request: Request) -> Response:
        """Instance discovery: tells MSAL that this host is a trusted authority."""
        base = base_url(request, self._settings)
        host = base.split("://", 1)[1]
        authorization_endpoint = request.query_params.get("authorization_endpoint", "")
        path = authorization_endpoint.split("://", 1)[-1].partition("/")[2]
        name = path.partition("/")[0] or self._settings.tenants[0].tenant_id
        return json_answer(
            {
                "tenant_discovery_endpoint": f"{base}/{name}/v2.0/.well-known/openid-configuration",
                "api-version": "1.1",
                "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
            }
        )

    def _tenant(self, name: str) -> TenantSettings:
        for tenant in self._settings.tenants:
            if name.lower() in {tenant.tenant_id.lower(), tenant.domain.lower()}:
                return tenant
        raise RefusedError(400, "invalid_request", 90002, f"No tenant named '{name}' is known here.")

    @staticmethod
    def _check_grant(form: Mapping[str, str]) -> None:
        for name in ("grant_type", "client_id"):
            if not form.get(name):
                raise RefusedError(400, "invalid_request", 900144, f"The form lacks the parameter '{name}'.")
        if form["grant_type"] != "client_credentials":
            raise RefusedError(400, "unsupported_grant_type", 70003, f"Grant '{form['grant_type']}' is not supported.")

    def _check_client(self, tenant: TenantSettings, form: Mapping[str, str], endpoint: str, base: str) -> None:
        if form["client_id"].lower() != tenant.client_id.lower():
            text = f"No application '{form['client_id']}' is registered in the directory '{tenant.display_name}'."
            raise RefusedError(400, "unauthorized_client", 700016, text)
        if "client_assertion" in form:
            if form.get("client_assertion_type") != _ASSERTION_TYPE:
                raise RefusedError(400, "invalid_request", 900144, "client_assertion_type is missing or unknown.")
            allowed = {endpoint, *(f"{base}/{name}/oauth2/v2.0/token" for name in (tenant.tenant_id, tenant.domain))}
            self._check_assertion(tenant, form["client_assertion"], allowed)
        elif "client_secret" in form:
            expected = tenant.client_secret.get_secret_value()
            if not hmac.compare_digest(form["client_secret"].encode(), expected.encode()):
                raise RefusedError(401, "invalid_client", 7000215, "The client secret is wrong.")
        else:
            text = "Neither a client secret nor a client assertion was sent."
            raise RefusedError(401, "invalid_client", 7000218, text)

    def _check_assertion(self, tenant: TenantSettings, assertion: str, audiences: set[str]) -> None:
        """Certificate credentials (entra-docs, certificate-credentials.md)."""
        if tenant.client_certificate_pem is None:
            raise RefusedError(401, "invalid_client", 700027, "No certificate is registered for the application.")
        certificate = x509.load_pem_x509_certificate(tenant.client_certificate_pem.encode())
        try:
            header = jwt.get_unverified_header(assertion)
            _check_thumbprint(header, certificate)
            claims: dict[str, Any] = jwt.decode(
                assertion,
                certificate.public_key(),  # type: ignore[arg-type]  # a key of another kind fails to verify
                algorithms=["RS256", "PS256"],
                options={
                    "verify_aud": False,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "require": ["aud", "exp", "iss", "sub", "jti"],
                },
            )
        except (jwt.PyJWTError, TypeError) as error:
            raise RefusedError(
                401, "invalid_client", 700027, f"The assertion's signature or form is wrong: {error}"
            ) from error
        now = self._clock.now().timestamp()
        if not claims.get("nbf", now) - 300 <= now < claims["exp"]:
            raise RefusedError(401, "invalid_client", 700024, "The assertion is outside its time of validity.")
        if claims["aud"] not in audiences:
            raise RefusedError(401, "invalid_client", 700023, f"The assertion is for '{claims['aud']}'.")
        if not claims["iss"] == claims["sub"] == tenant.client_id:
            raise RefusedError(401, "invalid_client", 700021, "Issuer and subject must be the client id.")

    def _check_credential_state(self, tenant: TenantSettings) -> None:
        """What the control plane did to the app."""
        state = self._switches.of(tenant.tenant_id).credentials
        if state != "good":
            raise RefusedError(*REFUSALS[state])

    def _resource(self, tenant: TenantSettings, scope: str, base: str) -> tuple[str | list[str], tuple[str, ...]]:
        """Audience and roles for a scope: one resource and `/.default`."""
        scopes = scope.split()
        if len(scopes) != 1 or not scopes[0].endswith("/.default"):
            text = f"The scope '{scope}' is not one resource followed by /.default."
            raise RefusedError(400, "invalid_scope", 70011, text)
        resource = scopes[0].removesuffix("/.default").rstrip("/")
        if resource == base:
            # the simulator's own address stands for both APIs
            both = (*tenant.graph_roles, *tenant.activity_roles)
            return [_GRAPH, _ACTIVITY], self._switches.roles(tenant.tenant_id, both, management=None)
        api = RESOURCES.get(resource.lower())
        if api is None:
            raise RefusedError(400, "invalid_resource", 500011, f"No resource '{resource}' in this directory.")
        roles = tenant.graph_roles if api == "graph" else tenant.activity_roles
        return resource.lower(), self._switches.roles(tenant.tenant_id, roles, management=api == "activity")

    def _refusal(self, refusal: RefusedError, form: Mapping[str, str]) -> Response:
        now = self._clock.now()
        trace, correlation = str(uuid4()), form.get("client-request-id") or str(uuid4())
        stamp = f"{now:%Y-%m-%d %H:%M:%SZ}"
        body = {
            "error": refusal.error,
            "error_description": f"AADSTS{refusal.number}: {refusal.text} Trace ID: {trace} "
            f"Correlation ID: {correlation} Timestamp: {stamp}",
            "error_codes": [refusal.number],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={refusal.number}",
        }
        return json_answer(body, status=refusal.status)


def _check_thumbprint(header: Mapping[str, Any], certificate: x509.Certificate) -> None:
    """`x5t` is the SHA-1, `x5t#S256` the SHA-256 of the certificate, base64url; one must be there and match."""
    thumbprint = header.get("x5t#S256") or header.get("x5t")
    prints = [certificate.fingerprint(SHA256()), certificate.fingerprint(SHA1())]  # noqa: S303 - the header is defined so
    known = {urlsafe_b64encode(value).decode().rstrip("=") for value in prints}
    if thumbprint is None or str(thumbprint).rstrip("=") not in known:
        raise jwt.InvalidKeyError("no certificate with that thumbprint is registered")

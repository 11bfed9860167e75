"""Concurrent checks of one tenant: connectivity, credentials, permissions, licence, subscriptions, clock, expiry."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import httpx
import jwt
import orjson
from cryptography import x509

from aoc_collector.findings import Finding, Grade, of_expiry, of_roles, of_skew
from aoc_collector.licence_check import licence_findings
from aoc_collector.microsoft.errors import classify, code_of
from aoc_collector.microsoft.remote import remote
from aoc_collector.sources import SOURCES
from aoc_common import http
from aoc_common.contracts.directory import KINDS
from aoc_common.contracts.sources import CONTENT_TYPES
from aoc_common.contracts.troubles import Trouble
from aoc_common.errors import AocError, BadConfiguration
from aoc_common.settings import resolve_secret
from aoc_common.tenants.needs import GRAPH, MANAGEMENT, Resource
from aoc_common.tenants.remedies import next_action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_collector.microsoft.auth import Tokens
    from aoc_common.tenants.tenant import Tenant

#: A check that takes longer has failed; all together take not much longer than one.
_PATIENCE_S: Final = 10.0
_RENEW: Final = "Create a new one for the app (Certificates & secrets) and put it where the tenant's settings point"
_REMOTE: Final = remote("doctor")


class TenantCheck:
    """Checks a tenant with the requests of its collector."""

    def __init__(self, tenant: Tenant, client: httpx.AsyncClient, tokens: Tokens) -> None:
        self._tenant = tenant
        self._client = client
        self._tokens = tokens
        self._sources = tenant.sources or tuple(SOURCES)

    async def run(self) -> list[Finding]:
        """Everything about the tenant. Never raises for what is wrong with it: that is a finding."""
        parts = await asyncio.gather(self._clock(), self._graph(), self._management(), self._certificate())
        return [finding for part in parts for finding in part]

    def _finding(self, check: str, grade: Grade, found: str, fix: str = "") -> Finding:
        return Finding(self._tenant.name, check, grade, found, fix)

    async def _clock(self) -> list[Finding]:
        """Connectivity of the sign-in service, and its clock."""
        url = f"{self._tenant.hosts.authority}/{self._tenant.tenant_id}/v2.0/.well-known/openid-configuration"
        try:
            async with asyncio.timeout(_PATIENCE_S):
                response = await self._client.get(url)
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            return [self._away("reach, sign-in", error)]
        theirs = _date(response.headers.get("date"))
        reached = self._finding(
            "reach, sign-in", Grade.OK, f"{response.status_code} from {self._tenant.hosts.authority}"
        )
        return [reached, of_skew(self._tenant.name, theirs, datetime.now(UTC))]

    def _away(self, check: str, error: BaseException) -> Finding:
        reason = str(error) or type(error).__name__
        fix = "Check DNS, proxy and firewall: https (443) from here to this host"
        return self._finding(check, Grade.FAIL, f"not reachable: {reason}", fix)

    async def _token(self, resource: Resource, audience: str) -> tuple[str | None, list[Finding]]:
        """A token for a resource, and what its roles permit."""
        check = f"sign-in, {resource}"
        try:
            async with asyncio.timeout(_PATIENCE_S):
                token = await self._tokens.token(self._tenant, audience)
        except TimeoutError as error:
            return None, [self._away(check, error)]
        except AocError as error:
            trouble = classify(error)
            if trouble is Trouble.UNREACHABLE:
                return None, [self._away(check, error)]
            fix = next_action("", trouble, code_of(error)) or ""
            return None, [self._finding(check, Grade.FAIL, str(error), fix)]
        roles = _roles(token)
        names = [*self._sources, *(f"directory/{kind}" for kind in KINDS)]
        issued = [self._finding(check, Grade.OK, "a token was issued")]
        return token, [*issued, *of_roles(self._tenant.name, resource, roles, names)]

    async def _graph(self) -> list[Finding]:
        token, findings = await self._token(GRAPH, self._tenant.resources.graph)
        if token is None:
            return findings
        parts = await asyncio.gather(self._licences(token), self._secret(token))
        return [*findings, *(finding for part in parts for finding in part)]

    async def _ask(self, url: str, token: str, *, attempts: int = 3) -> Any:
        """A GET's JSON. Raises `AocError` or `TimeoutError`."""
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        async with asyncio.timeout(_PATIENCE_S):
            answer = await http.get(self._client, url, _REMOTE, headers=headers, attempts=attempts)
        return orjson.loads(answer.body)

    async def _licences(self, token: str) -> list[Finding]:
        graph = self._tenant.hosts.graph
        return await licence_findings(
            self._tenant.name, self._sources, lambda path: self._ask(f"{graph}{path}", token, attempts=6)
        )

    async def _secret(self, token: str) -> list[Finding]:
        if self._tenant.client_secret is None:
            return []
        app = quote(self._tenant.client_id, safe="")
        url = f"{self._tenant.hosts.graph}/v1.0/applications(appId='{app}')?$select=passwordCredentials"
        try:
            credentials = (await self._ask(url, token)).get("passwordCredentials") or []
            ends = [_aware(datetime.fromisoformat(credential["endDateTime"])) for credential in credentials]
        except (AocError, TimeoutError, ValueError, KeyError, TypeError, AttributeError):
            return [self._finding("secret", Grade.OK, "in use; when it expires is not shown (Application.Read.All)")]
        # Which of several is in use, Entra does not say: the last to end counts.
        return [of_expiry(self._tenant.name, "secret", max(ends, default=None), datetime.now(UTC), _RENEW)]

    async def _management(self) -> list[Finding]:
        types = {content: source for content, source in CONTENT_TYPES.items() if source in self._sources}
        if not types:
            return []
        token, findings = await self._token(MANAGEMENT, self._tenant.resources.management)
        if token is None:
            return findings
        root = f"{self._tenant.hosts.management}/api/v1.0/{self._tenant.tenant_id}/activity/feed"
        url = f"{root}/subscriptions/list?PublisherIdentifier={self._tenant.tenant_id}"
        try:
            subscriptions = await self._ask(url, token)
            status = {
                str(subscription["contentType"]).lower(): str(subscription["status"]).lower()
                for subscription in subscriptions
            }
        except (AocError, TimeoutError, ValueError, KeyError, TypeError) as error:
            if classify(error) is Trouble.NO_PERMISSION:
                return findings
            return [*findings, self._finding("subscriptions", Grade.FAIL, f"could not be listed: {error}")]
        return [*findings, *self._subscriptions(types, status)]

    def _subscriptions(self, types: dict[str, str], status: dict[str, str]) -> Sequence[Finding]:
        quiet = [content for content in types if status.get(content.lower()) != "enabled"]
        if not quiet:
            return [self._finding("subscriptions", Grade.OK, f"all {len(types)} run")]
        fix = "The collector starts them; if they stay disabled: " + (
            next_action("", Trouble.SUBSCRIPTION_DISABLED) or ""
        )
        return [self._finding("subscriptions", Grade.WARN, f"not running: {', '.join(quiet)}", fix)]

    async def _certificate(self) -> list[Finding]:
        reference = self._tenant.client_certificate
        if reference is None:
            return []
        fix = "Name a PEM file (client_certificate)"
        try:
            pem = await asyncio.to_thread(resolve_secret, reference, "client_certificate")
            ends = x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc
        except BadConfiguration as error:
            return [self._finding("certificate", Grade.FAIL, str(error), fix)]
        except ValueError as error:
            return [self._finding("certificate", Grade.FAIL, f"{reference}: {error}", fix)]
        return [of_expiry(self._tenant.name, "certificate", ends, datetime.now(UTC), _RENEW)]


def _roles(token: str) -> frozenset[str]:
    """The roles in a token; it was issued to us a moment ago, so nothing is verified."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return frozenset()
    roles = claims.get("roles")
    return frozenset(map(str, roles)) if isinstance(roles, list) else frozenset()


def _date(text: str | None) -> datetime | None:
    try:
        return _aware(parsedate_to_datetime(text)) if text else None
    except ValueError:
        return None


def _aware(moment: datetime) -> datetime:
    """A moment of an answer that names no zone is in UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

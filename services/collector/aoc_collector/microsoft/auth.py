"""Access tokens: OAuth 2.0 client credentials on httpx (docs/adr/0007-tokens.md says why not azure-identity).

Source: entra-docs, v2-oauth2-client-creds-grant-flow.md.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from aoc_collector.microsoft.remote import remote
from aoc_common import http
from aoc_common.errors import BadConfiguration, Unreachable
from aoc_common.outbound import client_assertions
from aoc_common.settings import resolve_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from aoc_common.clock import Clock
    from aoc_common.tenants.tenant import Tenant

#: A token is replaced this long before it ends.
_MARGIN_S: Final = 300.0
#: Bounds of a token's lifetime, whatever the answer says: less would be a request for a token before each request, and
#: Entra issues none for longer than a day (entra-docs, configurable-token-lifetimes.md).
_SHORTEST_LIFETIME_S: Final = 60.0
_LONGEST_LIFETIME_S: Final = 24 * 3600.0
#: What a header can hold (RFC 6750, 2.1, and some room): anything else would fail at each request.
_TOKEN: Final = re.compile(r"[!-~]+")
_REMOTE: Final = remote("token")


class _Key(NamedTuple):
    """What a token is asked with. A slice that began before its tenant changed goes on with the former settings."""

    tenant: str
    authority: str
    tenant_id: str
    client_id: str
    credential: str | None
    resource: str


@dataclass(slots=True)
class _Entry:
    """One cached token. The lock makes its renewal a single flight."""

    token: str | None = field(default=None, repr=False)
    renew_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Tokens:
    """Tokens of all tenants, one per tenant and resource."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        clock: Clock,
        attempts: int,
        longest_asked_s: float = http.LONGEST_RETRY_AFTER_S,
    ) -> None:
        self._client = client
        self._clock = clock
        self._attempts = attempts
        self._longest_asked_s = longest_asked_s
        self._entries: dict[_Key, _Entry] = {}

    async def token(self, tenant: Tenant, resource: str) -> str:
        """A token that is valid for at least some minutes.

        Raises `Unreachable`, `Throttled`, or `Refused` whose code is Entra's number, e.g. AADSTS7000215.
        """
        entry = self._entries.setdefault(_key(tenant, resource), _Entry())
        async with entry.lock:
            if entry.token is None or self._clock.monotonic() >= entry.renew_at:
                entry.token, lifetime = await self._acquire(tenant, resource)
                # A token of a few minutes is used for half of them.
                entry.renew_at = self._clock.monotonic() + max(lifetime - _MARGIN_S, lifetime / 2)
            return entry.token

    def invalidate(self, tenant: Tenant, resource: str, token: str) -> None:
        """An API answered 401 to this token: the next call gets another one (unless that happened meanwhile)."""
        entry = self._entries.get(_key(tenant, resource))
        if entry is not None and entry.token == token:
            entry.token = None

    def forget(self, tenant: Tenant) -> None:
        """Ask for all of its tokens anew."""
        for key in [key for key in self._entries if key.tenant == tenant.name]:
            del self._entries[key]

    async def _acquire(self, tenant: Tenant, resource: str) -> tuple[str, float]:
        url = f"{tenant.hosts.authority}/{tenant.tenant_id}/oauth2/v2.0/token"
        # Reading a secret is a file access: in a thread, and at every renewal, so that a rotated one is picked up.
        credential = await asyncio.to_thread(partial(_credential, tenant, url, self._clock))
        form = {
            "grant_type": "client_credentials",
            "client_id": tenant.client_id,
            "scope": f"{resource}/.default",
            **credential,
        }
        return await http.retried(partial(self._request_token, url, form), attempts=self._attempts)

    async def _request_token(self, url: str, form: Mapping[str, str]) -> tuple[str, float]:
        answer = await http.send(self._client, "POST", url, _REMOTE, form=form, longest_asked_s=self._longest_asked_s)
        try:
            body: Any = orjson.loads(answer.body)
            token, lifetime = body["access_token"], float(body["expires_in"])
        except (ValueError, TypeError, KeyError, OverflowError):
            # Without `from`: the cause would hold the body.
            raise Unreachable("token: the answer holds no token") from None
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise Unreachable("token: the answer's token is none")
        # `not >`: NaN is no lifetime either. One that is too long is put right by the first 401.
        lifetime = _SHORTEST_LIFETIME_S if not lifetime > _SHORTEST_LIFETIME_S else lifetime
        return token, min(lifetime, _LONGEST_LIFETIME_S)


def _key(tenant: Tenant, resource: str) -> _Key:
    credential = tenant.client_secret or tenant.client_certificate
    return _Key(tenant.name, tenant.hosts.authority, tenant.tenant_id, tenant.client_id, credential, resource)


def _credential(tenant: Tenant, audience: str, clock: Clock) -> dict[str, str]:
    if tenant.client_secret is not None:
        return {"client_secret": resolve_secret(tenant.client_secret, f"tenant {tenant.name}, client_secret")}
    if tenant.client_certificate is None:
        raise BadConfiguration(f"tenant {tenant.name}: neither client_secret nor client_certificate")
    return {
        "client_assertion_type": client_assertions.ASSERTION_TYPE,
        "client_assertion": assertion(tenant.client_certificate, tenant.client_id, audience, clock),
    }


def assertion(certificate_ref: str, client_id: str, audience: str, clock: Clock) -> str:
    """A signed client assertion for a certificate. Raises `BadConfiguration` when there is no usable pair."""
    pem = resolve_secret(certificate_ref, "client_certificate")
    try:
        return client_assertions.assertion(pem, client_id, audience, clock.now())
    except ValueError as error:
        raise BadConfiguration(f"client_certificate: {certificate_ref}: {error}") from None

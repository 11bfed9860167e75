"""One API family of one tenant: rate-limited, authorised, retried, and never requested from another host."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from aoc_collector.microsoft.origins import within
from aoc_common import http
from aoc_common.errors import Refused, Throttled

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from aoc_collector.microsoft.auth import Tokens
    from aoc_collector.microsoft.families import Family
    from aoc_collector.microsoft.pacing import Bucket
    from aoc_common.tenants.tenant import Tenant

#: Seconds without requests after a 429 that names no time.
_QUIET_S: Final = 2.0


class Api:
    """The client of a source. `base`: the address that its requests, and links in answers, must be under."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        tokens: Tokens,
        tenant: Tenant,
        *,
        family: Family,
        bucket: Bucket,
        attempts: int,
        longest_asked_s: float = http.LONGEST_RETRY_AFTER_S,
    ) -> None:
        self.base = family.host(tenant.hosts)
        self._client = client
        self._tokens = tokens
        self._tenant = tenant
        self._family = family
        self._resource = family.host(tenant.resources)
        self._bucket = bucket
        self._attempts = attempts
        self._longest_asked_s = longest_asked_s

    async def get[T](self, url: str, decode: Callable[[http.Answer], T]) -> T:
        """GET and decode; a `Transient` of `decode` is retried. Raises as `http` says."""
        return await self._call("GET", url, decode)

    async def post(self, url: str, document: Any = None, *, once: bool = False) -> None:
        """POST a JSON document, or nothing. `once`: not retried when the answer is lost."""
        await self._call("POST", url, lambda _: None, document, 1 if once else None)

    async def patch(self, url: str, document: Any) -> None:
        """PATCH with a JSON document."""
        await self._call("PATCH", url, lambda _: None, document)

    async def delete(self, url: str) -> None:
        """DELETE."""
        await self._call("DELETE", url, lambda _: None)

    async def _call[T](
        self,
        method: str,
        url: str,
        decode: Callable[[http.Answer], T],
        document: Any = None,
        attempts: int | None = None,
    ) -> T:
        attempt = partial(self._attempt, method, within(self.base, url, self._family.name), decode, document)
        return await http.retried(attempt, attempts=attempts or self._attempts)

    async def _attempt[T](self, method: str, url: httpx.URL, decode: Callable[[http.Answer], T], document: Any) -> T:
        token = await self._tokens.token(self._tenant, self._resource)
        try:
            answer = await self._send(method, url, token, document)
        except Refused as refused:
            if refused.status not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                raise
            # A token keeps the roles it was issued with: one from before a permission was granted never works.
            self._tokens.invalidate(self._tenant, self._resource, token)
            if refused.status == HTTPStatus.FORBIDDEN:
                raise
            # Once: the token may have been revoked. A second 401 is an answer.
            answer = await self._send(method, url, await self._tokens.token(self._tenant, self._resource), document)
        return decode(answer)

    async def _send(self, method: str, url: httpx.URL, token: str, document: Any) -> http.Answer:
        await self._bucket.take()
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        try:
            answer = await http.send(
                self._client,
                method,
                url,
                self._family.remote,
                headers=headers,
                document=document,
                longest_asked_s=self._longest_asked_s,
            )
        except Throttled as throttled:
            self._bucket.answered(throttled=True)
            self._bucket.pause(_QUIET_S if throttled.retry_after is None else throttled.retry_after)
            raise
        self._bucket.answered(throttled=False)
        return answer

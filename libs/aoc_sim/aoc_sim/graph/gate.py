"""What every request of Graph passes: authentication, rate limits, faults, permissions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aoc_sim.graph import errors
from aoc_sim.responses import base_url
from aoc_sim.tokens import Caller, InvalidTokenError, Tokens

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from aoc_sim.settings import SimSettings
    from aoc_sim.throttle import Family, Throttler, Verdict
    from aoc_sim.timeline import World
    from aoc_sim.world import TenantWorld

_SERVER_ERRORS = (500, 502, 503, 504)
_NEARLY_FULL = 0.8


@dataclass(frozen=True, slots=True)
class Needs:
    """What a collection asks of a request."""

    family: Family
    permissions: tuple[str, ...]
    """App roles, one of which suffices."""
    denied_code: str
    """Error code of the 403 when none is granted."""
    limit: str = "ReadAuditLogs"
    """The limit's name in `x-ms-throttle-scope`."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may be answered."""

    tenant: TenantWorld
    verdict: Verdict
    needs: Needs

    def headers(self) -> dict[str, str] | None:
        """What the answer adds near the limit."""
        return _throttle_headers(self.verdict, self.needs) if self.verdict.used >= _NEARLY_FULL else None


class Gate:
    """Lets requests pass, or raises `GraphError`."""

    def __init__(self, settings: SimSettings, world: World, tokens: Tokens, throttler: Throttler) -> None:
        self.settings = settings
        self.world = world
        self._tokens = tokens
        self._throttler = throttler

    async def admit(self, request: Request, needs: Needs, *, cost: int = 1) -> Admitted:
        """The request's tenant. `cost`: how much of the limit it uses."""
        caller = self.caller(request)
        verdict = self._throttler.admit(needs.family, caller, cost)
        if verdict.retry_after_s is not None:
            raise errors.throttled(verdict.retry_after_s, _throttle_headers(verdict, needs))
        await self._misfortune(needs.family)
        if not caller.roles & set(needs.permissions):
            raise errors.not_permitted(needs.denied_code, needs.permissions)
        return Admitted(self.tenant(caller), verdict, needs)

    def caller(self, request: Request) -> Caller:
        """Whom the request's token speaks for."""
        try:
            caller = self._tokens.verify(request.headers.get("authorization"), "graph")
        except InvalidTokenError as error:
            raise errors.not_authenticated(str(error)) from error
        return self.world.switches.held(caller)

    def tenant(self, caller: Caller) -> TenantWorld:
        """The caller's tenant, as it is now."""
        tenant = self.world.by_tenant_id(caller.tenant_id)
        if tenant is None:
            raise errors.not_authenticated("the token's tenant is unknown")
        self.world.catch_up()
        return tenant

    def base(self, request: Request) -> str:
        """What links start with."""
        return base_url(request, self.settings)

    def guarded(self, handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """`handle`, its errors in Graph's form."""

        async def guard(request: Request) -> Response:
            try:
                return await handle(request)
            except errors.GraphError as error:
                return error.answer(self.world.clock.now(), request.headers.get("client-request-id"))

        return guard

    async def _misfortune(self, family: Family) -> None:
        """The injected faults that strike any request."""
        dice = self.world.dice
        if dice.strikes("slow"):
            await asyncio.sleep(dice.settings.slow_s)
        if dice.strikes("http_429"):
            raise errors.throttled(dice.settings.retry_after_s)
        if dice.strikes("http_429_no_retry_after"):
            raise errors.throttled(None, {"x-ms-throttle-scope": f"Tenant_Application/{family}"})
        if (wait := self.world.malformed.retry_after()) is not None:
            raise dice.choose((errors.throttled(wait), errors.broken(503, wait)))
        if dice.strikes("http_5xx"):
            raise errors.broken(dice.choose(_SERVER_ERRORS))


def _throttle_headers(verdict: Verdict, needs: Needs) -> dict[str, str]:
    """What identity APIs add near and beyond the limit (graph-docs, throttling-limits.md)."""
    headers = {
        "x-ms-throttle-limit-percentage": f"{verdict.used:.1f}",
        "x-ms-throttle-scope": f"{verdict.scope}/{needs.limit}",
    }
    if verdict.retry_after_s is not None:
        headers["x-ms-throttle-information"] = "ResourceUnitLimitExceeded"
    return headers

"""Graph's routes: authenticate, pace, fail on purpose, then list."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import orjson
from starlette.routing import Route

from aoc_sim.answers import base_url, json_answer
from aoc_sim.graph import errors
from aoc_sim.graph.collections import COLLECTIONS, Collection
from aoc_sim.graph.query import Page, Query, SkipTokens, invalid_skiptoken, read_query, run_query
from aoc_sim.tokens import Caller, InvalidTokenError, Tokens

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from aoc_sim.graph.collections import Version
    from aoc_sim.settings import SimSettings
    from aoc_sim.throttle import Throttler, Verdict
    from aoc_sim.timeline import World
    from aoc_sim.world import TenantWorld

_SERVER_ERRORS = (500, 502, 503, 504)
_NEARLY_FULL = 0.8
_MOST_OVERLAP = 5


class Graph:
    """graph.microsoft.com, as far as audit collectors see it."""

    def __init__(self, settings: SimSettings, world: World, tokens: Tokens, throttler: Throttler) -> None:
        self._settings = settings
        self._world = world
        self._tokens = tokens
        self._throttler = throttler
        self._skip_tokens = SkipTokens(settings.seed, settings.pages.skiptoken_lifetime_s)

    def routes(self) -> list[Route]:
        """The routes, v1.0 and beta."""
        versions: tuple[Version, ...] = ("v1.0", "beta")
        return [
            *(Route(f"/{v}/{c.path}", self._lister(c, v), methods=["GET"]) for v in versions for c in COLLECTIONS),
            *(Route(f"/{v}/organization", self.organization, methods=["GET"]) for v in versions),
            *(Route(f"/{v}/{{rest:path}}", self.unknown, methods=["GET", "POST"]) for v in versions),
        ]

    async def organization(self, request: Request) -> Response:
        """Who the tenant is: what a connection test asks."""
        try:
            caller = self._caller(request)
            if not caller.roles & {"Directory.Read.All", "Organization.Read.All"}:
                raise errors.not_permitted("Authorization_RequestDenied", ("Organization.Read.All",))
            settings = self._tenant(caller).settings
        except errors.GraphError as error:
            return self._failure(request, error)
        domains = [{"name": settings.domain, "isDefault": True, "isInitial": True, "type": "Managed"}]
        item = {"id": settings.tenant_id, "displayName": settings.display_name, "verifiedDomains": domains}
        context = f"{base_url(request, self._settings)}/v1.0/$metadata#organization"
        return json_answer({"@odata.context": context, "value": [item]})

    async def unknown(self, request: Request) -> Response:
        """Anything else."""
        segment = request.path_params["rest"].split("/")[0]
        return self._failure(request, errors.bad_request(f"Nothing is served under the segment '{segment}'."))

    def _lister(self, collection: Collection, version: Version) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            try:
                return await self._list(request, collection, version)
            except errors.GraphError as error:
                return self._failure(request, error)

        return handle

    async def _list(self, request: Request, collection: Collection, version: Version) -> Response:
        caller = self._caller(request)
        verdict = self._throttler.admit(collection.family, caller)
        if verdict.retry_after_s is not None:
            raise errors.throttled(verdict.retry_after_s, _throttle_headers(verdict))
        await self._misfortune(collection)
        if not caller.roles & set(collection.permissions):
            raise errors.not_permitted(collection.denied_code, collection.permissions)
        tenant = self._tenant(caller)
        dice = self._world.dice
        if collection.premium and (not tenant.settings.premium or dice.strikes("http_403_license")):
            raise errors.not_premium()
        options = dict(request.query_params)
        now_us = self._world.now_us()
        query = read_query(
            options, collection, version, tenant.settings.tenant_id, now_us, self._settings.pages, self._skip_tokens
        )
        if "$skiptoken" in options and dice.strikes("broken_skiptoken"):
            raise invalid_skiptoken()
        if dice.strikes("empty_page"):
            page, following = Page([], more=True), query
        else:
            page = run_query(query, collection, tenant)
            following = self._following(query, page)
        self._world.pages_served += 1
        return self._page(request, query, page, replace(following, issued_us=now_us), verdict)

    def _following(self, query: Query, page: Page) -> Query:
        """The query of the next page; with the resend fault it starts a few records early."""
        if not page.more:
            return query
        overlap = 0
        # an overlap as long as the page would never get on
        most = min(_MOST_OVERLAP, len(page.items) - 1)
        if most > 0 and self._world.dice.strikes("resend"):
            overlap = 1 + int(self._world.dice.pick(0, most - 0.001))
            self._world.resent += overlap
        return replace(query, after=page.items[-1 - overlap][0])

    def _page(self, request: Request, query: Query, page: Page, following: Query, verdict: Verdict) -> Response:
        base = base_url(request, self._settings)
        head = {"@odata.context": f"{base}/{query.version}/$metadata#{query.collection}"}
        if page.more:
            options = {"$filter": query.filter, "$orderby": query.orderby, "$select": query.select}
            kept = {name: value for name, value in options.items() if value}
            kept |= {"$top": str(query.top), "$skiptoken": self._skip_tokens.write(following)}
            link = f"{base}/{query.version}/{query.collection}?{urlencode(kept, safe='$')}"
            head["@odata.nextLink"] = link
        body = orjson.dumps(head)[:-1] + b',"value":[' + b",".join(page.bodies(query.select)) + b"]}"
        headers = _throttle_headers(verdict) if verdict.used >= _NEARLY_FULL else None
        return json_answer(body, headers=headers)

    def _caller(self, request: Request) -> Caller:
        try:
            return self._tokens.verify(request.headers.get("authorization"), "graph")
        except InvalidTokenError as error:
            raise errors.not_authenticated(str(error)) from error

    def _tenant(self, caller: Caller) -> TenantWorld:
        tenant = self._world.by_tenant_id(caller.tenant_id)
        if tenant is None:
            raise errors.not_authenticated("the token's tenant is unknown")
        self._world.catch_up()
        return tenant

    async def _misfortune(self, collection: Collection) -> None:
        """The injected faults that strike any listing."""
        dice = self._world.dice
        if dice.strikes("slow"):
            await asyncio.sleep(dice.settings.slow_s)
        if dice.strikes("http_429"):
            raise errors.throttled(dice.settings.retry_after_s)
        if dice.strikes("http_429_no_retry_after"):
            raise errors.throttled(None, {"x-ms-throttle-scope": f"Tenant_Application/{collection.family}"})
        if dice.strikes("http_5xx"):
            raise errors.broken(dice.choose(_SERVER_ERRORS))

    def _failure(self, request: Request, error: errors.GraphError) -> Response:
        return error.answer(self._world.clock.now(), request.headers.get("client-request-id"))


def _throttle_headers(verdict: Verdict) -> dict[str, str]:
    """What identity APIs add near and beyond the limit (graph-docs, throttling-limits.md)."""
    headers = {
        "x-ms-throttle-limit-percentage": f"{verdict.used:.1f}",
        "x-ms-throttle-scope": f"{verdict.scope}/ReadAuditLogs",
    }
    if verdict.retry_after_s is not None:
        headers["x-ms-throttle-information"] = "ResourceUnitLimitExceeded"
    return headers

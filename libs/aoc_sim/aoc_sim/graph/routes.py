"""The audit and security collections: list, and fail on purpose."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import orjson
from starlette.routing import Route

from aoc_sim.clock import from_us
from aoc_sim.graph import errors
from aoc_sim.graph.collections import COLLECTIONS, Collection
from aoc_sim.graph.query import Page, Query, SkipTokens, invalid_skiptoken, read_query, run_query, span
from aoc_sim.records.base import graph_time
from aoc_sim.records.pim import never_active
from aoc_sim.responses import json_answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from aoc_sim.graph.collections import Version
    from aoc_sim.graph.gate import Admitted, Gate
    from aoc_sim.world import TenantWorld

_MOST_OVERLAP = 5
VERSIONS: tuple[Version, ...] = ("v1.0", "beta")


class Graph:
    """graph.microsoft.com, as far as audit collectors see it."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        settings = gate.settings
        self._pages = settings.pages
        self._world = gate.world
        self._skip_tokens = SkipTokens(settings.seed, settings.pages.skiptoken_lifetime_s)

    def routes(self) -> list[Route]:
        """The routes, v1.0 and beta."""
        guarded = self._gate.guarded
        return [
            *(
                Route(f"/{v}/{c.path}", guarded(self._lister(c, v)), methods=["GET"])
                for c in COLLECTIONS
                for v in c.versions
            ),
            *(Route(f"/{v}/organization", guarded(self.organization), methods=["GET"]) for v in VERSIONS),
            *(Route(f"/{v}/{{rest:path}}", guarded(self.unknown), methods=["GET", "POST"]) for v in VERSIONS),
        ]

    async def organization(self, request: Request) -> Response:
        """Who the tenant is: what a connection test asks."""
        caller = self._gate.caller(request)
        if not caller.roles & {"Directory.Read.All", "Organization.Read.All"}:
            raise errors.not_permitted("Authorization_RequestDenied", ("Organization.Read.All",))
        settings = self._gate.tenant(caller).settings
        domains = [{"name": settings.domain, "isDefault": True, "isInitial": True, "type": "Managed"}]
        item = {"id": settings.tenant_id, "displayName": settings.display_name, "verifiedDomains": domains}
        context = f"{self._gate.base(request)}/v1.0/$metadata#organization"
        return json_answer({"@odata.context": context, "value": [item]})

    async def unknown(self, request: Request) -> Response:
        """Anything else."""
        segment = request.path_params["rest"].split("/")[0]
        raise errors.bad_request(f"Nothing is served under the segment '{segment}'.")

    def _lister(self, collection: Collection, version: Version) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            return await self._list(request, collection, version)

        return handle

    async def _list(self, request: Request, collection: Collection, version: Version) -> Response:
        admitted = await self._gate.admit(request, collection.needs)
        tenant = admitted.tenant
        dice = self._world.dice
        licensed = tenant.settings.premium and self._world.switches.of(tenant.settings.tenant_id).premium
        refusal = collection.unlicensed
        # Only sign-ins are known to be refused by mistake.
        if refusal is not None and (not licensed or (collection.kinds and dice.strikes("http_403_license"))):
            raise refusal()
        options = dict(request.query_params)
        now_us = self._world.now_us()
        query = read_query(
            options, collection, version, tenant.settings.tenant_id, now_us, self._pages, self._skip_tokens
        )
        if "$skiptoken" in options and dice.strikes("broken_skiptoken"):
            raise invalid_skiptoken()
        if dice.strikes("empty_page"):
            page, following = Page([], more=True), query
        else:
            page = run_query(query, collection, tenant)
            following = self._following(query, page)
        if not page.more:
            self._note_delivery(query, collection, tenant, now_us)
        self._world.pages_served += 1
        bodies = page.bodies(query.select, self._world.show, collection.hidden(query.expand))
        if collection.source == "graph-pim-alerts" and not page.more:
            bodies += _quiet_alerts(tenant, query.as_of_us)
        return self._page(request, query, page, bodies, replace(following, issued_us=now_us), admitted)

    def _note_delivery(self, query: Query, collection: Collection, tenant: TenantWorld, now_us: int) -> None:
        sources, (start_us, end_us) = span(query, collection)
        for source in sources:
            self._world.deliveries.note(
                tenant.settings.slug, source, now_us, max(start_us, 0), min(end_us, query.as_of_us)
            )

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

    def _page(
        self, request: Request, query: Query, page: Page, bodies: list[bytes], following: Query, admitted: Admitted
    ) -> Response:
        base = self._gate.base(request)
        head = {"@odata.context": f"{base}/{query.version}/$metadata#{query.collection}"}
        if page.more:
            options = {
                "$filter": query.filter,
                "$orderby": query.orderby,
                "$select": query.select,
                "$expand": query.expand,
            }
            parameters = {name: value for name, value in options.items() if value}
            parameters |= {"$top": str(query.top), "$skiptoken": self._skip_tokens.write(following)}
            link = f"{base}/{query.version}/{query.collection}?{urlencode(parameters, safe='$')}"
            head["@odata.nextLink"] = str(request.url) if self._world.dice.strikes("next_link_loop") else link
        body = orjson.dumps(head)[:-1] + b',"value":[' + b",".join(bodies) + b"]}"
        return json_answer(body, headers=admitted.headers())


def _quiet_alerts(tenant: TenantWorld, now_us: int) -> list[bytes]:
    """The PIM alerts that are listed although nothing ever happened: they are no records."""
    known = {entry.key.partition("|")[0] for entry in tenant.lanes["graph-pim-alerts"].entries}
    quiet = never_active(tenant.settings.tenant_id, known, graph_time(from_us(now_us)))
    return [orjson.dumps(alert) for alert in quiet]

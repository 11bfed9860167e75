"""How the collection and the gateway do, what was done there, and requests to collect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

import orjson

from aoc_common.client.operations import operation
from aoc_common.gateway.audit_trail import AuditTrailPage
from aoc_common.gateway.backfill import BackfillAccepted
from aoc_common.gateway.completeness import Completeness
from aoc_common.gateway.events import ProblemKind
from aoc_common.gateway.health import Health, HealthStatus, SourceHealthList
from aoc_common.gateway.overview import Features, Version
from aoc_common.gateway.report_keys import ReportKeys

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from aoc_common.client.connection import Connection
    from aoc_common.gateway.audit_trail import AuditTrailEntry
    from aoc_common.gateway.backfill import BackfillRequest


class AuditTrail:
    """AOC's own audit trail, the newest entry first. Every method raises `GatewayError`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @operation("GET", "/api/audit-trail")
    async def page(
        self,
        *,
        tenant: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        action: str | None = None,
        actor: str | None = None,
        outcome: Literal["success", "failure"] | None = None,
        before: str | None = None,
        page_size: int = 50,
    ) -> AuditTrailPage:
        """What was done about a tenant. `before`: `next_before` of the page before."""
        params = {
            "tenant": tenant, "start": start, "end": end, "action": action, "actor": actor, "outcome": outcome,
            "before": before, "page_size": page_size,
        }  # fmt: skip
        return await self._connection.ask(AuditTrailPage, "GET", "/api/audit-trail", params=params)

    async def all(
        self,
        *,
        tenant: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        action: str | None = None,
        actor: str | None = None,
        outcome: Literal["success", "failure"] | None = None,
    ) -> AsyncIterator[AuditTrailEntry]:
        """Every entry about a tenant."""
        before = None
        while True:
            page = await self.page(
                tenant=tenant, start=start, end=end, action=action, actor=actor, outcome=outcome, before=before,
                page_size=500,
            )  # fmt: skip
            for entry in page.items:
                yield entry
            if (before := page.next_before) is None:
                return

    @operation("GET", "/api/audit-trail/installation")
    async def of_installation(
        self,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        action: str | None = None,
        actor: str | None = None,
        outcome: Literal["success", "failure"] | None = None,
        before: str | None = None,
        page_size: int = 50,
    ) -> AuditTrailPage:
        """What was done that concerns no tenant."""
        params = {
            "start": start, "end": end, "action": action, "actor": actor, "outcome": outcome, "before": before,
            "page_size": page_size,
        }  # fmt: skip
        return await self._connection.ask(AuditTrailPage, "GET", "/api/audit-trail/installation", params=params)


class System:
    """The collection and the gateway. Every method raises `GatewayError`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @operation("GET", "/api/completeness")
    async def completeness(self, *, tenant: str | None = None) -> Completeness:
        """What of a tenant's sources is settled, on its way, and missing; and when it was paused."""
        return await self._connection.ask(Completeness, "GET", "/api/completeness", params={"tenant": tenant})

    @operation("GET", "/api/source-health")
    async def source_health(self, *, tenant: str | None = None) -> SourceHealthList:
        """How every source of a tenant does, and what to do."""
        return await self._connection.ask(SourceHealthList, "GET", "/api/source-health", params={"tenant": tenant})

    @operation("POST", "/api/fetch-audit-logs")
    async def fetch(self, request: BackfillRequest) -> BackfillAccepted:
        """Have a span of time collected (again). What is stored already is not stored twice."""
        return await self._connection.ask(BackfillAccepted, "POST", "/api/fetch-audit-logs", body=request)

    @operation("GET", "/api/report-keys")
    async def report_keys(self) -> ReportKeys:
        """The keys that signed reports of this installation."""
        return await self._connection.ask(ReportKeys, "GET", "/api/report-keys")

    @operation("GET", "/health")
    async def health(self) -> Health | HealthStatus:
        """How the gateway and what it needs do; also with MongoDB away. `HealthStatus` for who may not see more."""
        response, body = await self._connection.send("GET", "/health", answers={503})
        known = orjson.loads(body) if response.headers.get("content-type", "").startswith("application/json") else {}
        if "mongo" in known:
            return self._connection.read(Health, response, body)
        return self._connection.read(HealthStatus, response, body)

    @operation("GET", "/metrics")
    async def metrics(self) -> str:
        """Metrics in the text format of Prometheus."""
        _, body = await self._connection.send("GET", "/metrics")
        return body.decode()

    @operation("GET", "/api/version")
    async def version(self) -> Version:
        """What answers there."""
        return await self._connection.ask(Version, "GET", "/api/version")

    @operation("GET", "/api/config/features")
    async def features(self) -> Features:
        """What this gateway can do."""
        return await self._connection.ask(Features, "GET", "/api/config/features")

    @operation("GET", "/problems/{slug}")
    async def explain(self, kind: str) -> ProblemKind:
        """What a kind of problem means (`Problem.type`), and what to do."""
        return await self._connection.ask(ProblemKind, "GET", f"/problems/{quote(kind, safe='')}")

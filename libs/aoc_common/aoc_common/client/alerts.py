"""Alerts, and what people do about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, Unpack

from aoc_common.client.operations import operation
from aoc_common.gateway.alerts import AlertDetail, AlertPage, AlertSummary, BulkAlerts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.client.connection import Connection
    from aoc_common.contracts.alert import Severity, Status
    from aoc_common.gateway.alerts import AlertChangeRequest, AlertItem, AlertStatusRequest, BulkAlertsRequest

_PATH = "/api/alerts"
_ONE = f"{_PATH}/{{alert_id}}"


class AlertFilters(TypedDict, total=False):
    """Which alerts.

    `status`, `severity`: any of these; `assignee`: an id, or `me`; `ticket`: its id; `start`, `end`: of their events.
    """

    tenant: str
    status: Sequence[Status]
    severity: Sequence[Severity]
    rule: str
    assignee: str
    event: UUID | str
    ticket: str
    start: datetime
    end: datetime


class Alerts:
    """Alerts of a tenant. Every method raises `GatewayError`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @operation("GET", _PATH)
    async def page(
        self, *, cursor: str | None = None, page_size: int = 50, **filters: Unpack[AlertFilters]
    ) -> AlertPage:
        """Alerts, newest first; `all` gets every page."""
        params = {**filters, "cursor": cursor, "page_size": page_size}
        return await self._connection.ask(AlertPage, "GET", _PATH, params=params)

    async def all(self, **filters: Unpack[AlertFilters]) -> AsyncIterator[AlertItem]:
        """Every alert that matches, page by page."""
        cursor = None
        while True:
            page = await self.page(cursor=cursor, page_size=200, **filters)
            for item in page.items:
                yield item
            if (cursor := page.next_cursor) is None:
                return

    @operation("GET", f"{_PATH}/summary")
    async def summary(self, **filters: Unpack[AlertFilters]) -> AlertSummary:
        """How many there are, and how long they took."""
        return await self._connection.ask(AlertSummary, "GET", f"{_PATH}/summary", params=filters)

    @operation("POST", f"{_PATH}/bulk")
    async def change_many(self, request: BulkAlertsRequest, **filters: Unpack[AlertFilters]) -> BulkAlerts:
        """Change all that match: first they are counted, and then, with the `token` of that answer, changed."""
        return await self._connection.ask(BulkAlerts, "POST", f"{_PATH}/bulk", params=filters, body=request)

    @operation("GET", _ONE)
    async def get(self, alert_id: UUID | str, *, tenant: str | None = None) -> AlertDetail:
        """One alert, whole. Raises `Absent`."""
        return await self._connection.ask(AlertDetail, "GET", f"{_PATH}/{alert_id}", params={"tenant": tenant})

    @operation("PATCH", _ONE)
    async def change(
        self, alert_id: UUID | str, request: AlertChangeRequest, *, tenant: str | None = None
    ) -> AlertDetail:
        """Change it. Raises `Conflict` where it has another revision than the request says."""
        path, params = f"{_PATH}/{alert_id}", {"tenant": tenant}
        return await self._connection.ask(AlertDetail, "PATCH", path, params=params, body=request)

    @operation("POST", f"{_ONE}/status")
    async def set_status(
        self, alert_id: UUID | str, request: AlertStatusRequest, *, tenant: str | None = None
    ) -> AlertDetail:
        """Say how far one is with it."""
        path, params = f"{_PATH}/{alert_id}/status", {"tenant": tenant}
        return await self._connection.ask(AlertDetail, "POST", path, params=params, body=request)

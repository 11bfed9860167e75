"""Notifications of alerts: the routes by which people are told."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from aoc_common.client.operations import operation
from aoc_common.gateway.notifications import NotificationPreview, NotificationRoutes, NotificationTest

if TYPE_CHECKING:
    from aoc_common.client.connection import Connection


class Notifications:
    """Routes of notifications. Every method raises `GatewayError`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @operation("GET", "/api/notifications")
    async def list(self) -> NotificationRoutes:
        """All routes, and how they fare."""
        return await self._connection.ask(NotificationRoutes, "GET", "/api/notifications")

    @operation("POST", "/api/notifications/{route}/test")
    async def test(self, route: str) -> NotificationTest:
        """Send a message that says nothing of anybody, and say what the destination answered."""
        return await self._connection.ask(NotificationTest, "POST", f"{_path(route)}/test")

    @operation("POST", "/api/notifications/{route}/preview")
    async def preview(self, route: str, alert: str) -> NotificationPreview:
        """What would be said of an alert."""
        return await self._connection.ask(
            NotificationPreview, "POST", f"{_path(route)}/preview", params={"alert": alert}
        )


def _path(route: str) -> str:
    return f"/api/notifications/{quote(route, safe='')}"

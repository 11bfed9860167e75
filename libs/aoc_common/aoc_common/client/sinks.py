"""Sinks: the destinations that events, and the audit trail, are sent to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aoc_common.client.operations import operation
from aoc_common.gateway.sinks import SinkList, SinkPreview, SinkReplay, SinkTest, SinkView

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aoc_common.client.connection import Connection


class Sinks:
    """Sinks. Every method raises `GatewayError`.

    `revision`: the one that was read; `Conflict` is raised when somebody has changed the sink since. `check`: False
    saves settings that no exporter has tried.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @operation("GET", "/api/sinks")
    async def list(self) -> SinkList:
        """All of them, and how they fare."""
        return await self._connection.ask(SinkList, "GET", "/api/sinks")

    @operation("GET", "/api/sinks/{sink}")
    async def get(self, sink: str) -> SinkView:
        """One of them, with its account by tenant."""
        return await self._connection.ask(SinkView, "GET", _path(sink))

    @operation("POST", "/api/sinks")
    async def add(self, settings: Mapping[str, Any], *, check: bool = True) -> SinkView:
        """Add one. `settings`: as an entry of a sinks file (docs/howto/add-a-sink.md)."""
        return await self._connection.ask(SinkView, "POST", "/api/sinks", params={"check": check}, body=settings)

    @operation("PUT", "/api/sinks/{sink}")
    async def replace(self, sink: str, settings: Mapping[str, Any], *, revision: int, check: bool = True) -> SinkView:
        """Give it these settings, and no others."""
        headers, params = {"If-Match": f'"{revision}"'}, {"check": check}
        return await self._connection.ask(SinkView, "PUT", _path(sink), params=params, body=settings, headers=headers)

    @operation("DELETE", "/api/sinks/{sink}")
    async def remove(self, sink: str) -> None:
        """Remove it, its account, and what waits for it."""
        await self._connection.send("DELETE", _path(sink))

    @operation("POST", "/api/sinks/{sink}/test")
    async def test(self, sink: str, *, tenant: str | None = None) -> SinkTest:
        """Send a marked event, and say what the destination answered."""
        return await self._connection.ask(SinkTest, "POST", f"{_path(sink)}/test", params={"tenant": tenant})

    @operation("POST", "/api/sinks/{sink}/preview")
    async def preview(self, sink: str, *, event: str | None = None) -> SinkPreview:
        """The bytes that would go of an event."""
        return await self._connection.ask(SinkPreview, "POST", f"{_path(sink)}/preview", params={"event": event})

    @operation("POST", "/api/sinks/{sink}/replay")
    async def replay(self, sink: str, start: datetime, end: datetime, *, tenant: str | None = None) -> SinkReplay:
        """Send again what was published from `start` on and before `end`."""
        params = {"start": start, "end": end, "tenant": tenant}
        return await self._connection.ask(SinkReplay, "POST", f"{_path(sink)}/replay", params=params)


def _path(sink: str) -> str:
    return f"/api/sinks/{quote(sink, safe='')}"

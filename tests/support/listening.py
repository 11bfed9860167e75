"""HTTP servers of this process on real ports, which stop at once."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

from aoc_cli.local.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def listening(app: Any, port: int = 0) -> AsyncIterator[str]:
    """Serve an ASGI app whose life has begun, if it has one; its address."""
    with socket.create_server((LOOPBACK, port)) as listener:
        server = _Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            # The listener takes connections from now on: who comes before the server waits for it.
            yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            server.stop()
            await serving


class _Server(uvicorn.Server):
    """Uvicorn's looks every tenth of a second whether it shall stop, and waits another for who is connected."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    def stop(self) -> None:
        """Begin to stop."""
        self._told.set()

    async def main_loop(self) -> None:
        """Make the headers that every answer has, and wait for the end."""
        await self.on_tick(0)
        await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let those who are being served finish."""
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.connections or self.server_state.tasks:
            await asyncio.sleep(0.005)
        for server in self.servers:
            await server.wait_closed()

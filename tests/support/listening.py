"""HTTP servers of this process on real ports."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from aoc_cli.local.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_LOOK_S: Final = 0.005


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
            server.leave()
            await serving


class _Server(uvicorn.Server):
    """uvicorn that ends when it is told to: its own loop looks ten times a second, and waits that long for nothing."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._leaving = asyncio.Event()

    def leave(self) -> None:
        """End, when all that is in work is answered."""
        self.should_exit = True
        self._leaving.set()

    async def main_loop(self) -> None:
        """Until it is to leave; with the headers that every answer has."""
        await self.on_tick(0)
        await self._leaving.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, and end those that there are, each after what it is answering."""
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while (state := self.server_state).connections or state.tasks:
            await asyncio.sleep(_LOOK_S)

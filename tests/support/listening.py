"""HTTP servers of this process on real ports."""

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
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            # The listener takes connections from now on: who comes before the server waits for it.
            yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving

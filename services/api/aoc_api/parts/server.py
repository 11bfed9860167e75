"""Where the gateway listens, and the limits of its connections."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from aoc_api.connection_timeouts import ConnectionTimeouts, protocol
from aoc_common.service.listening import Address
from aoc_common.service.run import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI

    from aoc_api.settings import ApiSettings

#: Seconds in which requests that are open at a stop may be finished.
_GRACE_S: Final = 10


def serving(app: FastAPI, settings: ApiSettings) -> Service:
    """The gateway as a process runs it."""
    limits = settings.api.limits
    options = {
        "http": protocol(ConnectionTimeouts(limits.head_s, limits.answer_s)),
        "limit_concurrency": limits.connections,
        "server_header": False,
        "timeout_graceful_shutdown": _GRACE_S,
    }
    address = Address(settings.api.host, settings.api.port, "AOC_API")

    @asynccontextmanager
    async def answering() -> AsyncIterator[FastAPI]:
        # Entered here: uvicorn would log bad configuration as a traceback.
        async with app.router.lifespan_context(app):
            yield app

    return Service(answering, address, settings.telemetry, options)

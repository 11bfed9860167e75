"""Where the gateway listens, and the limits of its connections."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from aoc_api.connection_timeouts import ConnectionLimits, protocol
from aoc_api.server_certificate import LOOK_S, ServerCertificate
from aoc_common.clock import SystemClock
from aoc_common.service import tasks
from aoc_common.service.listening import Address
from aoc_common.service.run import Service
from aoc_common.service.tasks import Task

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI

    from aoc_api.settings import ApiSettings

#: Seconds in which requests that are open at a stop may be finished.
_GRACE_S: Final = 10


def serving(app: FastAPI, settings: ApiSettings) -> Service:
    """The gateway as a process runs it. Raises `BadConfiguration` for a certificate that cannot be used."""
    tls = settings.api.tls
    certificate = ServerCertificate(tls.certificate, tls.key) if tls.certificate and tls.key else None
    limits = settings.api.limits
    options: dict[str, Any] = {
        "http": protocol(ConnectionLimits(limits.head_s, limits.answer_s, limits.connections)),
        "server_header": False,
        "timeout_graceful_shutdown": _GRACE_S,
        # Who may say what of a request is decided in `forwarded`.
        "proxy_headers": False,
    }
    if certificate is not None:
        options["ssl_context_factory"] = lambda *_: certificate.context
    work = [] if certificate is None else [Task("certificate", LOOK_S, certificate.refresh)]
    address = Address(settings.api.host, settings.api.port, "AOC_API")

    @asynccontextmanager
    async def answering() -> AsyncIterator[FastAPI]:
        # Entered here: uvicorn would log bad configuration as a traceback.
        async with app.router.lifespan_context(app), tasks.running(work, SystemClock()):
            yield app

    def leave() -> None:
        app.state.services.tail.stop()

    return Service(answering, address, settings.telemetry, options, leave)

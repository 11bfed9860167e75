"""Run the gateway: `python -m aoc_api`."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

import uvicorn
import uvloop

from aoc_api.app import create_app
from aoc_api.settings import ApiSettings
from aoc_api.wire import WireLimits, protocol
from aoc_common.errors import BadConfiguration
from aoc_common.settings import load
from aoc_common.telemetry import logs, tracing

if TYPE_CHECKING:
    from fastapi import FastAPI


def main() -> int:
    """Serve until SIGTERM; open requests are finished. Status 2 for bad configuration, 1 for a taken port."""
    try:
        settings = load(ApiSettings)
        app = create_app(settings)
        logs.configure("api", settings.telemetry)
        provider = tracing.configure("api", settings.telemetry)
        config = uvicorn.Config(
            app,
            host=settings.api.host,
            port=settings.api.port,
            log_config=None,
            lifespan="off",  # entered by `_serve`: uvicorn would log bad configuration as a traceback
            access_log=False,
            http=protocol(WireLimits(settings.api.limits.head_s, settings.api.limits.answer_s)),
            limit_concurrency=settings.api.limits.connections,
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=10,
        )
        listened = uvloop.run(_serve(app, config))
        provider.shutdown()
    except BadConfiguration as error:
        sys.stderr.write(f"aoc-api: {error}\n")
        return 2
    if not listened:
        sys.stderr.write(f"aoc-api: AOC_API__PORT: cannot listen on {settings.api.host}:{settings.api.port}\n")
        return 1
    return 0


async def _serve(app: FastAPI, config: uvicorn.Config) -> bool:
    """Serve until SIGTERM or SIGINT. False when it could not listen."""
    server = _Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.handle_exit, number, None)
    async with app.router.lifespan_context(app):
        with suppress(SystemExit):  # uvicorn's way to say that it could not listen
            await server.serve()
    return server.started


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling, which ends the process by the signal instead of with status 0."""

    def capture_signals(self) -> Any:
        return nullcontext()


if __name__ == "__main__":
    sys.exit(main())

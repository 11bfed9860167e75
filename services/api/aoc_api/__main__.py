"""Run the gateway: `python -m aoc_api`."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import uvicorn
import uvloop

from aoc_api.app import create_app
from aoc_api.settings import ApiSettings
from aoc_api.wire import WireLimits, protocol
from aoc_common import listening
from aoc_common.errors import BadConfiguration
from aoc_common.settings import load
from aoc_common.telemetry import logs, tracing

if TYPE_CHECKING:
    from fastapi import FastAPI

    from aoc_api.settings import ApiOptions


def main() -> int:
    """Serve until SIGTERM; open requests are finished. Status 2 for bad configuration, also a taken port."""
    try:
        settings = load(ApiSettings)
        app = create_app(settings)
        logs.configure("api", settings.telemetry)
        provider = tracing.configure("api", settings.telemetry)
        config = uvicorn.Config(
            app,
            log_config=None,
            lifespan="off",  # entered by `_serve`: uvicorn would log bad configuration as a traceback
            access_log=False,
            http=protocol(WireLimits(settings.api.limits.head_s, settings.api.limits.answer_s)),
            limit_concurrency=settings.api.limits.connections,
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=10,
        )
        uvloop.run(_serve(app, config, settings.api))
        provider.shutdown()
    except BadConfiguration as error:
        sys.stderr.write(f"aoc-api: {error}\n")
        return 2
    return 0


async def _serve(app: FastAPI, config: uvicorn.Config, options: ApiOptions) -> None:
    """Serve until SIGTERM or SIGINT. Raises `BadConfiguration` when it cannot listen, before anything is started."""
    server = _Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.handle_exit, number, None)
    with listening.taken(options.host, options.port, "AOC_API") as sockets:
        async with app.router.lifespan_context(app):
            try:
                await server.serve(sockets)
            except OSError as error:
                if server.started:
                    raise
                raise listening.refused(options.host, options.port, "AOC_API", error) from None


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling, which ends the process by the signal instead of with status 0."""

    def capture_signals(self) -> Any:
        return nullcontext()


if __name__ == "__main__":
    sys.exit(main())

"""Run the gateway: `python -m aoc_api`."""

from __future__ import annotations

import sys

import uvicorn

from aoc_api.app import create_app
from aoc_api.settings import ApiSettings
from aoc_common.errors import BadConfiguration
from aoc_common.settings import load
from aoc_common.telemetry import logs, tracing


def main() -> int:
    """Serve until SIGTERM; open requests are finished. Status 2 for bad configuration, 1 for a taken port."""
    try:
        settings = load(ApiSettings)
        app = create_app(settings)
    except BadConfiguration as error:
        sys.stderr.write(f"aoc-api: {error}\n")
        return 2
    logs.configure("api", settings.telemetry)
    provider = tracing.configure("api", settings.telemetry)
    config = uvicorn.Config(
        app,
        host=settings.api.host,
        port=settings.api.port,
        log_config=None,
        access_log=False,
        loop="uvloop",
        http="httptools",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    server = uvicorn.Server(config)
    try:
        server.run()
    except SystemExit:
        # uvicorn's way to say that it could not listen
        sys.stderr.write(f"aoc-api: AOC_API__PORT: cannot listen on {settings.api.host}:{settings.api.port}\n")
        return 1
    finally:
        provider.shutdown()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())

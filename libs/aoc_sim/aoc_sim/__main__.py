"""`python -m aoc_sim`: serve the simulator until a signal stops it.

Options override the environment (`AOC_SIM__...`). One JSON line on standard output says when it serves, and where.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn

from aoc_sim.app import create_app
from aoc_sim.settings import SimSettings

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse(argv: Sequence[str] | None = None) -> SimSettings:
    """The settings from the command line and the environment."""
    parser = argparse.ArgumentParser(prog="aoc_sim", description="A faithful simulator of Microsoft 365.")
    parser.add_argument("--version", action="version", version=f"aoc-sim {importlib.metadata.version('aoc-sim')}")
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on; 0 takes a free one")
    parser.add_argument("--seed", type=int, help="seed of everything that is random")
    parser.add_argument("--events", type=int, help="records in the history")
    parser.add_argument("--history-hours", type=float, help="how far back the history reaches")
    parser.add_argument("--live-rate", type=float, help="records per second after the start")
    parser.add_argument("--faults-profile", choices=("none", "verify", "chaos"), help="a named set of faults")
    parser.add_argument("--public-url", help="base of the links in answers")
    options: dict[str, Any] = {
        name: value for name, value in vars(parser.parse_args(argv)).items() if value is not None
    }
    return SimSettings(**options)


async def serve(settings: SimSettings) -> None:
    """Serve until SIGINT or SIGTERM."""
    log = structlog.get_logger()
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        port = listener.getsockname()[1]
        app = create_app(settings)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        # a bound socket queues connections: whoever reads the line can connect at once
        listener.listen(128)
        log.info("simulator.started", url=f"http://{host}:{port}", port=port, records=settings.events)
        await server.serve(sockets=[listener])


def main() -> None:
    """The command."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ]
    )
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(parse()))


if __name__ == "__main__":
    main()

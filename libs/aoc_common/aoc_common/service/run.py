"""The life of a service process: settings, logs, tracing, addresses, start, signals, drain, exit status."""

from __future__ import annotations

import asyncio
import importlib.metadata
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn

import uvicorn
import uvloop

from aoc_common.errors import AocError, BadConfiguration
from aoc_common.service import listening
from aoc_common.telemetry import logs, tracing

if TYPE_CHECKING:
    import socket

    from aoc_common.service.listening import Address
    from aoc_common.settings import TelemetrySettings

_log = logs.get(__name__)

#: Seconds in which a start that is broken off has to put back what it has begun.
_BREAK_OFF_S: Final = 3.0

type InstanceState = Callable[[], AbstractAsyncContextManager[Any]]
"""Entering starts a service and gives the ASGI app that answers for it; leaving drains and stops it."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service as a process runs it.

    `server`: options of uvicorn beside those that all services have. `leaving`: is called when the service begins to
    stop, so that answers without an end are ended.
    """

    life: InstanceState
    address: Address
    telemetry: TelemetrySettings
    server: Mapping[str, Any] = field(default_factory=dict)
    leaving: Callable[[], None] = lambda: None


def main(name: str, make: Callable[[], Service]) -> NoReturn:
    """A service process, from its start to its exit: `run`."""
    sys.exit(run(name, make))


def run(name: str, make: Callable[[], Service]) -> int:
    """The whole life of a service process, until SIGTERM or SIGINT; its exit status. With `--version`, only that.

    What `make` or the start raises is one line on stderr: status 2 for bad configuration, also a taken port, 1 for a
    server that is away.
    """
    if "--version" in sys.argv[1:]:
        sys.stdout.write(f"aoc-{name} {importlib.metadata.version('aoc-common')}\n")
        return 0
    try:
        service = make()
        logs.configure(name, service.telemetry)
        provider = tracing.configure(name, service.telemetry)
        uvloop.run(_until_signalled(service))
        provider.shutdown()
    except AocError as error:
        sys.stderr.write(f"aoc-{name}: {error}\n")
        return 2 if isinstance(error, BadConfiguration) else 1
    return 0


async def _until_signalled(service: Service) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(service, stop)


async def serve(service: Service, stop: asyncio.Event) -> None:
    """Run a service until `stop` is set; a start that is not over by then is broken off.

    Raises `BadConfiguration` when it cannot listen, before anything is started.
    """
    with listening.taken(service.address) as sockets:
        started = asyncio.Event()
        # One task for all of it: what a service enters it also leaves.
        life = asyncio.create_task(_life(service, sockets, stop, started))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({life, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not started.is_set() and not life.done():
                _log.info("service.start_broken_off")
                life.cancel()
                # What was begun is put back; a server that does not answer is not waited for.
                done, _ = await asyncio.wait({life}, timeout=_BREAK_OFF_S)
                if not done or life.cancelled():
                    return
            await life
        finally:
            stopping.cancel()
    _log.info("service.stopped")


async def _life(service: Service, sockets: list[socket.socket], stop: asyncio.Event, started: asyncio.Event) -> None:
    async with service.life() as app:
        started.set()
        options = {"log_config": None, "lifespan": "off", "access_log": False, "ws": "none", **service.server}
        server = _Server(uvicorn.Config(app, **options))
        serving = asyncio.create_task(server.serve(sockets))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if serving.done() and not stop.is_set():
            try:
                await serving
            except OSError as error:  # somebody else listens there since we took it
                raise listening.refused(service.address, error) from None
        _log.info("service.draining")
        service.leaving()
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling, which ends the process by the signal instead of with status 0."""

    def capture_signals(self) -> Any:
        return nullcontext()

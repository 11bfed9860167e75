"""/livez, /readyz and /metrics of a worker, and the life of a worker process: start, serve, drain, stop."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Final

import orjson
import uvicorn
import uvloop
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from aoc_common import listening
from aoc_common.errors import AocError, BadConfiguration
from aoc_common.telemetry import logs, tracing

if TYPE_CHECKING:
    import socket

    from aoc_common.settings import HealthSettings, ServiceSettings

_log = logs.get(__name__)

type Probe = Callable[[], Awaitable[str | None]]
"""Returns None when all is well, else what is wrong in a few words."""

_PROBE_TIMEOUT_S: Final = 3.0
#: Seconds in which a start that is broken off has to put back what it has begun.
_BREAK_OFF_S: Final = 3.0


async def run_probes(probes: Mapping[str, Probe]) -> dict[str, str]:
    """Every probe's answer: `ok`, or what is wrong. Never raises; a probe that hangs is `timed out`."""

    async def one(probe: Probe) -> str:
        try:
            return await asyncio.wait_for(probe(), _PROBE_TIMEOUT_S) or "ok"
        except TimeoutError:
            return "timed out"
        except Exception as error:  # noqa: BLE001  # whatever is wrong is the answer
            return str(error) or type(error).__name__

    answers = await asyncio.gather(*(one(probe) for probe in probes.values()))
    return dict(zip(probes, answers, strict=True))


def health_app(probes: Mapping[str, Probe]) -> Any:
    """An ASGI app: /livez (the loop turns), /readyz (every probe is ok), /metrics (Prometheus text)."""

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        status, content_type, body = await _answer(scope["path"], probes)
        headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


async def _answer(path: str, probes: Mapping[str, Probe]) -> tuple[int, str, bytes]:
    if path == "/livez":
        return 200, "application/json", b'{"status":"ok"}'
    if path == "/readyz":
        checks = await run_probes(probes)
        ready = all(answer == "ok" for answer in checks.values())
        body = orjson.dumps({"status": "ok" if ready else "unavailable", "checks": checks})
        return (200 if ready else 503), "application/json", body
    if path == "/metrics":
        return 200, CONTENT_TYPE_LATEST, generate_latest()
    return 404, "text/plain", b"/livez /readyz /metrics\n"


type Worker = Callable[[], AbstractAsyncContextManager[Mapping[str, Probe]]]
"""Makes what a service runs: entering it starts the service and gives its probes, leaving it drains and stops it."""


async def serve(worker: Worker, settings: HealthSettings, stop: asyncio.Event) -> None:
    """Run a worker and its health endpoints until `stop` is set; a start that is not over by then is broken off.

    Raises `BadConfiguration` when it cannot listen, before anything is started.
    """
    with listening.taken(settings.host, settings.port, "AOC_HEALTH") as sockets:
        started = asyncio.Event()
        # One task for all of it: what a worker enters it also leaves.
        life = asyncio.create_task(_life(worker, settings, sockets, stop, started))
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


async def _life(
    worker: Worker,
    settings: HealthSettings,
    sockets: list[socket.socket],
    stop: asyncio.Event,
    started: asyncio.Event,
) -> None:
    async with worker() as probes:
        started.set()
        config = uvicorn.Config(health_app(probes), log_config=None, lifespan="off", access_log=False, ws="none")
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if serving.done() and not stop.is_set():
            try:
                await serving
            except OSError as error:  # somebody else listens there since we took it
                raise listening.refused(settings.host, settings.port, "AOC_HEALTH", error) from None
        _log.info("service.draining")
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling; the worker's `stop` decides."""

    def capture_signals(self) -> Any:
        from contextlib import nullcontext

        return nullcontext()


def main(service: str, make: Callable[[], tuple[ServiceSettings, Worker]]) -> int:
    """The whole life of a service process; its exit status. Bad configuration is one line and status 2."""
    try:
        settings, worker = make()
        logs.configure(service, settings.telemetry)
        provider = tracing.configure(service, settings.telemetry)
        uvloop.run(_until_signalled(worker, settings.health))
        provider.shutdown()
    except BadConfiguration as error:
        sys.stderr.write(f"aoc-{service}: {error}\n")
        return 2
    except AocError as error:
        sys.stderr.write(f"aoc-{service}: {error}\n")
        return 1
    return 0


async def _until_signalled(worker: Worker, settings: HealthSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(worker, settings, stop)

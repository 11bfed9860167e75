"""/livez, /readyz and /metrics, and the probes that /readyz asks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from aoc_common.bus.broker import connected

if TYPE_CHECKING:
    from faststream.nats import NatsBroker

type Probe = Callable[[], Awaitable[str | None]]
"""Returns None when all is well, else what is wrong in a few words."""

_TIMEOUT_S: Final = 3.0


def bus(broker: NatsBroker) -> Probe:
    """Whether the bus is connected."""

    async def probe() -> str | None:
        return None if connected(broker) else "not connected"

    return probe


async def run_probes(probes: Mapping[str, Probe], timeout_s: float = _TIMEOUT_S) -> dict[str, str]:
    """Every probe's answer: `ok`, or what is wrong. Never raises; a probe that takes longer is `timed out`."""

    async def one(probe: Probe) -> str:
        try:
            return await asyncio.wait_for(probe(), timeout_s) or "ok"
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

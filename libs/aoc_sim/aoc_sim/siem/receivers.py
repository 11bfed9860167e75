"""All receivers of SIEMs on the simulator's address, below `/_siem/NAME`, and what tells of what they took."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route

from aoc_sim.responses import json_answer
from aoc_sim.siem.elastic import ElasticReceiver
from aoc_sim.siem.fingerprints import UNREADABLE, Fingerprint, abridged
from aoc_sim.siem.otlp import OtlpReceiver
from aoc_sim.siem.request_faults import RequestFault, RequestFaults
from aoc_sim.siem.sentinel import SentinelReceiver
from aoc_sim.siem.splunk import SplunkReceiver
from aoc_sim.siem.syslog import SyslogReceiver
from aoc_sim.siem.taken import Taken
from aoc_sim.siem.webhook import WebhookReceiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from starlette.requests import Request

    from aoc_sim.settings import SiemSettings

# They open nothing but this simulator.
SPLUNK_TOKEN: Final = "hec-token"  # noqa: S105
ELASTIC_USER: Final = "aoc"
ELASTIC_PASSWORD: Final = "made-up"  # noqa: S105
SENTINEL_SECRET: Final = "simulator-only-sentinel"  # noqa: S105
WEBHOOK_SECRET: Final = "whsec_c2ltdWxhdG9yLW9ubHktd2ViaG9vay1zZWNyZXQ="  # noqa: S105

NAMES: Final = ("splunk", "elastic", "sentinel", "webhook", "otlp", "syslog")
#: Events and versions that one receiver remembers, of some 500 bytes each.
MOST: Final = 500_000
#: What can happen to requests of any receiver over HTTP, to those of single ones, and to connections of syslog.
_ANY: Final = frozenset({
    RequestFault.THROTTLED, RequestFault.BUSY, RequestFault.SLOW, RequestFault.RESET_BEFORE, RequestFault.RESET_AFTER,
    RequestFault.DENIED,
})  # fmt: skip
FAULTS: Final[Mapping[str, frozenset[RequestFault]]] = {
    "splunk": _ANY | {RequestFault.SILENT},
    "elastic": _ANY | {RequestFault.ITEM_ERRORS},
    "sentinel": _ANY,
    "webhook": _ANY,
    "otlp": _ANY | {RequestFault.ITEM_ERRORS},
    "syslog": frozenset({RequestFault.SLOW, RequestFault.RESET_BEFORE, RequestFault.RESET_AFTER}),
}

type OverHttp = SplunkReceiver | ElasticReceiver | SentinelReceiver | WebhookReceiver | OtlpReceiver
type Receiver = OverHttp | SyslogReceiver


class Receivers:
    """One of each. `seed`: of their faults, which each draws by itself. Syslog listens where a port is set."""

    def __init__(self, settings: SiemSettings, seed: int) -> None:
        self._settings = settings
        faults = {
            name: RequestFaults(
                rates={fault: rate for fault, rate in settings.faults.items() if fault in FAULTS[name]},
                seed=f"{seed}:{name}",
                most=settings.most,
                slow_s=settings.slow_s,
                retry_after_s=settings.retry_after_s,
            )
            for name in NAMES
        }
        self._syslog = SyslogReceiver(faults["syslog"], port=settings.syslog_port or 0)
        over_http: dict[str, OverHttp] = {
            "splunk": SplunkReceiver(faults["splunk"], token=SPLUNK_TOKEN, acknowledges=True),
            "elastic": ElasticReceiver(faults["elastic"], user=ELASTIC_USER, password=ELASTIC_PASSWORD),
            "sentinel": SentinelReceiver(faults["sentinel"], tokens=set(), secret=SENTINEL_SECRET),
            "webhook": WebhookReceiver(WEBHOOK_SECRET, faults["webhook"]),
            "otlp": OtlpReceiver(faults["otlp"]),
        }
        self._routes = {name: receiver.routes() for name, receiver in over_http.items()}
        self._all: Mapping[str, Receiver] = {**over_http, "syslog": self._syslog}
        for name, receiver in self._all.items():
            receiver.taken = Taken(abridge=abridged(name), most=MOST)

    def routes(self) -> list[BaseRoute]:
        """Their own paths, and those of the control plane."""
        return [
            Route("/_taken", self.summary),
            Route("/_taken/{name}", self.taken),
            *(Mount(f"/_siem/{name}", routes=routes) for name, routes in self._routes.items()),
        ]

    @asynccontextmanager
    async def listening(self, app: object) -> AsyncIterator[None]:
        """Within the context syslog listens, if it is to: the lifespan of an application."""
        del app
        if self._settings.syslog_port is None:
            yield
            return
        async with self._syslog:
            yield

    async def summary(self, request: Request) -> Response:
        """How much each receiver has taken, and what happened to its requests."""
        del request
        return json_answer({"receivers": {name: _summary(receiver) for name, receiver in self._all.items()}})

    async def taken(self, request: Request) -> Response:
        """What a receiver has taken, a line of JSON for each event and version: key, times, fingerprint."""
        receiver = self._all.get(request.path_params["name"])
        if receiver is None:
            return PlainTextResponse(f"no such receiver; there are {', '.join(NAMES)}", 404)
        return StreamingResponse(_lines(receiver.taken), media_type="application/x-ndjson")


def _summary(receiver: Receiver) -> dict[str, Any]:
    taken = receiver.taken
    return {
        "keys": len(taken.times),
        "doubled": taken.doubled,
        "refused": taken.refused.total(),
        "requests": taken.requests,
        "full": taken.full,
        "conflicts": receiver.conflicts if isinstance(receiver, ElasticReceiver) else 0,
        "broken_frames": receiver.broken_frames if isinstance(receiver, SyslogReceiver) else 0,
        "faults": {
            fault.value: count for fault, count in receiver.faults.happened.items() if fault is not RequestFault.NONE
        },
    }


def _lines(taken: Taken) -> Iterator[bytes]:
    for key, times in [*taken.times.items()]:
        kept = taken.data.get(key)
        print_of = kept if isinstance(kept, Fingerprint) else UNREADABLE
        line = {"key": key, "times": times, "differs": key in taken.differing, **print_of._asdict()}
        yield orjson.dumps(line) + b"\n"

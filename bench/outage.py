"""A collector after an outage of days, on an accelerated clock: it catches up beside its live slices.

`python bench/outage.py [--days 3] [--speed 60] [--json]`

One process holds the simulator (real HTTP, Microsoft's own limits: 5 requests in 10 s for audits and sign-ins), the
collector, and a clock that both go by. After the collector is up to date, the whole API answers 503, the clock jumps,
and the API comes back. Figures, in simulated time: after how long every source has read something that is newer than
the outage, the greatest lag of the live slices from then until the backlog is caught up, how long that takes, the share
of the allowance of audits and sign-ins that was used while these had a backlog, the share of 429 answers, and the
records that are missing in the end. The faster time runs, the more the machine's own delays count.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import defaultdict
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import msgspec
import uvicorn
from rich.console import Console
from rich.table import Table

from aoc_cli.local import simulator
from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_cli.local.provisioning import bring_in_order
from aoc_cli.local.servers import servers
from aoc_cli.local.stack import DataDirectory, Endpoints
from aoc_collector.clock_faults import ClockJumpDetector, JumpCheckedClock
from aoc_collector.fleet import Fleet
from aoc_collector.microsoft.apis import Apis
from aoc_collector.parts import monitoring, slices
from aoc_collector.parts.shared import Shared
from aoc_collector.settings import CollectorSettings
from aoc_collector.sources import SOURCES
from aoc_common import http
from aoc_common.bus import consumers
from aoc_common.bus.broker import connected_broker
from aoc_common.bus.consume import consuming
from aoc_common.service.worker import Worker
from aoc_common.settings import TelemetrySettings
from aoc_common.store.backlog import Cause
from aoc_common.store.mongo.backlog import MongoBacklog
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.telemetry import logs
from aoc_common.tenants.file import read_tenants
from aoc_common.tenants.file_registry import FileTenants
from aoc_sim import truth
from aoc_sim.app import create_app
from aoc_sim.clock import from_us
from aoc_sim.faults import Faults
from aoc_sim.settings import DEFAULT_TENANTS, Pages, SimSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping, Sequence

    from faststream.nats import NatsBroker
    from nats.aio.msg import Msg

    from aoc_common.service.worker import Parts
    from aoc_common.store.mongo.client import Database
    from aoc_common.tenants.tenant import Tenant
    from aoc_sim.timeline import World

_TENANT: Final = DEFAULT_TENANTS[0]
_RECORDS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_DOWN: Final = Faults(outage=True)
#: Audits and sign-ins: 5 requests in 10 seconds.
_ALLOWED_PER_S: Final = 0.5
#: Real seconds.
_READ_WITHIN_S: Final = 120.0
#: How often it is looked how far the collector is: seldom, since a look costs the database what a slice costs it.
_LOOK_S: Final = 0.25
_PACED: Final = ("graph-directory-audits", "graph-signins")


class FastClock:
    """Time that runs `speed` times as fast as the machine's, and can be stepped."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._real = time.monotonic()
        self._start = datetime.now(UTC)
        self._jumped = 0.0

    def monotonic(self) -> float:
        """Simulated seconds since the start."""
        return (time.monotonic() - self._real) * self._speed + self._jumped

    def now(self) -> datetime:
        """The simulated present."""
        return self._start + timedelta(seconds=self.monotonic())

    async def sleep(self, seconds: float) -> None:
        """Wait that many simulated seconds."""
        await asyncio.sleep(seconds / self._speed)

    def jump(self, by: timedelta) -> None:
        """Move forward at once."""
        self._jumped += by.total_seconds()


@dataclass
class Traffic:
    """The requests to the simulator: simulated times of audit and sign-in requests, statuses of all answers."""

    clock: FastClock
    audits: list[tuple[float, int]] = field(default_factory=list)

    def around(self, app: Any) -> Any:
        """The application, watched."""

        async def watched(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
            async def sending(message: MutableMapping[str, Any]) -> None:
                if message["type"] == "http.response.start" and "/auditLogs/" in scope["path"]:
                    self.audits.append((self.clock.monotonic(), message["status"]))
                await send(message)

            await app(scope, receive, sending if scope["type"] == "http" else send)

        return watched


@dataclass(frozen=True, slots=True)
class Outcome:
    """All times in simulated seconds."""

    days: float
    caught_up_after_s: float
    live_again_after_s: float
    greatest_live_lag_s: float
    slowest: str
    median_live_lag_s: float
    allowance_used: float
    throttled: float
    requests: int
    records: int
    missing: int
    gaps: int


@asynccontextmanager
async def microsoft(clock: FastClock, traffic: Traffic) -> AsyncIterator[tuple[World, int]]:
    """The simulator on a port of its own, with Microsoft's limits."""
    settings = SimSettings(
        tenants=(_TENANT,), events=300, history_hours=2, live_rate=0.02, live_tick_s=20, seed=11,
        activity_warmup_hours=0, pages=Pages(graph_max=10),
    )  # fmt: skip
    app = create_app(settings, clock)
    port = free_port()
    config = uvicorn.Config(
        traffic.around(app), host=LOOPBACK, port=port, log_level="error", access_log=False, lifespan="off"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110  # uvicorn offers no event
            await asyncio.sleep(0.02)
        yield app.state.world, port
    finally:
        server.should_exit = True
        await serving


async def run(data: DataDirectory, endpoints: Endpoints, days: float, speed: float) -> Outcome:
    """One outage."""
    clock = FastClock(speed)
    traffic = Traffic(clock)
    async with AsyncExitStack() as stack:
        world, port = await stack.enter_async_context(microsoft(clock, traffic))
        tenants_file = Path(simulator.collector_settings(data, port)["AOC_TENANTS_FILE"])
        settings = CollectorSettings(
            nats=data.nats_settings(endpoints, "collector"),
            mongo=data.mongo_settings(endpoints),
            lookback_s=2 * 3600,
            http_attempts=2,
            # Jobs are put off in real seconds.
            max_backoff_s=1,
        )
        database = await stack.enter_async_context(connect(settings.mongo))
        await bring_in_order(data.nats_settings(endpoints, "provision"), settings.mongo, lambda _: None, migrate=False)
        tenants = [tenant for tenant in read_tenants(tenants_file, SOURCES) if tenant.name == _TENANT.slug]
        collector = Worker("collector", settings, partial(_build, tenants), clock=clock)
        await stack.enter_async_context(collector.running())
        await _until_caught_up(database)
        world.apply(_DOWN)
        clock.jump(timedelta(days=days))
        await clock.sleep(120)
        world.apply(Faults())
        return await _catching_up(database, world, clock, traffic, days, await _reader(stack, data, endpoints))


async def _build(tenants: Sequence[Tenant], settings: CollectorSettings, parts: Parts) -> None:
    """A collector without directory synchronisation, alone on its API limits."""
    client = await parts.enter(http.make_client(timeout_s=30))
    clock = parts.resources.clock
    jumps = ClockJumpDetector(clock)
    fleet = Fleet(FileTenants(lambda: tuple(tenants), clock), _all, _nowhere)
    await fleet.refresh()
    shared = Shared(parts, settings, fleet, Apis(settings, client, clock), jumps, JumpCheckedClock(clock, jumps))
    slices.add(shared)
    monitoring.add(shared)


async def _all(tenants: Sequence[Tenant]) -> Sequence[Tenant]:
    """Whatever a licence says."""
    return tenants


async def _nowhere(_tenants: Sequence[Tenant]) -> None:
    """Their ids are recorded nowhere."""


async def _reader(stack: AsyncExitStack, data: DataDirectory, endpoints: Any) -> NatsBroker:
    return await stack.enter_async_context(connected_broker(data.nats_settings(endpoints, "normalizer"), "normalizer"))


async def _until_caught_up(database: Database) -> None:
    sources, backlog = MongoSources(database), MongoBacklog(database)
    while True:
        collected = [state for state in await sources.all_states(_TENANT.slug) if state.position]
        waiting = [state for state in await backlog.waiting(_TENANT.slug) if state.cause is Cause.BEHIND]
        if len(collected) == len(SOURCES) and not waiting:
            return
        await asyncio.sleep(_LOOK_S)


async def _catching_up(
    database: Database, world: World, clock: FastClock, traffic: Traffic, days: float, broker: NatsBroker
) -> Outcome:
    began, returned = clock.monotonic(), clock.now()
    sources, backlog = MongoSources(database), MongoBacklog(database)
    lags: list[tuple[float, str]] = []
    caught_up: float | None = None
    paced_until, live_after_s = 0.0, 0.0
    seen: set[str] = set()
    while caught_up is None:
        now = clock.now()
        states = await sources.all_states(_TENANT.slug)
        waiting = [stretch for stretch in await backlog.waiting(_TENANT.slug) if stretch.cause is Cause.BEHIND]
        for state in states:
            lag = (now - (state.position or now)).total_seconds()
            if state.position and state.position >= returned and state.source not in seen:
                seen.add(state.source)
                live_after_s = clock.monotonic() - began
            if state.source in seen:
                lags.append((lag, state.source))
        if any(stretch.source.startswith(_PACED) for stretch in waiting):
            paced_until = clock.monotonic()
        if len(seen) == len(SOURCES) and not waiting:
            caught_up = clock.monotonic() - began
        await asyncio.sleep(_LOOK_S)
    audits = [(at, status) for at, status in traffic.audits if began <= at <= paced_until]
    missing, records = await _missing(world, broker, sources)
    lags.sort()
    return Outcome(
        days=days,
        caught_up_after_s=round(caught_up),
        live_again_after_s=round(live_after_s),
        greatest_live_lag_s=round(lags[-1][0]),
        slowest=lags[-1][1],
        median_live_lag_s=round(lags[len(lags) // 2][0]),
        allowance_used=round(sum(status != 429 for _, status in audits) / ((paced_until - began) * _ALLOWED_PER_S), 3),
        throttled=round(sum(status == 429 for _, status in audits) / len(audits), 4),
        requests=len(audits),
        records=records,
        missing=missing,
        gaps=await database["ledger_gaps"].count_documents({}),
    )


async def _missing(world: World, broker: NatsBroker, sources: MongoSources) -> tuple[int, int]:
    """Records that the simulator had made available by now and that are not on the bus once all is read until then.

    Not after some time: what a slice waits for in real seconds (a 429, a job that comes again, a busy machine) is
    `speed` times as long in simulated ones.
    """
    world.catch_up()
    tenant, moment = world.tenants[_TENANT.slug], world.now_us()
    expected = {(source, entry.body) for source in tenant.lanes for entry in truth.available(tenant, source, moment)}
    await _until_read(sources, from_us(moment))
    stored: dict[str, set[bytes]] = defaultdict(set)

    async def take(messages: Sequence[Msg]) -> None:
        for message in messages:
            stored[message.subject.split(".")[4]] |= {bytes(record) for record in _RECORDS.decode(message.data)}

    pages = [replace(consumer, batch=100) for consumer in consumers.NORMALIZER]
    async with consuming(broker, pages, take, 1):
        before = -1
        while (count := sum(map(len, stored.values()))) > before or not count:
            before = count
            await asyncio.sleep(1)
    return sum(body not in stored[source] for source, body in expected), len(expected)


async def _until_read(sources: MongoSources, moment: datetime) -> None:
    """Wait until everything before a moment is on the bus, by the account. Raises `TimeoutError`."""
    async with asyncio.timeout(_READ_WITHIN_S):
        while True:
            states = await sources.all_states(_TENANT.slug)
            if all(state.watermark is not None and state.watermark > moment for state in states):
                return
            await asyncio.sleep(_LOOK_S)


def main() -> None:
    """Measure and print."""
    logs.configure("bench", TelemetrySettings(log_level="error", log_format="console"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=float, default=3)
    parser.add_argument("--speed", type=float, default=60)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with TemporaryDirectory(prefix="aoc-bench-") as directory:
        data = DataDirectory(Path(directory))
        local = servers(data)
        with ExitStack() as children:
            for child in local.children:
                child.start()
                children.callback(child.stop)
            for child in local.children:
                child.wait_ready()
            outcome = asyncio.run(run(data, local.endpoints, arguments.days, arguments.speed))
    if arguments.json:
        print(json.dumps(asdict(outcome)))
        return
    table = Table("figure", "value", title="after an outage, in simulated time")
    for name, value in asdict(outcome).items():
        table.add_row(name, value if isinstance(value, str) else f"{value:,}")
    Console().print(table)


if __name__ == "__main__":
    main()

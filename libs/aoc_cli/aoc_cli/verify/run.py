"""One verification run: a fresh directory, the simulator with its faults, real servers, real service processes."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import httpx
from nats.errors import Error as NatsError

from aoc_cli.local import simulator
from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_cli.local.servers import servers, service
from aoc_cli.local.stack import DataDirectory, Endpoints, refuse_servers
from aoc_cli.local.supervisor import Supervisor
from aoc_cli.verify import stored
from aoc_cli.verify.bus_faults import BusFaults, settled
from aoc_cli.verify.chaos import Chaos, Strike, plan
from aoc_cli.verify.clocks import Clocks, launcher
from aoc_cli.verify.completeness_claims import CompletenessClaims
from aoc_cli.verify.evaluation import Evaluator, RunSummary
from aoc_cli.verify.fault_kinds import USUAL, setup
from aoc_cli.verify.process_control import ProcessControl
from aoc_cli.verify.sinks import Sinks
from aoc_cli.verify.stream_recorder import StreamRecorder
from aoc_common.bus.broker import connected_broker, jetstream
from aoc_common.contracts import subjects
from aoc_common.errors import AocError, BadConfiguration, Transient
from aoc_common.store.mongo.census import MongoCensus
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.sources import MongoSources

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from faststream.nats import NatsBroker

    from aoc_cli.local.process import Child
    from aoc_cli.verify.comparison import RunResult
    from aoc_cli.verify.fault_kinds import Kind, Setup
    from aoc_common.settings import NatsSettings
    from aoc_common.store.mongo.client import Database

#: Blobs on a page of a listing where there are few records, and from how many records on they are many.
_FEW: Final = 10
_MANY: Final = 5000
_POLL_S: Final = 0.5
_CHECK_S: Final = 0.2
#: Seconds between two readings of the completeness claims; in a quick run.
_CLAIMS_EVERY_S: Final = 5.0
_CLAIMS_OFTEN_S: Final = 0.5
_SIMULATOR: Final = "simulator"
#: Restarts of one process within a minute: after strikes, and after failures of a process it depends on.
_PATIENCE: Final = 3
_PATIENCE_IN_CHAOS: Final = 20
#: Share of stored records from which the pipeline counts as busy.
_WORK_STARTED_SHARE: Final = 0.05
#: After the last page has left AOC_RAW, seconds until what is still missing counts as lost; where the bus is struck,
#: pages that were lost on it are looked for and fetched again first.
_GRACE_S: Final = 10.0
_SHORT_GRACE_S: Final = 5.0
_LONG_GRACE_S: Final = 60.0
#: While content is listed and waits for its next try (`aoc_common.store.blob_retries`).
_PUT_OFF_GRACE_S: Final = 200.0
_READ_WITHIN_S: Final = 30.0
#: More than a collector lets a watermark be ahead (`aoc_common.store.clock_corrections.AHEAD`).
_SKEW: Final = timedelta(minutes=6)
#: A run should take seconds: long slices, no settle delay, and late records that come within seconds.
_EAGER: Final = {
    "AOC_POLL_INTERVAL_S": "6",
    "AOC_SETTLE_DELAY_S": "0",
    "AOC_GRAPH__MAX_SLICE_S": "14400",
    # Late records are found by the next slice, and not when they are hours old.
    "AOC_GRAPH__OVERLAP_S": "900",
    "AOC_WORKERS": "16",
    "AOC_BACKLOG_WORKERS": "16",
    "AOC_PUT_OFF_S": "5",
}
#: Young records of each tenant: what changes or comes late is young, and a run may be at night.
_FRESH: Final = 12
#: A small run gets as many twins and near-twins as thousands of records otherwise have.
_DENSE: Final = {"AOC_SIM__TWINS": "0.9", "AOC_SIM__NEAR_TWINS": "0.7"}
#: Each rule of retention occurs.
_RETENTION: Final = {
    "AOC_RETENTION__DAYS": str(stored.DAYS),
    "AOC_RETENTION__BY_TENANT": json.dumps(dict(stored.DAYS_BY_TENANT)),
    "AOC_RETENTION__BY_SOURCE": json.dumps(dict(stored.DAYS_BY_SOURCE)),
}


@dataclass(frozen=True, slots=True)
class Options:
    """What to verify.

    `kill`: services to kill -9 in the middle of the run, in this order. `chaos`: rounds in which every process is
    killed and paused once. `kinds`: kinds of fault beside the simulator's usual ones. `quick`: fewer faults.
    `sinks`: destinations of the exporter, by name.
    """

    events: int = 5000
    seed: int = 7
    replicas: int = 1
    timeout_s: float = 600.0
    kill: Sequence[str] = ()
    chaos: int = 0
    kinds: frozenset[Kind] = frozenset()
    quick: bool = False
    sinks: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Links:
    """Connections to what runs. `operator`: a user of the bus who may do everything."""

    simulator: httpx.AsyncClient
    database: Database
    reader: NatsBroker
    operator: NatsBroker
    operator_settings: NatsSettings
    recorder: StreamRecorder


@dataclass(slots=True)
class Verification:
    """A run. `report` gets one line for each step; `show` gets the planned strikes before the run begins."""

    options: Options
    report: Callable[[str], None]
    directory: Path | None = None
    show: Callable[[Sequence[str]], None] = lambda _: None
    _kills: list[str] = field(default_factory=list)
    _by_name: dict[str, Child] = field(default_factory=dict)
    _clocks: Path = field(init=False)
    _setup: Setup = field(init=False)
    _sinks: Sinks = field(init=False)
    _began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def run(self) -> RunResult:
        """Run and compare. Raises `AocError` when a server or service cannot be started."""
        refuse_servers("a verification fills and breaks those that it runs on")
        with ExitStack() as stack:
            path = self.directory or Path(stack.enter_context(TemporaryDirectory(prefix="aoc-verify-")))
            data = DataDirectory(path)
            stack.enter_context(data.held(self.report))
            patience = _PATIENCE_IN_CHAOS if self.options.chaos or self.options.kinds else _PATIENCE
            supervisor = stack.enter_context(Supervisor(self.report, patience, started=data.processes.add))
            calm = self.options.kinds <= USUAL and not (self.options.chaos or self.options.quick)
            self._setup = setup(self.options.kinds, calm=calm)
            self._clocks = path / "clocks"
            self._sinks = Sinks(self.options.sinks, data, self.report)
            endpoints = self._start(data, supervisor)
            return asyncio.run(self._follow(data, endpoints, supervisor))

    def _start(self, data: DataDirectory, supervisor: Supervisor) -> Endpoints:
        local = servers(data, max_payload=self._setup.max_payload)
        port = free_port()
        settings = {
            "AOC_SIM__EVENTS": str(self.options.events),
            "AOC_SIM__SEED": str(self.options.seed),
            "AOC_SIM__LIVE_RATE": "0",
            "AOC_SIM__FRESH": str(_FRESH),
            # Few records make few blobs: their lists are to have several pages all the same.
            "AOC_SIM__PAGES__ACTIVITY_LISTING": str(_FEW if self.options.events < _MANY else 50),
            "AOC_SIM__FAULTS_PROFILE": "chaos" if self.options.chaos else "quick" if self.options.quick else "verify",
            **(_DENSE if self.options.quick else {}),
            **self._setup.simulator,
            **self._sinks.receiver_settings(),
        }
        self._up(supervisor, [*local.children, simulator.simulator(data, port, settings)])
        data.bring_in_order(local.endpoints, declared=self._setup.bus)
        collecting = {**simulator.collector_settings(data, port, self._setup.host), **_EAGER, **self._setup.collector}
        normalizing = {**_RETENTION, **self._setup.normalizer}
        named: dict[str, Mapping[str, str]] = {"normalizer": normalizing, "collector": collecting}
        if self.options.sinks:
            named["exporter"] = self._sinks.exporter_settings(port)
        replicas = range(1, self.options.replicas + 1)
        self._up(
            supervisor,
            [
                self._service(name, data, local.endpoints, env, number)
                for name, env in named.items()
                for number in replicas
            ],
        )
        self.report("collecting")
        return replace(local.endpoints, simulator=port)

    def _service(
        self, name: str, data: DataDirectory, endpoints: Endpoints, env: Mapping[str, str], number: int
    ) -> Child:
        runs = launcher(self._clocks, name) if self._setup.clocks else ()
        return service(name, data, endpoints, {**env, **self._setup.services}, replica=number, launcher=runs)

    def _up(self, supervisor: Supervisor, children: list[Child]) -> None:
        for child in supervisor.start(children):
            self._by_name[child.name] = child
            self.report(f"started {child.name}")

    async def _follow(self, data: DataDirectory, endpoints: Endpoints, supervisor: Supervisor) -> RunResult:
        started = time.monotonic()
        claims = CompletenessClaims()
        async with self._linked(data, endpoints) as links:
            chaos = self._chaos(links, supervisor)
            self.show([str(strike) for strike in chaos.strikes])
            watching = asyncio.create_task(links.recorder.run())
            try:
                drained = await self._drained(links, supervisor, chaos, claims)
                seconds = time.monotonic() - started
                await asyncio.to_thread(self._stop, "collector", "exporter")
                await links.recorder.caught_up(_READ_WITHIN_S)
            finally:
                watching.cancel()
            evaluator = Evaluator(links.simulator, links.database, links.operator)
            run = self._over(data, chaos, seconds, drained=drained)
            return await evaluator.result(run, links.recorder, claims, self._sinks)

    @asynccontextmanager
    async def _linked(self, data: DataDirectory, endpoints: Endpoints) -> AsyncIterator[_Links]:
        async with AsyncExitStack() as stack:
            truth = await stack.enter_async_context(
                httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{endpoints.simulator}", timeout=30)
            )
            database = await stack.enter_async_context(connect(data.mongo_settings(endpoints)))
            reader, owner = [
                await stack.enter_async_context(connected_broker(data.nats_settings(endpoints, user), user))
                for user in ("cli", "provision")
            ]
            declared = data.nats_settings(endpoints, "provision").model_copy(update=dict(self._setup.bus))
            yield _Links(truth, database, reader, owner, declared, StreamRecorder(reader))

    def _chaos(self, links: _Links, supervisor: Supervisor) -> Chaos:
        options = self.options
        victims = [name for name in self._by_name if name != _SIMULATOR]
        processes = ProcessControl(self._by_name, supervisor)
        strikes: list[Strike] = plan(
            victims, options.seed, max(options.chaos, 1), options.kinds, all_=options.chaos > 0
        )
        bus_faults = BusFaults(links.operator, links.operator_settings, processes, links.recorder, options.seed)
        return Chaos(processes, bus_faults, Clocks(self._clocks, links.simulator), strikes, options.seed, self.report)

    async def _drained(self, links: _Links, supervisor: Supervisor, chaos: Chaos, claims: CompletenessClaims) -> bool:
        """Strike, and restart what dies, until all is done. Raises `ChildDied` when a process keeps dying."""
        for name in self.options.kill:
            if name not in self._by_name:
                raise BadConfiguration(f"--kill {name}: no such service; there are {', '.join(self._by_name)}")
        try:
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(_restart_dead(supervisor))
                striking = group.create_task(chaos.run())
                listening = group.create_task(
                    _record_claims(links, claims, _CLAIMS_OFTEN_S if self.options.quick else _CLAIMS_EVERY_S)
                )
                drained = await self._drain(links, chaos, striking)
                await self._sinks.delivered(links.simulator, links.database, links.recorder)
                listening.cancel()
                striking.cancel()
                watching.cancel()
        except* AocError as errors:
            raise errors.exceptions[0] from None
        return drained

    async def _drain(self, links: _Links, chaos: Chaos, striking: asyncio.Task[None]) -> bool:
        """Wait until everything was made available, then collected, then settled. False on timeout."""
        deadline = time.monotonic() + self.options.timeout_s
        census, sources = MongoCensus(links.database), MongoSources(links.database)
        all_available: datetime | None = None
        last_page: int | None = None
        done_at: float | None = None
        while time.monotonic() < deadline:
            summary = (await links.simulator.get("/_truth", params={"summary": "1"})).json()
            # A simulator whose clock is ahead shows for a moment what is to come, and a collector waits after a step.
            if not summary["all_available"] or (self._setup.clocks and not striking.done()):
                all_available = None
            elif all_available is None:
                all_available = datetime.now(UTC)
            try:
                stored = await census.events()
                total = summary["total"] + summary["pending"]
                self._kill_next(stored, total)
                self._sinks.look(stored / max(total, 1))
                if stored >= total * _WORK_STARTED_SHARE:
                    chaos.busy.set()
                behind = await _behind(sources, all_available, summary)
                self.report(f"{stored:,} of {total:,} stored, {len(behind)} sources not at the end yet")
                if not behind and striking.done() and len(self._kills) == len(self.options.kill):
                    # Polling continues and publishes the overlap repeatedly; what counts is everything up to here.
                    if last_page is None:
                        last_page = (await jetstream(links.operator).stream_info(subjects.RAW_STREAM)).state.last_seq
                    if await settled(links.operator, last_page):
                        done_at = done_at or time.monotonic()
                        if await self._is_over(links, stored, total, time.monotonic() - done_at):
                            return True
            except (Transient, NatsError, TimeoutError) as error:
                self.report(f"asked in vain: {error}")
            await asyncio.sleep(_POLL_S)
        return False

    async def _is_over(self, links: _Links, stored: int, total: int, waited_s: float) -> bool:
        """Whether all is stored, published and in the account, or nobody will bring what is missing."""
        evaluator = Evaluator(links.simulator, links.database, links.operator)
        if stored >= total and len({message.event for message in links.recorder.messages}) >= stored:
            settled = await evaluator.accounts()
            if sum(account.stored for account in settled.values()) >= stored:
                return True
        if waited_s <= self._grace_s():
            return False
        # Content that failed some times is tried again after minutes; without a valid address, never.
        accounts = await evaluator.current_accounts(datetime.now(UTC))
        waiting = "links" not in self.options.kinds and any(account.blobs_waiting for account in accounts.values())
        return not waiting or waited_s > _PUT_OFF_GRACE_S

    def _grace_s(self) -> float:
        """How long to wait for missing records after everything else is done, in seconds."""
        if {"streams", "consumers", "windows", "full", "clock"} & self.options.kinds:
            return _LONG_GRACE_S
        return _SHORT_GRACE_S if self.options.quick else _GRACE_S

    def _stop(self, *groups: str) -> None:
        """Collectors would poll on, and a slow evaluation never see the last slice; exporters write their account."""
        for name, child in self._by_name.items():
            if name.startswith(groups):
                child.stop()

    def _kill_next(self, stored: int, total: int) -> None:
        """Kill the next service of `kill` when its share of the work is done."""
        done = len(self._kills)
        if done < len(self.options.kill) and stored >= total * (done + 1) / (len(self.options.kill) + 2):
            name = self.options.kill[done]
            self.report(f"kill -9 {name}")
            self._by_name[name].kill()
            self._kills.append(name)

    def _over(self, data: DataDirectory, chaos: Chaos, seconds: float, *, drained: bool) -> RunSummary:
        strikes = chaos.counts()
        ended = [*self._kills, *(strike.victim for strike in chaos.done if strike.deed in {"kill -9", "down"})]
        return RunSummary(
            directory=data,
            began=self._began,
            clocks_right=not self._setup.clocks,
            seed=self.options.seed,
            seconds=seconds,
            drained=drained,
            calm=not (self.options.chaos or self.options.kill) and all(strike.harmless for strike in chaos.done),
            plan=[str(strike) for strike in chaos.strikes],
            strikes=strikes,
            kills=len(self._kills) + strikes["kill -9"],
            exporter_killed=any(name.startswith("exporter") for name in ended),
            retention_s=self._setup.events_age_s,
        )


async def _restart_dead(supervisor: Supervisor) -> None:
    """Restart what dies. Raises `ChildDied` for what keeps dying."""
    while True:
        supervisor.check()
        await asyncio.sleep(_CHECK_S)


async def _record_claims(links: _Links, claims: CompletenessClaims, every_s: float) -> None:
    """Record the completeness claims periodically, until cancelled."""
    evaluator = Evaluator(links.simulator, links.database, links.operator)
    while True:
        try:
            accounts = await evaluator.current_accounts(datetime.now(UTC))
            claims.note(datetime.now(UTC), accounts.values())
        except (Transient, httpx.TransportError):
            pass  # no claims while the store is away
        await asyncio.sleep(every_s)


async def _behind(sources: MongoSources, moment: datetime | None, truth: dict[str, Any]) -> list[tuple[str, str]]:
    """The sources without a finished slice that ends after `moment` (None: all of them).

    A watermark in the future does not count: it comes from a wrong clock and will be corrected.
    """
    future = datetime.now(UTC) + _SKEW
    states = {(state.tenant, state.source): state.watermark for state in await sources.all_states(None)}
    expected = [(tenant, source) for tenant, names in truth["tenants"].items() for source in names]
    if moment is None:
        return expected
    return [key for key in expected if (mark := states.get(key)) is None or not moment < mark < future]

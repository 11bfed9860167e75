"""One verification run: a fresh directory, the simulator with its faults, real servers, real service processes."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import httpx
import stamina
from nats.errors import Error as NatsError
from nats.js.api import ConsumerConfig, DeliverPolicy

from aoc_cli.local import simulator
from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_cli.local.stack import DataDirectory, Endpoints, servers, service
from aoc_cli.local.supervisor import Supervisor
from aoc_cli.verify.account import Account, compare
from aoc_cli.verify.chaos import Chaos, plan
from aoc_cli.verify.twins import compare_twins
from aoc_common.bus.broker import close, jetstream, make_broker
from aoc_common.bus.consume import reading
from aoc_common.contracts import subjects
from aoc_common.contracts.twins import HEADER
from aoc_common.errors import AocError, BadConfiguration, Transient
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.census import MongoCensus
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.ledger import MongoSources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from faststream.nats import NatsBroker
    from nats.js import JetStreamContext

    from aoc_cli.local.process import Child
    from aoc_common.store.accounts import SourceAccount
    from aoc_common.store.mongo.client import Database

_POLL_S: Final = 0.5
_CHECK_S: Final = 0.2
_SIMULATOR: Final = "simulator"
#: Restarts of one process within a minute: strikes, and ends because another was struck.
_PATIENCE: Final = 3
_PATIENCE_IN_CHAOS: Final = 20
_FETCH: Final = 1000
_PATIENCE_S: Final = 10.0
#: A run should take seconds: slices are long, nothing waits for records to settle, and late ones come within seconds.
_EAGER: Final = {
    "AOC_POLL_INTERVAL_S": "2",
    "AOC_SETTLE_DELAY_S": "0",
    "AOC_GRAPH__MAX_SLICE_S": "14400",
    "AOC_WORKERS": "16",
    "AOC_BACKLOG_WORKERS": "16",
}


@dataclass(frozen=True, slots=True)
class Options:
    """What to verify.

    `kill`: services to kill -9 in the middle of the run, in this order. `chaos`: rounds in which everything is killed
    and paused once.
    """

    events: int = 5000
    seed: int = 7
    replicas: int = 1
    timeout_s: float = 600.0
    kill: Sequence[str] = ()
    chaos: int = 0


@dataclass(slots=True)
class Verification:
    """A run. `say` is told, in one line, what happens."""

    options: Options
    say: Callable[[str], None]
    directory: Path | None = None
    _kills: list[str] = field(default_factory=list)
    _by_name: dict[str, Child] = field(default_factory=dict)
    _strikes: Chaos = field(init=False)

    def run(self) -> Account:
        """Run and compare. Raises `AocError` when a server or service cannot be started."""
        with ExitStack() as stack:
            path = self.directory or Path(stack.enter_context(TemporaryDirectory(prefix="aoc-verify-")))
            data = DataDirectory(path)
            stack.enter_context(data.held())
            supervisor = stack.enter_context(
                Supervisor(self.say, _PATIENCE_IN_CHAOS if self.options.chaos else _PATIENCE)
            )
            endpoints = self._start(data, supervisor)
            return asyncio.run(self._follow(data, endpoints, supervisor))

    async def _follow(self, data: DataDirectory, endpoints: Endpoints, supervisor: Supervisor) -> Account:
        started = time.monotonic()
        async with (
            httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{endpoints.simulator}", timeout=30) as truth,
            connect(data.mongo_settings(endpoints)) as database,
        ):
            broker = make_broker(data.nats_settings(endpoints, "cli"), "cli")
            await broker.connect()
            try:
                js = jetstream(broker)
                drained = await self._drained(truth, database, js, supervisor)
                seconds = time.monotonic() - started
                await asyncio.to_thread(self._stop_collecting)
                return await self._account(truth, database, broker, seconds, drained=drained)
            finally:
                await close(broker)

    def _start(self, data: DataDirectory, supervisor: Supervisor) -> Endpoints:
        local = servers(data)
        port = free_port()
        settings = {
            "AOC_SIM__EVENTS": str(self.options.events),
            "AOC_SIM__SEED": str(self.options.seed),
            "AOC_SIM__LIVE_RATE": "0",
            "AOC_SIM__FAULTS_PROFILE": "chaos" if self.options.chaos else "verify",
        }
        self._up(supervisor, [*local.children, simulator.simulator(data, port, settings)])
        data.bring_in_order(local.endpoints)
        collecting = simulator.collector_settings(data, port) | _EAGER
        replicas = range(1, self.options.replicas + 1)
        self._up(
            supervisor,
            [service("normalizer", data, local.endpoints, replica=number) for number in replicas]
            + [service("collector", data, local.endpoints, collecting, replica=number) for number in replicas],
        )
        self.say("collecting")
        return replace(local.endpoints, simulator=port)

    def _up(self, supervisor: Supervisor, children: list[Child]) -> None:
        for child in supervisor.start(children):
            self._by_name[child.name] = child
            self.say(f"started {child.name}")

    async def _drained(
        self, truth: httpx.AsyncClient, database: Database, js: JetStreamContext, supervisor: Supervisor
    ) -> bool:
        """Strike and keep alive until all is done. Raises `ChildDied` when a process cannot be kept alive."""
        for name in self.options.kill:
            if name not in self._by_name:
                raise BadConfiguration(f"--kill {name}: no such service; there are {', '.join(self._by_name)}")
        chaos = self._chaos()
        try:
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(_keep_alive(supervisor))
                striking = group.create_task(chaos.run())
                drained = await self._drain(truth, database, js, striking)
                striking.cancel()
                watching.cancel()
        except* AocError as errors:
            raise errors.exceptions[0] from None
        return drained

    def _chaos(self) -> Chaos:
        victims = [name for name in self._by_name if name != _SIMULATOR]
        seed = self.options.seed
        self._strikes = Chaos(self._by_name, plan(victims, seed, self.options.chaos), seed, self.say)
        return self._strikes

    async def _drain(
        self, truth: httpx.AsyncClient, database: Database, js: JetStreamContext, striking: asyncio.Task[None]
    ) -> bool:
        """Wait until everything was made available, then collected, then settled. False when time runs out."""
        deadline = time.monotonic() + self.options.timeout_s
        census, sources = MongoCensus(database), MongoSources(database)
        all_available: datetime | None = None
        last_page: int | None = None
        while time.monotonic() < deadline:
            summary = (await truth.get("/_truth", params={"summary": "1"})).json()
            if all_available is None and summary["all_available"]:
                all_available = datetime.now(UTC)
            try:
                stored = await census.events()
                total = summary["total"] + summary["pending"]
                self._kill_one(stored, total)
                behind = await _behind(sources, all_available, summary)
                self.say(f"{stored:,} of {total:,} stored, {len(behind)} sources not at the end yet")
                if not behind and striking.done() and len(self._kills) == len(self.options.kill):
                    # Polling goes on and publishes the overlap again and again; what counts is all up to here.
                    if last_page is None:
                        last_page = (await js.stream_info(subjects.RAW_STREAM)).state.last_seq
                    if await _settled(js, last_page):
                        return True
            except (Transient, NatsError, TimeoutError) as error:
                self.say(f"asked in vain: {error}")
            await asyncio.sleep(_POLL_S)
        return False

    def _stop_collecting(self) -> None:
        """Polling would go on, and an account that is taken slowly would never be at its end."""
        for name, child in self._by_name.items():
            if name.startswith("collector"):
                child.stop()

    def _kill_one(self, stored: int, total: int) -> None:
        """Kill the next service of `kill` when its share of the work is done."""
        done = len(self._kills)
        if done < len(self.options.kill) and stored >= total * (done + 1) / (len(self.options.kill) + 2):
            name = self.options.kill[done]
            self.say(f"kill -9 {name}")
            self._by_name[name].kill()
            self._kills.append(name)

    @stamina.retry(on=Transient, attempts=5)
    async def _account(
        self, truth: httpx.AsyncClient, database: Database, broker: NatsBroker, seconds: float, *, drained: bool
    ) -> Account:
        census = MongoCensus(database)
        told: dict[str, Any] = (await truth.get("/_truth")).json()
        stored = [record async for record in census.records()]
        pairs: dict[str, Any] = (await truth.get("/_truth/twins")).json()
        sent = await _published(broker)
        accounts = await _accounts(MongoAccount(database), told["tenants"])
        gone = {(tenant, one): count for tenant, found in told["expired"].items() for one, count in found.items()}
        outcome = compare(
            told["tenants"],
            stored,
            [event for event, _ in sent],
            {key: account.stored for key, account in accounts.items()},
            {key: account.blobs_expired - gone.get(key, 0) for key, account in accounts.items()},
        )
        twins = compare_twins(pairs["tenants"], stored, dict(sent))
        return Account(
            emitted=told["total"],
            pages=await census.pages(),
            resent=told["resent"],
            late=told["late"],
            stored=outcome.stored,
            published=outcome.published,
            quarantined=await census.quarantined(),
            lost=outcome.lost,
            doubled=outcome.doubled,
            unknown=outcome.unknown,
            misaccounted=outcome.misaccounted,
            seconds=round(seconds, 2),
            events_per_s=round(outcome.stored / seconds, 1),
            faults=told["faults_injected"],
            kills=len(self._kills) + self._strikes.count("kill -9"),
            pauses=self._strikes.count("pause"),
            expired=sum(gone.values()),
            drained=drained,
            twins=twins,
            examples=outcome.examples | twins.examples,
        )


async def _keep_alive(supervisor: Supervisor) -> None:
    """Start again what dies. Raises `ChildDied` for what keeps dying."""
    while True:
        supervisor.check()
        await asyncio.sleep(_CHECK_S)


async def _behind(sources: MongoSources, moment: datetime | None, truth: dict[str, Any]) -> list[tuple[str, str]]:
    """The sources that have not finished a slice which ends after `moment` (None: it has not come yet)."""
    states = {(state.tenant, state.source): state.watermark for state in await sources.all_states(None)}
    expected = [(tenant, source) for tenant, found in truth["tenants"].items() for source in found]
    if moment is None:
        return expected
    return [key for key in expected if (mark := states.get(key)) is None or mark <= moment]


async def _accounts(account: MongoAccount, tenants: Iterable[str]) -> dict[tuple[str, str], SourceAccount]:
    """(Tenant, source) -> the account that the ledger gives a person, all of it settled."""
    now = datetime.now(UTC)
    while await account.settle(now, _FETCH):
        pass
    return {(tenant, one.source): one for tenant in tenants for one in await account.accounts(tenant, now)}


async def _settled(js: JetStreamContext, last_page: int) -> bool:
    """Whether the normalizer is done with every page up to this one: it has left the stream."""
    state = (await js.stream_info(subjects.RAW_STREAM)).state
    return not state.messages or state.first_seq > last_page


async def _published(broker: NatsBroker) -> list[tuple[str, str | None]]:
    """The id of every event on AOC_EVENTS, and whose twin it says it is, in order."""
    config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL, headers_only=True, filter_subject=subjects.ALL_EVENTS)
    info = await jetstream(broker).stream_info(subjects.EVENTS_STREAM, subjects_filter=subjects.ALL_EVENTS)
    total = sum((info.state.subjects or {}).values())
    found: list[tuple[str, str | None]] = []
    async with reading(broker, subjects.EVENTS_STREAM, config) as pull:
        while len(found) < total:
            messages = await pull.batch(_FETCH, _PATIENCE_S)
            if not messages:
                raise AocError(f"{subjects.EVENTS_STREAM} holds {total:,} messages and gave {len(found):,}")
            headers = [message.headers or {} for message in messages]
            found += [(one.get("Nats-Msg-Id", ""), one.get(HEADER)) for one in headers]
    return found

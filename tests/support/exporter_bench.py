"""An exporter on real servers, sinks for it, and what the receivers of the simulator took."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aoc_cli.local.provisioning import bring_in_order
from aoc_common.bus.broker import jetstream
from aoc_common.bus.noted import NotedStream
from aoc_common.clock import SystemClock
from aoc_common.contracts.sink_states import SinkRecord
from aoc_common.contracts.sinks import document, read_sink
from aoc_common.store.mongo.message_log import MongoMessageLog
from aoc_common.store.mongo.sink_accounts import MongoSinkAccounts
from aoc_common.store.mongo.sink_states import MongoSinkStates
from aoc_common.store.mongo.sink_stretches import MongoSinkStretches
from aoc_common.store.mongo.sinks import MongoSinks
from aoc_exporter.app import worker
from aoc_exporter.settings import ExporterSettings, ExportSettings
from aoc_sim.siem.elastic import ElasticReceiver
from aoc_sim.siem.splunk import SplunkReceiver
from reader_bench import Rig
from receiving import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from aoc_common.bus.publish import Outgoing
    from aoc_common.contracts.sink_states import SinkState, Tally
    from aoc_common.settings import MongoSettings, NatsSettings
    from aoc_common.store.mongo.client import Database
    from aoc_sim.siem.request_faults import RequestFaults

PASSWORD = "made-up"  # opens a receiver of the simulator
TOKEN = "hec-token"


class Bench(Rig):
    """A `Rig` whose reader is an exporter. `folder`: where its sinks may read secrets and write files."""

    def __init__(
        self, nats_as: Callable[[str], NatsSettings], database: Database, mongo: MongoSettings, folder: Path
    ) -> None:
        super().__init__(nats_as, database)
        self.mongo = mongo
        self.folder = folder
        self.sinks, self.states = MongoSinks(database), MongoSinkStates(database)
        self.accounts, self.stretches = MongoSinkAccounts(database), MongoSinkStretches(database)
        (folder / "password").write_text(PASSWORD)
        (folder / "token").write_text(TOKEN)

    async def start(self) -> None:
        # In a thread: a loop of its own.
        await asyncio.to_thread(lambda: asyncio.run(bring_in_order(None, self.mongo, lambda _: None, migrate=False)))
        await super().start()

    async def publish_of(self, records: Mapping[str, Sequence[Any]]) -> None:
        """A page of each tenant, at once."""
        self._slices += 1
        pages = [
            await self.replica.mapped(f"slice-{self._slices}", *some, tenant=tenant) for tenant, some in records.items()
        ]
        await self.replica.write(*pages)

    async def say(self, user: str, stream: str, message: Outgoing) -> None:
        """Publish as another service does."""
        log = MongoMessageLog(self.database, stream)
        await NotedStream(stream, log, SystemClock()).publish(jetstream(await self.broker(user)), [message])

    def settings(self, **changes: Any) -> ExporterSettings:
        export = ExportSettings(
            allowed_networks=("127.0.0.0/8",),
            secret_directories=(self.folder,),
            folders=(self.folder,),
            look_s=0.1,
        )
        return ExporterSettings(nats=self._as("exporter"), mongo=self.mongo, export=export, **changes)

    @asynccontextmanager
    async def exporter(self, **changes: Any) -> AsyncIterator[Any]:
        """One replica, in this process."""
        async with worker(self.settings(**changes)).running() as probes:
            yield probes

    async def put(self, name: str, kind: str, options: dict[str, Any], **settings: Any) -> None:
        """Set up a sink, or change it."""
        sink = read_sink({"name": name, "kind": kind, "options": options, **settings})
        before = await self.sinks.get(name)
        revision = before.revision + 1 if before else 1
        assert await self.sinks.put(SinkRecord(name, revision, document(sink), datetime.now(UTC), "test"))

    async def elastic(self, name: str, url: str, **settings: Any) -> None:
        await self.put(
            name, "elastic", {"url": url, "user": "aoc", "password": f"file:{self.folder}/password"}, **settings
        )

    async def splunk(self, name: str, url: str, **settings: Any) -> None:
        options = {"url": url, "token": f"file:{self.folder}/token"} | settings.pop("options", {})
        await self.put(name, "splunk", options, **settings)

    async def state(self, name: str) -> SinkState | None:
        return next((state for state in await self.states.all() if state.name == name), None)

    async def tally(self, name: str, tenant: str = "contoso") -> Tally | None:
        return (await self.accounts.of(name)).get(tenant)

    async def runs(self, name: str) -> bool:
        state = await self.state(name)
        return state is not None and state.health.life == "running"


@asynccontextmanager
async def elastic(faults: RequestFaults | None = None) -> AsyncIterator[tuple[ElasticReceiver, str]]:
    """A receiver, and its address."""
    receiver = ElasticReceiver(faults, user="aoc", password=PASSWORD)
    async with serving(receiver.routes()) as url:
        yield receiver, url


@asynccontextmanager
async def splunk(faults: RequestFaults | None = None) -> AsyncIterator[tuple[SplunkReceiver, str]]:
    """A receiver, and its address."""
    receiver = SplunkReceiver(faults, token=TOKEN)
    async with serving(receiver.routes()) as url:
        yield receiver, url


@asynccontextmanager
async def started(bench: Bench, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A replica in a process of its own, which is killed at the end if it runs still."""
    settings = bench.settings()
    environment = {
        "AOC_NATS__URL": settings.nats.url,
        "AOC_NATS__USER": settings.nats.user or "",
        "AOC_NATS__PASSWORD": settings.nats.password or "",
        "AOC_MONGO__URI": settings.mongo.uri or "",
        "AOC_MONGO__DATABASE": settings.mongo.database,
        "AOC_HEALTH__PORT": "0",
        "AOC_EXPORT__ALLOWED_NETWORKS": '["127.0.0.0/8"]',
        "AOC_EXPORT__SECRET_DIRECTORIES": f'["{bench.folder}"]',
        "AOC_EXPORT__LOOK_S": "0.2",
    }
    with log.open("ab") as written:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "aoc_exporter", env=environment, stdout=written, stderr=written
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()

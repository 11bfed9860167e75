"""The exporter in a run: its sinks send to the simulator's receivers, and are compared with what was published."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import httpx
import orjson

from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_cli.verify import sink_audit, sink_folders, sinks_file
from aoc_cli.verify.sink_alerts import published_alerts, revisions
from aoc_cli.verify.sink_comparison import Arrived, compare_sink, keys, message_key, published
from aoc_cli.verify.sink_folders import SinkFolder
from aoc_common.errors import Transient
from aoc_common.store.mongo.alert_census import MongoAlertCensus
from aoc_common.store.mongo.sink_accounts import MongoSinkAccounts
from aoc_common.store.mongo.sink_states import MongoSinkStates
from aoc_sim.settings import DEFAULT_TENANTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from faststream.nats import NatsBroker

    from aoc_cli.local.stack import DataDirectory
    from aoc_cli.verify.links import Links
    from aoc_cli.verify.proof import Proof
    from aoc_cli.verify.sink_comparison import SinkOutcome
    from aoc_common.contracts.sink_states import SinkState
    from aoc_common.store.mongo.client import Database

#: Share of the records that are stored when a tenant joins every other sink; and seconds after which it joins anyway:
#: it is sent what was published in the ten minutes before.
_JOINS_AT: Final = 0.3
_JOINS_WITHIN_S: Final = 480.0
#: How long the sinks may take behind the rest, seconds: longer than a destination that refuses is left alone.
_DELIVERED_WITHIN_S: Final = 240.0
_POLL_S: Final = 0.3


class Sinks:
    """The sinks of a run, by name; none where there is to be no exporter."""

    def __init__(
        self, names: Sequence[str], data: DataDirectory, report: Callable[[str], None], *, alerts: bool = False
    ) -> None:
        self.names = names
        self._data = ("events", "audit", *(["alerts"] if alerts else []))
        self._entries = [*sink_audit.made_entries()]
        self._report = report
        self._directory = data.path / "sinks"
        self._syslog_port = free_port()
        self._base = ""
        self._joining = set(names[::2])
        self._folders = {name: SinkFolder(name, self._files / name) for name in names if name in sink_folders.NAMES}
        self._began = time.monotonic()

    def receiver_settings(self) -> Mapping[str, str]:
        """Environment of the simulator."""
        return sinks_file.receiver_settings(self._syslog_port) if self.names else {}

    def exporter_settings(self, simulator_port: int) -> Mapping[str, str]:
        """Environment of the exporter, whose sinks file is written: every other sink begins with one tenant."""
        self._base = f"http://{LOOPBACK}:{simulator_port}"
        sinks_file.write_secrets(self._secrets)
        self._write()
        return sinks_file.exporter_settings(self._file, self._secrets, self._files)

    async def begin(self, broker: NatsBroker, database: Database) -> None:
        """Write the audit trail that sinks are to get. Raises `Transient`."""
        if self.names:
            await sink_audit.write(broker, database, self._entries)

    def look(self, share: float) -> None:
        """Add a tenant to every other sink when this share of the records is stored."""
        if self._joining and (share >= _JOINS_AT or time.monotonic() - self._began > _JOINS_WITHIN_S):
            self._report(f"a tenant joins {', '.join(sorted(self._joining))}")
            self._joining.clear()
            self._write()

    async def delivered(self, links: Links) -> None:
        """Wait until every sink has delivered everything, or for as long as there is hope that it will."""
        if not self.names:
            return
        self.look(1.0)
        states = MongoSinkStates(links.database)
        deadline = time.monotonic() + _DELIVERED_WITHIN_S
        complete: datetime | None = None
        wanted, counted = 0, -1
        while time.monotonic() < deadline:
            recorded = sum(len(recorder.messages) for recorder in (links.recorder, links.alert_recorder))
            if recorded != counted:
                counted, wanted = recorded, self._wanted(links)
            try:
                has = await self._counted(links.simulator)
                self._report(f"sinks: {', '.join(f'{name} {count:,}' for name, count in has.items())} of {wanted:,}")
                if min(has.values()) < wanted:
                    complete = None
                else:
                    complete = complete or datetime.now(UTC)
                    by_name = {state.name: state for state in await states.all()}
                    if all(_settled(by_name.get(name), complete) for name in self.names):
                        return
            except (Transient, httpx.TransportError) as error:
                self._report(f"asked in vain: {error}")
            await asyncio.sleep(_POLL_S)

    async def outcome(self, links: Links, proof: Proof, *, killed: bool) -> dict[str, SinkOutcome]:
        """Each sink compared with what `proof` found in the store. The exporter has ended; `killed`: once before."""
        if not self.names:
            return {}
        summary, of_alerts = await _summary(links.simulator), await self._alerts(links.database)
        messages = links.alert_recorder.messages if of_alerts else []
        of_audit = sink_audit.published_entries(self._entries)
        sent = published(links.recorder.messages, proof.stored) | published_alerts(messages) | of_audit
        accounts = MongoSinkAccounts(links.database)
        return {
            name: compare_sink(
                name,
                keys(proof.versions) | of_alerts | of_audit.keys(),
                sent,
                await self._arrived(links.simulator, name),
                (await accounts.of(name)).values(),
                alerts=of_alerts,
                audit=of_audit,
                joined=name in self.names[::2],
                killed=killed,
                faults=summary[name]["faults"] if name in summary else None,
            )
            for name in self.names
        }

    def _wanted(self, links: Links) -> int:
        """How many versions, revisions and entries were published."""
        events = {message_key(message) for message in links.recorder.messages} - {None}
        messages = links.alert_recorder.messages if "alerts" in self._data else []
        alerts = {message.key for message in messages}
        return len(events) + len(alerts) + len(self._entries)

    async def _alerts(self, database: Database) -> set[str]:
        """The keys of all revisions that are stored, where sinks get them."""
        if "alerts" not in self._data:
            return set()
        return revisions([one.alert async for one in MongoAlertCensus(database).alerts()])

    async def _counted(self, simulator: httpx.AsyncClient) -> dict[str, int]:
        """How many events each sink has."""
        taken = {name: one["keys"] for name, one in (await _summary(simulator)).items() if name in self.names}
        return taken | {name: await asyncio.to_thread(folder.count) for name, folder in self._folders.items()}

    async def _arrived(self, simulator: httpx.AsyncClient, name: str) -> Mapping[str, Arrived]:
        folder = self._folders.get(name)
        return await _fetched(simulator, name) if folder is None else await asyncio.to_thread(folder.arrived)

    @property
    def _secrets(self) -> Path:
        return self._directory / "secrets"

    @property
    def _files(self) -> Path:
        return self._directory / "files"

    @property
    def _file(self) -> Path:
        return self._directory / "sinks.yaml"

    def _write(self) -> None:
        """Write the file as a whole: an exporter may read it at any moment."""
        first = [DEFAULT_TENANTS[0].slug]
        tenants = {
            name: first if name in self._joining else [one.slug for one in DEFAULT_TENANTS] for name in self.names[::2]
        }
        new = self._file.with_suffix(".new")
        content = sinks_file.content(
            self.names, self._base, self._syslog_port, self._secrets, self._files, tenants, self._data
        )
        new.write_text(content)
        new.replace(self._file)


def _settled(state: SinkState | None, since: datetime) -> bool:
    """Whether a sink has said since then that nothing waits."""
    if state is None or state.seen_at < since:
        return False
    return state.health.life == "running" and not state.health.waiting and state.health.oldest_at is None


async def _summary(simulator: httpx.AsyncClient) -> dict[str, Any]:
    answer: dict[str, Any] = (await simulator.get("/_taken")).raise_for_status().json()["receivers"]
    return answer


async def _fetched(simulator: httpx.AsyncClient, name: str) -> dict[str, Arrived]:
    found: dict[str, Arrived] = {}
    async with simulator.stream("GET", f"/_taken/{name}") as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            one = orjson.loads(line)
            found[one["key"]] = Arrived(one["times"], one["fields"], one["text"], one["cut"], one["differs"])
    return found

"""Which sinks there are now: those of the file, and those of the database. Of one name, the file's counts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aoc_common.contracts.sinks import read_sink
from aoc_common.errors import BadConfiguration
from aoc_common.telemetry import logs
from aoc_exporter import metrics
from aoc_exporter.sinks_file import read_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from aoc_common.contracts.sink_states import Origin
    from aoc_common.contracts.sinks import SinkSettings
    from aoc_common.store.sinks import SinkStore

_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Listed:
    """A sink that there is to be, and where it stands."""

    settings: SinkSettings
    origin: Origin


class Catalogue:
    """Follows file and database. What cannot be read leaves what is known as it is, and is said once."""

    def __init__(self, file: Path | None, store: SinkStore) -> None:
        self._file = file
        self._store = store
        self._of_file: list[SinkSettings] = []
        self._of_store: Mapping[str, Listed] = {}
        self._complaints: frozenset[str] = frozenset()

    async def start(self) -> None:
        """Read the file for the first time. Raises `BadConfiguration`."""
        if self._file is not None:
            self._of_file = await asyncio.to_thread(read_file, self._file)

    async def sinks(self) -> Mapping[str, Listed]:
        """Name -> sink. Raises `Transient` when the database is away."""
        complaints = set[str]()
        await self._read_file(complaints)
        listed = dict[str, Listed]()
        for record in await self._store.all():
            try:
                settings = read_sink(dict(record.settings), f"sink {record.name}")
            except BadConfiguration as error:
                complaints.add(str(error))
                if (before := self._of_store.get(record.name)) is not None:
                    listed[record.name] = before
            else:
                listed[record.name] = Listed(settings, "store")
        self._of_store = listed
        self._complain(frozenset(complaints))
        return listed | {sink.name: Listed(sink, "file") for sink in self._of_file}

    async def _read_file(self, complaints: set[str]) -> None:
        if self._file is None:
            return
        try:
            self._of_file = await asyncio.to_thread(read_file, self._file)
        except BadConfiguration as error:
            complaints.add(str(error))

    def _complain(self, complaints: frozenset[str]) -> None:
        metrics.SINKS_UNREADABLE.set(bool(complaints))
        for one in sorted(complaints - self._complaints):
            _log.error("sinks.unreadable", error=one, hint="what was read before stays")
        self._complaints = complaints

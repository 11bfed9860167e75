"""Dead letters of sinks: entries that a destination will never take, with its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.contracts.jobs import ExportJob
from aoc_common.service.job_letters import JobLetters
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from aoc_common.bus.dead_letters import DeadLetterRecorder
    from aoc_common.clock import Clock
    from aoc_exporter.entry import Entry

_log = logs.get(__name__)


class SinkDeadLetters:
    """Puts them on record. `js`: the bus, once it is connected."""

    def __init__(self, account: DeadLetterRecorder, js: Callable[[], Any], clock: Clock) -> None:
        self._letters = JobLetters("exporter", account, js, clock)

    async def put(self, sink: str, entry: Entry, words: str, sequence: int) -> None:
        """One entry is given up. Idempotent. Raises `Transient`."""
        job = ExportJob(tenant=entry.tenant, sink=sink, event=entry.id, revision=entry.revision, digest=entry.digest)
        await self._letters.put(job, f"sink {sink}: {words}", source=entry.source, sequence=sequence)
        _log.warning("entry.refused", sink=sink, tenant=entry.tenant, entry=entry.key, words=words)

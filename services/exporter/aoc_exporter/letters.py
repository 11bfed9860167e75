"""Dead letters of sinks: entries that a destination will never take, with its own words.

A letter is of a job, "send this entry to this sink": who decides to retry it puts that job on the bus, and nobody else
who reads AOC_EVENTS sees the event a second time.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from aoc_common.bus.dead_letters import copy_of
from aoc_common.bus.publish import publish_all
from aoc_common.contracts import subjects
from aoc_common.contracts.dead_letters import DeadLetter
from aoc_common.contracts.jobs import ExportJob
from aoc_common.telemetry import logs, metrics

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from aoc_common.bus.dead_letters import DeadLetterRecorder
    from aoc_common.clock import Clock
    from aoc_exporter.entry import Entry

_log = logs.get(__name__)
_SERVICE: Final = "exporter"


class Letters:
    """Puts dead letters on record, and copies them to AOC_DLQ. `js`: the bus, once it is connected."""

    def __init__(self, account: DeadLetterRecorder, js: Callable[[], Any], clock: Clock) -> None:
        self._account = account
        self._js = js
        self._clock = clock

    async def put(self, sink: str, entry: Entry, words: str, sequence: int) -> None:
        """One entry is given up. Idempotent. Raises `Transient`."""
        letter = self._letter(sink, entry, words, sequence)
        recorded = await self._account.put(letter)
        [ack] = await publish_all(self._js(), subjects.DLQ_STREAM, [copy_of(letter)])
        if not recorded:
            await self._account.copied(letter, ack.seq)
        metrics.BUS_DEAD_LETTERS.labels(_SERVICE).inc()
        _log.warning("entry.refused", sink=sink, tenant=entry.tenant, entry=entry.key, words=words)

    def _letter(self, sink: str, entry: Entry, words: str, sequence: int) -> DeadLetter:
        job = ExportJob(tenant=entry.tenant, sink=sink, event=entry.id, revision=entry.revision, digest=entry.digest)
        named = blake2b(job.subject.encode(), digest_size=12).hexdigest()
        return DeadLetter(
            key=f"{_SERVICE}-{named}",
            service=_SERVICE,
            tenant=entry.tenant,
            source=entry.source,
            slice_id="",
            stream=subjects.JOBS_STREAM,
            sequence=sequence,
            subject=job.subject,
            reason=f"sink {sink}: {words}",
            headers={"Aoc-Tenant": entry.tenant, "Aoc-Source": entry.source},
            body=job.model_dump_json().encode(),
            at=self._clock.now(),
        )

"""Dead letters of jobs: what a destination will never take, with its own words.

A letter is of a job, "send this there": who decides to retry it puts that job on the bus, and nobody else sees the
event or the alert a second time.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from aoc_common.bus.dead_letters import copy_of
from aoc_common.bus.publish import publish_all
from aoc_common.contracts import subjects
from aoc_common.contracts.dead_letters import DeadLetter
from aoc_common.telemetry import metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_common.bus.dead_letters import DeadLetterRecorder
    from aoc_common.clock import Clock
    from aoc_common.contracts.jobs import ExportJob, NotifyJob


class JobLetters:
    """Puts dead letters of a service on record, and copies them to AOC_DLQ. `js`: the bus, once it is connected."""

    def __init__(self, service: str, account: DeadLetterRecorder, js: Callable[[], Any], clock: Clock) -> None:
        self._service = service
        self._account = account
        self._js = js
        self._clock = clock

    async def put(self, job: ExportJob | NotifyJob, reason: str, *, source: str = "", sequence: int = 0) -> None:
        """What the job asks for is given up. Idempotent. Raises `Transient`.

        `source`, `sequence`: of the event, where it is one.
        """
        letter = self._letter(job, reason, source, sequence)
        recorded = await self._account.put(letter)
        [ack] = await publish_all(self._js(), subjects.DLQ_STREAM, [copy_of(letter)])
        if not recorded:
            await self._account.copied(letter, ack.seq)
        metrics.BUS_DEAD_LETTERS.labels(self._service).inc()

    def _letter(self, job: ExportJob | NotifyJob, reason: str, source: str, sequence: int) -> DeadLetter:
        named = blake2b(job.subject.encode(), digest_size=12).hexdigest()
        return DeadLetter(
            key=f"{self._service}-{named}",
            service=self._service,
            tenant=job.tenant,
            source=source,
            slice_id="",
            stream=subjects.JOBS_STREAM,
            sequence=sequence,
            subject=job.subject,
            reason=reason,
            headers={"Aoc-Tenant": job.tenant} | ({"Aoc-Source": source} if source else {}),
            body=job.model_dump_json().encode(),
            at=self._clock.now(),
        )

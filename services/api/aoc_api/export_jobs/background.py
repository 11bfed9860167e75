"""Exports in the background: takes the next job while fewer run than may, and puts down what becomes of each.

A gateway that is killed lets its lease run out, and the next one begins the job again, with a file of its own; what the
first one has written is never read. A job that gateways die of is given up after a few times.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from aoc_api import metrics
from aoc_api.access.principal import Principal
from aoc_api.audit.acts import Act, Action
from aoc_api.audit.spool import SpoolFull
from aoc_api.export_jobs.making import Lost
from aoc_common.errors import Permanent, Transient
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from aoc_api.audit.trail import AuditTrail
    from aoc_api.export.stores import ExportStores
    from aoc_api.export_jobs.making import Making
    from aoc_api.settings import ExportJobOptions
    from aoc_common.clock import Clock
    from aoc_common.store.export_jobs import ExportJob

_log = logs.get(__name__)

#: What one that is streamed is called, too: the receipt of both is found by it.
_ACTION: Final = Action("events.export", "read")
#: Times that a job is begun.
_ATTEMPTS: Final = 5
#: Seconds between two looks for a job: while the store answers, and while it is away.
_SOON_S: Final = 1.0
_AWAY_S: Final = 5.0
#: Seconds in which a job may be given back at a stop; else its lease runs out.
_LAST_S: Final = 3.0
_OK: Final = 200
_FAULT: Final = "a fault of the gateway; its log has the details"


class BackgroundExports:
    """The jobs of this gateway."""

    def __init__(
        self, stores: ExportStores, making: Making, trail: AuditTrail, options: ExportJobOptions, clock: Clock
    ) -> None:
        self._stores = stores
        self._making = making
        self._trail = trail
        self._options = options
        self._clock = clock
        self._running: dict[asyncio.Task[None], str] = {}
        self._away = False

    @asynccontextmanager
    async def stopped_at_the_end(self) -> AsyncIterator[None]:
        """On leaving, jobs that run are given back."""
        try:
            yield
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    def pause_s(self) -> float:
        """Seconds until the next look."""
        return _AWAY_S if self._away else _SOON_S

    async def look(self) -> None:
        """Begin jobs, while fewer run than may. Raises `Transient`."""
        self._away = True
        while len(self._running) < self._options.at_once and (job := await self._taken()):
            task = asyncio.create_task(self._run(job), name=f"export {job.id}")
            self._running[task] = job.owner.id
            task.add_done_callback(self._ended)
        self._away = False

    async def sweep(self) -> None:
        """Remove what has expired. Raises `Transient`."""
        for job in await self._stores.work.expired(self._clock.now()):
            await self._stores.parts.remove(job.tenant, job.id)
            await self._stores.work.forget(job)

    async def _taken(self) -> ExportJob | None:
        # One of an owner at a time: who asks for many does not make others wait for all of them.
        return await self._stores.work.take(self._clock.now(), set(self._running.values()))

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("export_job.failed", job=task.get_name(), exc_info=error)

    async def _run(self, job: ExportJob) -> None:
        """Make a job; whatever becomes of it is put down."""
        try:
            await self._done(job)
        except Lost:
            metrics.EXPORT_JOBS.labels("lost").inc()
            await self._stores.parts.remove_attempt(job)
        except Permanent as error:
            await self._fail(job, str(error))
        except Transient as error:
            await self._requeue(job, error)
        except asyncio.CancelledError:
            with suppress(Transient, TimeoutError):
                async with asyncio.timeout(_LAST_S):
                    await self._stores.work.end(_waiting(job, self._clock.now()))
            raise
        except Exception:
            await self._fail(job, _FAULT)
            raise

    async def _done(self, job: ExportJob) -> None:
        """Make a job, and put it down as done. Raises `Lost`, `Permanent`, `Transient`, `SpoolFull`."""
        with self._trail.admitted() as room:
            if not room:
                raise SpoolFull("there is no room in the audit trail")
            self._note(job, "begun")
            done = await self._made(job)
            # Before anybody can fetch it.
            self._note(done, "whole")
        if not await self._stores.work.end(done):
            raise Lost
        metrics.EXPORT_JOBS.labels("done").inc()
        await self._stores.parts.remove(job.tenant, job.id, but=job.attempt)

    async def _made(self, job: ExportJob) -> ExportJob:
        try:
            return await self._making.make(job)
        except BaseException as error:
            self._note_at_last(job, f"; {_reason(error)}")
            raise

    async def _requeue(self, job: ExportJob, error: Transient) -> None:
        """Let it be begun again. Raises `Transient`: then it is when its lease has run out."""
        _log.warning("export_job.broken_off", job=job.id, attempt=job.attempt, error=str(error))
        if job.attempt >= _ATTEMPTS:
            await self._fail(
                job, f"it was begun {job.attempt} times, and broken off each time; at last: {_reason(error)}"
            )
            return
        metrics.EXPORT_JOBS.labels("again").inc()
        await self._stores.work.end(_waiting(job, self._clock.now()))

    async def _fail(self, job: ExportJob, why: str) -> None:
        now = self._clock.now()
        _log.warning("export_job.failed", job=job.id, error=why)
        metrics.EXPORT_JOBS.labels("failed").inc()
        ended = replace(job, state="failed", reason=why, events=0, size=0, changed_at=now)
        await self._stores.work.end(replace(ended, expires_at=now + self._options.retention))
        await self._stores.parts.remove_attempt(job)

    def _note_at_last(self, job: ExportJob, why: str) -> None:
        try:
            self._note(job, "broken off", why)
        except SpoolFull as error:
            _log.error("audit_trail.full", error=str(error))  # how the job ends is not changed by it

    def _note(self, job: ExportJob, ended: Literal["begun", "whole", "broken off"], why: str = "") -> None:
        """Note what becomes of a job. Raises `SpoolFull`."""
        owner = job.owner
        directory = owner.person.directory_id if owner.person else None
        asked = "&".join(f"{name}={value}" for name, value in sorted(job.parameters.items()))
        act = Act(
            action=_ACTION,
            at=self._clock.now(),
            status=_OK,
            request_id=job.id,
            tenant=job.tenant,
            principal=Principal(owner.kind, owner.id, owner.name, (), directory),
            address=owner.address,
            asked=f"POST /api/exports?{asked}",
            rows=job.events if ended == "whole" else None,
            about=f"as {job.form}, in the background, begin {job.attempt}{why}",
            digest=job.sha256,
            ended=ended,
        )
        self._trail.note(act)


def _waiting(job: ExportJob, now: datetime) -> ExportJob:
    """A job that waits, as if it had not been begun."""
    return replace(job, state="waiting", events=0, size=0, changed_at=now)


def _reason(error: BaseException) -> str:
    """Why a job broke off, as its owner and the audit trail may be told: nothing of what lies behind the gateway."""
    if isinstance(error, Permanent):
        return str(error)
    if isinstance(error, SpoolFull):
        return "it could not be noted in the audit trail"
    if isinstance(error, Transient):
        return "the store did not answer"
    if isinstance(error, Lost):
        return "it was removed, or another gateway has it"
    return "the gateway stopped" if isinstance(error, asyncio.CancelledError) else _FAULT

"""One export that is made in the background: written into parts in the store, with its owner's rights of now."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aoc_api.access.note import Note
from aoc_api.export.asked import columns
from aoc_api.export.encodings import Identity
from aoc_api.export.formats import FORMATS, Format
from aoc_api.export.pages import pages
from aoc_api.export.rights import Rights, RightsLost
from aoc_api.export.stream import CutOff, Export
from aoc_api.filters import remembered
from aoc_api.problems import Problem
from aoc_common.errors import Permanent, Transient
from aoc_common.store.export_parts import PART_BYTES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from aoc_api.access.policy import AccessPolicy
    from aoc_api.access.principal import Principal
    from aoc_api.admission import Admission
    from aoc_api.export.stores import ExportStores
    from aoc_api.settings import ExportJobOptions
    from aoc_common.clock import Clock
    from aoc_common.contracts.access import Scope
    from aoc_common.contracts.event import StoredEvent
    from aoc_common.store.export_jobs import ExportJob, ExportOwner
    from aoc_common.store.searches import EventSearch

type OwnerNow = Callable[[ExportOwner], Awaitable[Principal]]
"""Who asked, as what he may do now. Raises a problem when that is nothing, for good; `Transient`."""

#: Seconds between two renewals of the lease, which lasts for thirty.
_RENEWED_S: Final = 5.0
#: Above the time that a job and its file can last: when parts that nobody removes are removed by the store.
_SLACK: Final = timedelta(hours=2)


class Lost(Exception):  # noqa: N818  # what became of the job
    """The job is another gateway's, or was removed: what was written of it counts for nothing."""


@dataclass(slots=True)
class _File:
    """What has been written of a file. `limit`: bytes that it may have."""

    job: ExportJob
    limit: int
    size: int = 0
    parts: int = 0
    held: bytearray = field(default_factory=bytearray)
    note: Note = field(default_factory=Note)

    @property
    def progress(self) -> ExportJob:
        """The job with what there is of its file by now."""
        return replace(self.job, events=self.note.rows or 0, size=self.size)


class Making:
    """Makes exports of this gateway."""

    def __init__(
        self,
        stores: ExportStores,
        search: EventSearch,
        admission: Admission,
        policy: AccessPolicy,
        owner_now: OwnerNow,
        options: ExportJobOptions,
        clock: Clock,
    ) -> None:
        self._stores = stores
        self._search = search
        self._admission = admission
        self._policy = policy
        self._owner_now = owner_now
        self._options = options
        self._clock = clock

    async def make(self, job: ExportJob) -> ExportJob:
        """Write the file of a job that was taken. The job as it is done, not put down yet.

        Raises `Lost`, `Permanent` when it cannot be made, and `Transient` when it may be at another time.
        """
        ends = job.made_at + self._options.longest
        try:
            async with asyncio.timeout((ends - self._clock.now()).total_seconds()), asyncio.TaskGroup() as group:
                kept = await self._stores.jobs.bytes_of(job.owner.id, self._clock.now())
                file = _File(job, self._options.bytes_per_caller - kept)
                keeping = group.create_task(self._keep(file))
                scope = await self._write(file)
                keeping.cancel()
        except TimeoutError:
            raise Permanent(f"it was not made within {self._options.longest_h:g} hours") from None
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        now = self._clock.now()
        expires = now + self._options.retention
        done = replace(file.progress, state="done", sha256=file.note.digest, hidden=scope.hidden)
        return replace(done, changed_at=now, expires_at=expires)

    async def _keep(self, file: _File) -> None:
        """Renew the lease until cancelled. Raises `Lost`. A store that is away for a moment is asked again."""
        failed = 0
        while True:
            await self._clock.sleep(_RENEWED_S)
            try:
                if not await self._stores.work.keep(file.progress, self._clock.now()):
                    raise Lost
            except Transient:
                failed += 1
                if failed > 1:
                    raise
            else:
                failed = 0

    async def _write(self, file: _File) -> Scope:
        job = file.job
        scope = await self._scope(job)
        rights = Rights(scope, lambda: self._scope(job), self._clock.monotonic)
        form = Format(job.form)
        kind = FORMATS[form]
        try:
            query = remembered(job.parameters).of(scope).query
            writing = await asyncio.to_thread(kind.make, columns(form, job.fields))
        except Problem as problem:
            raise Permanent(f"this cannot be asked any more: {problem.detail}") from None
        pace = self._admission.in_background(job.owner.id)
        following = pages(self._search, query, pace, rights, raw=kind.raw)
        first: Sequence[StoredEvent] = await anext(following, [])
        try:
            async with aclosing(Export(writing, Identity()).chunks(first, following, file.note)) as chunks:
                async for chunk in chunks:
                    await self._take(file, chunk)
        except CutOff as cut:
            raise cut.__cause__ or cut from None
        if file.held:
            await self._store(file)
        return scope

    async def _scope(self, job: ExportJob) -> Scope:
        """The job's tenant as its owner may see it now. Raises `RightsLost`."""
        try:
            return await self._policy.scope(await self._owner_now(job.owner), job.tenant, "reader")
        except Problem as problem:
            raise RightsLost(f"the right to read was taken away: {problem.detail}") from None

    async def _take(self, file: _File, chunk: bytes) -> None:
        file.size += len(chunk)
        if file.size > file.limit:
            raise Permanent(
                f"after {file.note.rows or 0} events your files have {self._options.bytes_per_caller:,} bytes, which "
                "is as much as one may keep (AOC_API__EXPORT_JOBS__BYTES_PER_CALLER): remove others, ask for less, or "
                "for parquet, or take GET /api/events/export, which keeps nothing"
            )
        file.held += chunk
        while len(file.held) >= PART_BYTES:
            await self._store(file)

    async def _store(self, file: _File) -> None:
        until = file.job.made_at + self._options.longest + self._options.retention + _SLACK
        await self._stores.parts.put(file.job, file.parts, bytes(file.held[:PART_BYTES]), until)
        del file.held[:PART_BYTES]
        file.parts += 1

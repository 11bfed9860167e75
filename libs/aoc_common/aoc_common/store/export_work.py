"""The work on exports in the background, which gateways share. A job is one gateway's while that renews its lease.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from aoc_common.store.export_jobs import ExportJob


class ExportWork(Protocol):
    """Work of one gateway, its holder."""

    async def take(self, now: datetime, busy: Collection[str]) -> ExportJob | None:
        """Take the oldest job that nobody works on, of no owner of `busy`, as its next attempt; None: there is none."""
        ...

    async def keep(self, job: ExportJob, now: datetime) -> bool:
        """Keep a job that was taken, and note how far it is. False: it is another one's, or is not there any more."""
        ...

    async def end(self, job: ExportJob) -> bool:
        """Put down how a job ended, or that it waits again. False as of `keep`: then nothing of it counts."""
        ...

    async def expired(self, now: datetime) -> list[ExportJob]:
        """Jobs that have expired, some of them."""
        ...

    async def forget(self, job: ExportJob) -> None:
        """Remove a job that has expired. Idempotent."""
        ...

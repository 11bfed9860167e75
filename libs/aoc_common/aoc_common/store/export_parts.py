"""The files of exports, in parts of one size, but for the last one.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from aoc_common.store.export_jobs import ExportJob

#: Bytes of a part.
PART_BYTES: Final = 1 << 20


class ExportParts(Protocol):
    """Holds the parts of what each attempt at a job has written."""

    async def put(self, job: ExportJob, number: int, data: bytes, until: datetime) -> None:
        """Store a part, from 0 on, of the attempt that a job is at. `until`: when the store removes it by itself."""
        ...

    async def get(self, job: ExportJob, number: int) -> bytes | None:
        """A part; None where there is none (any more)."""
        ...

    async def remove(self, tenant: str, job_id: str, *, but: int | None = None) -> None:
        """Remove the parts of a job, but those of this attempt. Idempotent."""
        ...

    async def remove_attempt(self, job: ExportJob) -> None:
        """Remove what the attempt that a job is at has written. Idempotent."""
        ...

"""The `export_parts` collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.mongo.client import Database, Document, translated

if TYPE_CHECKING:
    from datetime import datetime

    from aoc_common.store.export_jobs import ExportJob


class MongoExportParts:
    """`ExportParts` over `export_parts`."""

    def __init__(self, database: Database) -> None:
        self._parts = database["export_parts"]

    async def put(self, job: ExportJob, number: int, data: bytes, until: datetime) -> None:
        """Store a part of the attempt that a job is at."""
        part = {"_id": _id(job, number), "tenant": check_tenant(job.tenant), "job": job.id, "attempt": job.attempt}
        with translated("export_parts"):
            await self._parts.insert_one({**part, "data": data, "expire_at": until})

    async def get(self, job: ExportJob, number: int) -> bytes | None:
        """A part; None where there is none."""
        with translated("export_parts"):
            found = await self._parts.find_one(
                {"_id": _id(job, number), "tenant": check_tenant(job.tenant)}, {"data": 1}
            )
        return None if found is None else bytes(found["data"])

    async def remove(self, tenant: str, job_id: str, *, but: int | None = None) -> None:
        """Remove the parts of a job, but those of this attempt."""
        others: Document = {} if but is None else {"attempt": {"$ne": but}}
        with translated("export_parts"):
            await self._parts.delete_many({"tenant": check_tenant(tenant), "job": job_id, **others})

    async def remove_attempt(self, job: ExportJob) -> None:
        """Remove what the attempt that a job is at has written."""
        its = {"tenant": check_tenant(job.tenant), "job": job.id, "attempt": job.attempt}
        with translated("export_parts"):
            await self._parts.delete_many(its)


def _id(job: ExportJob, number: int) -> str:
    return f"{job.id}/{job.attempt}/{number}"

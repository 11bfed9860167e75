"""The `export_jobs` collection."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

from pymongo import ASCENDING, DESCENDING, ReturnDocument

from aoc_common.contracts.access import Hidden
from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.export_jobs import ExportJob, ExportOwner
from aoc_common.store.mongo.access_documents import person_from, person_to
from aoc_common.store.mongo.client import Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

#: How long a job is held by a gateway that says nothing any more.
LEASE: Final = timedelta(seconds=30)
#: When the store removes a job by itself that no gateway has removed before.
_BACKSTOP: Final = timedelta(hours=1)
_SHOWN: Final = 1_000
_SWEPT: Final = 20
_HIDDEN: Final = ("services", "operations", "fields")


class MongoExportJobs:
    """`ExportJobStore` over `export_jobs`."""

    def __init__(self, database: Database) -> None:
        self._jobs = database["export_jobs"]

    async def add(self, job: ExportJob, most: int) -> bool:
        """Keep a new one; False, and it is not kept, where its owner would have more than `most`."""
        with translated("export_jobs"):
            await self._jobs.insert_one(
                {"_id": job.id, "tenant": check_tenant(job.tenant), **_fixed(job), **_state(job)}
            )
            # Counted behind the insert: of two that come at once none is overlooked.
            if await self._jobs.count_documents(_of(job.owner.id, job.made_at), limit=most + 1) <= most:
                return True
            await self._jobs.delete_one({"_id": job.id, "tenant": job.tenant})
        return False

    async def get(self, tenant: str, owner: str, job_id: str, now: datetime) -> ExportJob | None:
        """One of an owner's that has not expired."""
        wanted = {"_id": job_id, "tenant": check_tenant(tenant), **_of(owner, now)}
        with translated("export_jobs"):
            document = await self._jobs.find_one(wanted)
        return None if document is None else _job(document)

    async def listed(self, tenant: str, owner: str, now: datetime) -> list[ExportJob]:
        """Those of an owner about a tenant that have not expired, the newest first."""
        wanted = {"tenant": check_tenant(tenant), **_of(owner, now)}
        order = [("made_at", DESCENDING), ("_id", DESCENDING)]
        with translated("export_jobs"):
            return [_job(document) for document in await self._jobs.find(wanted).sort(order).to_list(_SHOWN)]

    async def bytes_of(self, owner: str, now: datetime) -> int:
        """Bytes of all files of an owner."""
        with translated("export_jobs"):
            sizes = await self._jobs.find(_of(owner, now), {"size": 1}).to_list(_SHOWN)
        return sum(document["size"] for document in sizes)

    async def remove(self, tenant: str, owner: str, job_id: str) -> bool:
        """Remove one of an owner's; False where there is none."""
        wanted = {"_id": job_id, "tenant": check_tenant(tenant), "owner": owner}
        with translated("export_jobs"):
            return bool((await self._jobs.delete_one(wanted)).deleted_count)


class MongoExportWork:
    """`ExportWork` over `export_jobs`. Each instance is a holder of its own."""

    def __init__(self, database: Database) -> None:
        self._jobs = database["export_jobs"]
        self._holder = token_hex(8)

    async def take(self, now: datetime, busy: Collection[str]) -> ExportJob | None:
        """Take the oldest job that nobody works on, of no owner of `busy`; None: there is none."""
        free = [{"state": "waiting"}, {"state": "running", "held_until": {"$lte": now}}]
        taken = {"state": "running", "holder": self._holder, "held_until": now + LEASE, "changed_at": now}
        with translated("export_jobs"):
            document = await self._jobs.find_one_and_update(
                {"$or": free, "owner": {"$nin": sorted(busy)}, "expires_at": {"$gt": now}},
                {"$set": {**taken, "events": 0, "size": 0, "sha256": ""}, "$inc": {"attempt": 1}},
                sort=[("made_at", ASCENDING)],
                return_document=ReturnDocument.AFTER,
            )
        return None if document is None else _job(document)

    async def keep(self, job: ExportJob, now: datetime) -> bool:
        """Keep a job that was taken, and note how far it is; False: it is not one's own any more."""
        kept = {"held_until": now + LEASE, "changed_at": now, "events": job.events, "size": job.size}
        with translated("export_jobs"):
            return bool((await self._jobs.update_one(self._mine(job), {"$set": kept})).matched_count)

    async def end(self, job: ExportJob) -> bool:
        """Put down how a job ended, or that it waits again; False as of `keep`."""
        with translated("export_jobs"):
            return bool((await self._jobs.update_one(self._mine(job), {"$set": _state(job)})).matched_count)

    async def expired(self, now: datetime) -> list[ExportJob]:
        """Jobs that have expired, some of them."""
        with translated("export_jobs"):
            found = await self._jobs.find({"expires_at": {"$lte": now}}).limit(_SWEPT).to_list(None)
        return [_job(document) for document in found]

    async def forget(self, job: ExportJob) -> None:
        """Remove a job that has expired."""
        with translated("export_jobs"):
            await self._jobs.delete_one({"_id": job.id, "tenant": job.tenant, "expires_at": job.expires_at})

    def _mine(self, job: ExportJob) -> Document:
        its = {"_id": job.id, "tenant": job.tenant, "attempt": job.attempt}
        return {**its, "holder": self._holder, "state": "running"}


def _of(owner: str, now: datetime) -> Document:
    return {"owner": owner, "expires_at": {"$gt": now}}


def _fixed(job: ExportJob) -> Document:
    """What of a job never changes."""
    owner = job.owner
    return {
        "owner": owner.id,
        "owner_kind": owner.kind,
        "owner_name": owner.name,
        "person": None if owner.person is None else person_to(owner.person),
        "address": owner.address,
        "parameters": dict(job.parameters),
        "form": job.form,
        "fields": job.fields,
        "made_at": job.made_at,
        "attempt": job.attempt,
    }


def _state(job: ExportJob) -> Document:
    return {
        "state": job.state,
        "changed_at": job.changed_at,
        "events": job.events,
        "size": job.size,
        "sha256": job.sha256,
        "hidden": {name: sorted(getattr(job.hidden, name)) for name in _HIDDEN},
        "reason": job.reason,
        "expires_at": job.expires_at,
        "forget_at": job.expires_at + _BACKSTOP,
    }


def _job(document: Mapping[str, Any]) -> ExportJob:
    person = document["person"]
    owner = ExportOwner(
        kind=document["owner_kind"],
        id=document["owner"],
        name=document["owner_name"],
        person=None if person is None else person_from(person),
        address=document["address"],
    )
    names = ("tenant", "parameters", "form", "fields", "made_at", "expires_at", "state", "attempt", "changed_at")
    numbers = ("events", "size", "sha256", "reason")
    job = ExportJob(id=document["_id"], owner=owner, **{name: document[name] for name in (*names, *numbers)})
    hidden = Hidden(**{name: frozenset(document["hidden"][name]) for name in _HIDDEN})
    return replace(job, hidden=hidden)

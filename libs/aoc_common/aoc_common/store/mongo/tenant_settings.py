"""The registry of tenants: a document for each in `tenant_settings`, which the gateway writes and all services read.

A change is one write of one document, guarded by its revision; the newest changes are in the document, so that none is
without its author. A deleted tenant leaves its document: what is still on its way is known by it.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.mongo.client import Database, Document, check_known, translated
from aoc_common.tenants.records import HISTORY, Adding, TenantRecord, TenantRevision

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

#: No tenant has such a name.
_ADDING: Final = "#adding"
#: For how long a tenant that is just being added is counted before its record is there.
_RESERVED: Final = timedelta(minutes=1)
_MOST: Final = 100_000


class MongoTenantSettings:
    """`TenantSettingsStore` over `tenant_settings`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tenants = database["tenant_settings"]

    async def record(self, name: str) -> TenantRecord | None:
        """A tenant's record."""
        with translated("tenant settings"):
            document = await self._tenants.find_one({"_id": check_tenant(name)})
        return None if document is None else _record(document)

    async def changed_since(self, moment: datetime | None) -> list[TenantRecord]:
        """The records that were changed since."""
        check_known(self._database)
        # What is just being added has neither.
        query: Document = {"state": {"$exists": True}} if moment is None else {"changed_at": {"$gte": moment}}
        with translated("tenant settings"):
            documents = await self._tenants.find(query).sort("_id", ASCENDING).to_list(_MOST)
        return [_record(document) for document in documents]

    async def put(self, record: TenantRecord) -> bool:
        """Store a record in place of the one before."""
        document = _document(record)
        with translated("tenant settings"):
            if record.revision == 1:
                try:
                    await self._tenants.insert_one(document)
                except DuplicateKeyError:
                    return False
                return True
            before = {"_id": record.name, "revision": record.revision - 1}
            return bool((await self._tenants.replace_one(before, document)).matched_count)

    async def note_proof(self, name: str, revision: int, proof: Mapping[str, Any]) -> None:
        """How far a deletion is."""
        with translated("tenant settings"):
            await self._tenants.update_one({"_id": name, "revision": revision}, {"$set": {"proof": dict(proof)}})

    async def reservation(self, now: datetime) -> tuple[int, Adding | None]:
        """A ticket, and who is just being added."""
        with translated("tenant settings"):
            document = await self._tenants.find_one({"_id": _ADDING})
        if document is None:
            return 0, None
        last = document["last"]
        fresh = abs(now - document["at"]) < _RESERVED
        return document["ticket"], Adding(**last) if fresh else None

    async def reserve(self, ticket: int, adding: Adding, now: datetime) -> bool:
        """Announce a tenant."""
        changes = {"$set": {"ticket": ticket + 1, "last": adding._asdict(), "at": now}}
        with translated("tenant settings"):
            try:
                done = await self._tenants.update_one({"_id": _ADDING, "ticket": ticket}, changes, upsert=not ticket)
            except DuplicateKeyError:
                return False
        return bool(done.matched_count or done.upserted_id is not None)


def _document(record: TenantRecord) -> Document:
    return {
        "_id": check_tenant(record.name),
        "state": record.state,
        "revision": record.revision,
        "added_at": record.added_at,
        "changed_at": record.changed_at,
        "settings": dict(record.settings),
        "history": [{**asdict(one), "fields": list(one.fields)} for one in record.history[:HISTORY]],
        "proof": dict(record.proof),
    }


def _record(document: Document) -> TenantRecord:
    return TenantRecord(
        document["_id"],
        document["state"],
        document["revision"],
        document["added_at"],
        document["changed_at"],
        document["settings"],
        tuple(TenantRevision(**{**one, "fields": tuple(one["fields"])}) for one in document["history"]),
        document.get("proof", {}),
    )

"""The `audit_trail` and `audit_heads` collections. The gateway may insert into the first, and change nothing there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pymongo import ASCENDING, DESCENDING, InsertOne, UpdateOne
from pymongo.errors import BulkWriteError

from aoc_common.contracts.audit import AuditEntry, Chain, Head
from aoc_common.errors import Malformed
from aoc_common.store.audit_heads import KnownHead
from aoc_common.store.audit_trail import AuditQuery, StoredEntry
from aoc_common.store.mongo.client import Database, Document, translated
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Sequence

_log = logs.get(__name__)

_DUPLICATE_KEY: Final = 11000
#: Entries that are read which claim one place.
_CLAIMS: Final = 1_000
#: Members of a stored entry that say again what its text says, so that it can be searched.
_COPIED: Final = ("tenant", "writer", "sequence", "at", "action", "actor", "outcome", "hash")


class MongoAuditTrail:
    """`AuditTrailStore` over `audit_trail`."""

    def __init__(self, database: Database) -> None:
        self._entries = database["audit_trail"]

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        """Store these. An entry whose place somebody else has taken is stored beside it, where the check finds both."""
        with translated("audit trail"):
            if not entries or not (taken := await self._insert([_document(entry) for entry in entries])):
                return
            there: dict[str, Document] = {}
            for tenant in {entry.chain.tenant for entry in entries if entry.id in taken}:
                selected = {"tenant": tenant, "_id": {"$in": [one for one in taken if one.startswith(f"{tenant}/")]}}
                async for document in self._entries.find(selected, {"text": 1}):
                    there[document["_id"]] = document
            beside = [
                _document(entry) | {"_id": f"{entry.id}/{entry.hash}"}
                for entry in entries
                if entry.id in taken and there.get(entry.id, {}).get("text") != entry.text
            ]
            for document in beside:
                _log.error("audit_trail.place_taken", entry=document["_id"])
            if beside:
                await self._insert(beside)

    async def search(self, query: AuditQuery) -> list[AuditEntry]:
        """The entries that match, newest first."""
        where: Document = {"tenant": query.tenant}
        where |= {name: value for name in ("action", "actor", "outcome") if (value := getattr(query, name)) is not None}
        between = {
            **({"$gte": query.start} if query.start else {}),
            **({"$lt": query.end} if query.end else {}),
        }
        if between:
            where["at"] = between
        with translated("audit trail"):
            if query.before is not None:
                last = await self._entries.find_one({"_id": query.before, "tenant": query.tenant}, {"at": 1})
                if last is None:
                    return []
                where["$or"] = [{"at": {"$lt": last["at"]}}, {"at": last["at"], "_id": {"$lt": query.before}}]
            found = self._entries.find(where).sort([("at", DESCENDING), ("_id", DESCENDING)]).limit(query.limit)
            documents = await found.to_list(None)
        stored = map(_stored, documents)
        return [item.entry for item in stored if item.entry is not None]

    async def chain(self, chain: Chain, after: int, limit: int) -> list[StoredEntry]:
        """What is stored of a chain behind this sequence, in order; all that claims the last sequence of it, too."""
        where = {"tenant": chain.tenant, "writer": chain.writer, "sequence": {"$gt": after}}
        order = [("sequence", ASCENDING), ("_id", ASCENDING)]
        with translated("audit trail"):
            documents = await self._entries.find(where).sort(order).limit(limit).to_list(None)
            if len(documents) == limit:
                last = documents[-1]["sequence"]
                same = {**where, "sequence": last, "_id": {"$gt": documents[-1]["_id"]}}
                documents += await self._entries.find(same).sort(order).to_list(_CLAIMS)
        return [_stored(document) for document in documents]

    async def _insert(self, documents: Sequence[Document]) -> set[str]:
        """Insert these; the ids of those whose place is taken."""
        try:
            await self._entries.bulk_write([InsertOne(document) for document in documents], ordered=False)
        except BulkWriteError as error:
            failed = (error.details or {}).get("writeErrors", [])
            if any(failure["code"] != _DUPLICATE_KEY for failure in failed):
                raise
            return {documents[failure["index"]]["_id"] for failure in failed}
        return set()


class MongoAuditHeads:
    """`AuditHeads` over `audit_heads`."""

    def __init__(self, database: Database) -> None:
        self._heads = database["audit_heads"]

    async def note(self, heads: Sequence[Head]) -> None:
        """These are the ends now. `waiting` is there while something is not on the bus."""
        updates = []
        for head in heads:
            end: Document = {"sequence": head.sequence, "hash": head.hash, "waiting": True}
            new = {"tenant": head.chain.tenant, "writer": head.chain.writer, "published": 0}
            updates.append(UpdateOne({"_id": head.chain.id}, {"$setOnInsert": end | new}, upsert=True))
            # What a spool gives again after a restart is no new end.
            updates.append(UpdateOne({"_id": head.chain.id, "sequence": {"$lt": head.sequence}}, {"$set": end}))
        if updates:
            with translated("audit heads"):
                await self._heads.bulk_write(updates)

    async def tenants(self) -> list[str]:
        """About whom there are chains, `INSTALLATION` among them."""
        with translated("audit heads"):
            return sorted(await self._heads.distinct("tenant"))

    async def of_tenant(self, tenant: str, after: str, limit: int) -> list[KnownHead]:
        """The ends of the chains about a tenant."""
        where = {"tenant": tenant, "writer": {"$gt": after}}
        with translated("audit heads"):
            found = self._heads.find(where).sort("writer", ASCENDING).limit(limit)
            return [_head(document) for document in await found.to_list(None)]

    async def unpublished(self, limit: int) -> list[KnownHead]:
        """Chains of which something is not on the bus yet."""
        with translated("audit heads"):
            return [
                _head(document) for document in await self._heads.find({"waiting": True}).limit(limit).to_list(None)
            ]

    async def published(self, chain: Chain, sequence: int) -> None:
        """The chain is on the bus up to this entry."""
        with translated("audit heads"):
            await self._heads.update_one({"_id": chain.id}, {"$max": {"published": sequence}})
            ended = {"_id": chain.id, "sequence": {"$lte": sequence}}
            await self._heads.update_one(ended, {"$unset": {"waiting": ""}})


def _document(entry: AuditEntry) -> Document:
    return {"_id": entry.id, "text": entry.text, **_copied(entry)}


def _copied(entry: AuditEntry) -> Document:
    return {
        "tenant": entry.chain.tenant,
        "writer": entry.chain.writer,
        "sequence": entry.sequence,
        "at": entry.at,
        "action": entry.action,
        "actor": entry.actor,
        "outcome": entry.outcome,
        "hash": entry.hash,
    }


def _stored(document: Document) -> StoredEntry:
    text: Any = document.get("text")
    place = int(document["sequence"])
    try:
        entry = AuditEntry.read(text if isinstance(text, str) else "")
    except Malformed as error:
        return StoredEntry(str(document["_id"]), place, None, f"{document['_id']}: {error}")
    copied = _copied(entry)
    wrong = [name for name in _COPIED if document.get(name) != copied[name]]
    if document["_id"] != entry.id:
        return StoredEntry(str(document["_id"]), place, None, f"{document['_id']} holds the text of {entry.id}")
    if wrong:
        return StoredEntry(
            entry.id, place, None, f"{entry.id} was changed: its text says otherwise about {', '.join(wrong)}"
        )
    return StoredEntry(entry.id, place, entry)


def _head(document: Document) -> KnownHead:
    chain = Chain(document["tenant"], document["writer"])
    return KnownHead(Head(chain, document["sequence"], document["hash"]), document["published"])

"""The `grants` collection.

A document is a grant, by its id. One more, `superadmins`, lists the grants without an end that make a superadmin of
everything: it changes by compare-and-set, so that of two who take the last two back at once, one is refused. A grant is
listed after it was given, and taken off the list before it is taken back: who dies between leaves a list that is too
short, which refuses rather too much, and the next try makes it right.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from itertools import batched
from typing import TYPE_CHECKING, Final

from pymongo import ASCENDING

from aoc_common.store.grants import MOST_GRANTS, Grantee, LastSuperadmin, StoredGrant, TooManyGrants
from aoc_common.store.mongo.access_documents import grant_from, grant_to
from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import Collection

    from aoc_common.contracts.access import Grant

_LIST: Final = {"_id": "superadmins"}
#: How long a grant is listed after its end.
_LISTED: Final = timedelta(days=90)


class MongoGrants:
    """`GrantStore` over `grants`."""

    def __init__(self, database: Database) -> None:
        self._grants = database["grants"]

    async def add(self, grant: StoredGrant) -> None:
        """Give it. Raises `TooManyGrants`."""
        with translated("grants"):
            held = await self._grants.count_documents({"grantee": _key(grant.grantee)}, limit=MOST_GRANTS)
            if held >= MOST_GRANTS:
                raise TooManyGrants(f"{grant.grantee.id} has {MOST_GRANTS:,} grants, which is as many as there can be")
            await self._grants.insert_one(_document(grant))
            if _makes_superadmin(grant.grant):
                await self._grants.update_one(_LIST, {"$addToSet": {"ids": grant.id}}, upsert=True)

    async def remove(self, grant_id: str) -> StoredGrant | None:
        """Take it back; None when there is none. Raises `LastSuperadmin`."""
        grant = await self.get(grant_id)
        if grant is None:
            return None
        with translated("grants"):
            if _makes_superadmin(grant.grant):
                await self._take_off(grant_id)
            await self._grants.delete_one({"_id": grant_id})
        return grant

    async def _take_off(self, grant_id: str) -> None:
        listed = set((await self._grants.find_one(_LIST) or {}).get("ids", ()))
        there = {document["_id"] async for document in self._grants.find({"_id": {"$in": sorted(listed)}}, {"_id": 1})}
        if gone := sorted(listed - there):  # somebody has deleted documents
            await self._grants.update_one(_LIST, {"$pull": {"ids": {"$in": gone}}})
        await self._grants.update_one(_LIST, {"$addToSet": {"ids": grant_id}}, upsert=True)
        others = {**_LIST, "ids.1": {"$exists": True}}
        taken = await self._grants.update_one(others, {"$pull": {"ids": grant_id}})
        if not taken.modified_count:
            raise LastSuperadmin("this is the last superadmin of everything: grant another one the role before")

    async def get(self, grant_id: str) -> StoredGrant | None:
        """One grant, also when it has ended."""
        with translated("grants"):
            document = await self._grants.find_one({"_id": grant_id, "grantee": {"$exists": True}})
        return None if document is None else _stored(document)

    async def of(self, grantees: Collection[Grantee]) -> list[StoredGrant]:
        """All grants of any of them, also those that have ended."""
        found: list[StoredGrant] = []
        with translated("grants"):
            for some in batched(sorted(map(_key, grantees)), BATCH_SIZE):
                documents = await self._grants.find({"grantee": {"$in": list(some)}}).to_list(None)
                found += map(_stored, documents)
        return found

    async def listed(self, after: str, most: int) -> list[StoredGrant]:
        """The next grants, in the order of their ids, behind this one."""
        wanted = {"_id": {"$gt": after}, "grantee": {"$exists": True}}
        with translated("grants"):
            found = await self._grants.find(wanted).sort("_id", ASCENDING).limit(most).to_list(None)
        return [_stored(document) for document in found]


def _key(grantee: Grantee) -> str:
    return f"{grantee.kind} {grantee.id}"


def _makes_superadmin(grant: Grant) -> bool:
    return grant.role == "superadmin" and grant.everything and grant.until is None


def _document(stored: StoredGrant) -> Document:
    grant = stored.grant
    document = {
        "_id": stored.id,
        "grantee": _key(stored.grantee),
        **grant_to(grant),
        "given_by": stored.given_by,
        "given_by_name": stored.given_by_name,
        "given_at": stored.given_at,
        "name": stored.name,
        "reason": stored.reason,
        "directories": dict(stored.directories),
    }
    return document if grant.until is None else document | {"forget_at": grant.until.astimezone(UTC) + _LISTED}


def _stored(document: Document) -> StoredGrant:
    kind, _, identity = document["grantee"].partition(" ")
    return StoredGrant(
        id=document["_id"],
        grantee=Grantee(kind, identity),
        grant=grant_from(document),
        given_by=document["given_by"],
        given_by_name=document["given_by_name"],
        given_at=document["given_at"],
        name=document["name"],
        reason=document["reason"],
        directories=document["directories"],
    )

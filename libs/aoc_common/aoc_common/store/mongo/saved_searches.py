"""The `saved_searches` collection.

`name_key` is unique of a tenant and owner. Documents from before it was have none until they are named again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from aoc_common.contracts.access import Hidden
from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.mongo.client import Database, Document, translated
from aoc_common.store.saved_searches import NameTaken, SavedSearch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class MongoSavedSearches:
    """`SavedSearchStore` over `saved_searches`."""

    def __init__(self, database: Database) -> None:
        self._searches = database["saved_searches"]

    async def add(self, search: SavedSearch, most: int) -> bool:
        """Keep a new one; False, and it is not kept, where its owner would have more than `most` of the tenant.

        Raises `NameTaken`.
        """
        mine = {"tenant": check_tenant(search.tenant), "owner": search.owner}
        with translated("saved_searches"):
            await self._check_older(search)
            try:
                await self._searches.insert_one(_document(search))
            except DuplicateKeyError:
                # Of an insert that the driver had to repeat, the first may have been done.
                if await self._searches.find_one({**mine, "_id": search.id}, {"_id": 1}) is None:
                    raise NameTaken(search.name) from None
            # Counted behind the insert: of two that come at once none is overlooked.
            if await self._searches.count_documents(mine, limit=most + 1) <= most:
                return True
            await self._searches.delete_one({**mine, "_id": search.id})
        return False

    async def replace(self, search: SavedSearch) -> bool:
        """Put this in place of the one with its id, tenant and owner; False where there is none.

        Raises `NameTaken` for a new name that another one has.
        """
        its = {"tenant": check_tenant(search.tenant), "_id": search.id, "owner": search.owner}
        new = _document(search)
        with translated("saved_searches"):
            if (before := await self._searches.find_one(its)) is None:
                return False
            if _search(before).name_key != search.name_key:
                await self._check_older(search)
            elif "name_key" not in before:
                del new["name_key"]  # others of its name may be as old
            try:
                return bool((await self._searches.replace_one(its, new)).matched_count)
            except DuplicateKeyError:
                raise NameTaken(search.name) from None

    async def remove(self, tenant: str, search_id: str) -> bool:
        """Remove it; False where there is none."""
        with translated("saved_searches"):
            done = await self._searches.delete_one({"tenant": check_tenant(tenant), "_id": search_id})
        return bool(done.deleted_count)

    async def get(self, tenant: str, search_id: str) -> SavedSearch | None:
        """One of a tenant's."""
        with translated("saved_searches"):
            document = await self._searches.find_one({"tenant": check_tenant(tenant), "_id": search_id})
        return None if document is None else _search(document)

    async def listed(self, tenant: str, owner: str | None, after: str, most: int) -> list[SavedSearch]:
        """Those of an owner, or, of None, the shared ones of all: those whose ids follow `after`, by id."""
        whose: Document = {"shared": True} if owner is None else {"owner": owner}
        wanted = {"tenant": check_tenant(tenant), **whose, "_id": {"$gt": after}}
        with translated("saved_searches"):
            found = await self._searches.find(wanted).sort("_id", ASCENDING).limit(most).to_list(None)
        return [_search(document) for document in found]

    async def _check_older(self, search: SavedSearch) -> None:
        """Those of its owner which no index holds against it. Raises `NameTaken`."""
        older = {
            "tenant": check_tenant(search.tenant), "owner": search.owner, "name_key": {"$exists": False},
            "_id": {"$ne": search.id},
        }  # fmt: skip
        async for document in self._searches.find(older):
            if _search(document).name_key == search.name_key:
                raise NameTaken(search.name)


def _document(search: SavedSearch) -> Document:
    return {
        "_id": search.id,
        "tenant": search.tenant,
        "owner": search.owner,
        "owner_name": search.owner_name,
        "name": search.name,
        "name_key": search.name_key,
        "parameters": dict(search.parameters),
        "shared": search.shared,
        "hidden": {name: sorted(getattr(search.hidden, name)) for name in _HIDDEN},
        "created_at": search.created_at,
        "changed_at": search.changed_at,
    }


def _search(document: Mapping[str, Any]) -> SavedSearch:
    return SavedSearch(
        id=document["_id"],
        tenant=document["tenant"],
        owner=document["owner"],
        owner_name=document["owner_name"],
        name=document["name"],
        parameters=document["parameters"],
        shared=document["shared"],
        hidden=Hidden(**{name: frozenset(document["hidden"][name]) for name in _HIDDEN}),
        created_at=document["created_at"],
        changed_at=document["changed_at"],
    )


_HIDDEN = ("services", "operations", "fields")

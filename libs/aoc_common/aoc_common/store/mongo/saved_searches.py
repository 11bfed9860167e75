"""The `saved_searches` collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymongo import ASCENDING

from aoc_common.contracts.access import Hidden
from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.mongo.client import Database, Document, translated
from aoc_common.store.saved_searches import SavedSearch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class MongoSavedSearches:
    """`SavedSearchStore` over `saved_searches`."""

    def __init__(self, database: Database) -> None:
        self._searches = database["saved_searches"]

    async def add(self, search: SavedSearch, most: int) -> bool:
        """Keep a new one; False, and it is not kept, where its owner would have more than `most` of the tenant."""
        mine = {"tenant": check_tenant(search.tenant), "owner": search.owner}
        with translated("saved_searches"):
            await self._searches.insert_one(_document(search))
            # Counted behind the insert: of two that come at once none is overlooked.
            if await self._searches.count_documents(mine, limit=most + 1) <= most:
                return True
            await self._searches.delete_one({**mine, "_id": search.id})
        return False

    async def replace(self, search: SavedSearch) -> bool:
        """Put this in place of the one with its id, tenant and owner; False where there is none."""
        its = {"tenant": check_tenant(search.tenant), "_id": search.id, "owner": search.owner}
        with translated("saved_searches"):
            return bool((await self._searches.replace_one(its, _document(search))).matched_count)

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


def _document(search: SavedSearch) -> Document:
    return {
        "_id": search.id,
        "tenant": search.tenant,
        "owner": search.owner,
        "owner_name": search.owner_name,
        "name": search.name,
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

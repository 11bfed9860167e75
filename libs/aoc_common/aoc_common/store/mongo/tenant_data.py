"""All that the database holds of one tenant, in whichever collection: counted, and removed.

Every collection is looked at, also one that a later version has added: what is a tenant's names it as `tenant`, or in
its key. What hangs on pages only (twins that are decided, events of which retention has left the id) is found by them,
so the pages go last. Removing is repeatable at any point.
"""

from __future__ import annotations

import re
from itertools import batched
from typing import TYPE_CHECKING, Final

from bson import json_util

from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document, translated
from aoc_common.store.mongo.foreign import EXTENDED_JSON
from aoc_common.store.mongo.record_ranges import WORKS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: What outlives a tenant: the record of what was done, its tombstone, and what belongs to the installation.
_STAYS: Final = frozenset(
    {"audit_trail", "audit_heads", "audit_publications", "tenant_settings", "tenant_checks"}
    | {"api_keys", "sessions", "sign_in_links"}
    | {"report_keys", "installation", "readers", "upgrades", "grants", "rate_shares"}
    | {"sinks", "sink_states", "sink_answers", "notification_routes"}
)
#: The key is the tenant's name, or begins with it and a blank.
_BY_KEY: Final = frozenset({"tenants", "privacy"})
_BY_BEGINNING: Final = frozenset({"event_outline"})
#: The key is the id of a page.
_BY_PAGE: Final = ("twin_pages", "ledger_gone")
_PAGES: Final = "ledger_pages"
#: Left out of a tenant's export: shared with others, or a copy of what is in it.
_NOT_EXPORTED: Final = frozenset({"rate_shares", "upgrades", "export_jobs", "export_parts"})
#: Removed behind everything else: what hides events from readers, and then the pages.
_LAST: Final = {"privacy": 1, _PAGES: 2}
_STUBS: Final = "events (ids only)"
_READ: Final = 1_000


class MongoTenantData:
    """What the database holds of a tenant. Every method may raise `Transient` when it is away.

    `app`: client id and directory id, as limits are shared by them; another tenant may have the same directory.
    """

    def __init__(self, database: Database, tenant: str, app: str) -> None:
        self._database = database
        self._tenant = check_tenant(tenant)
        self._app = app

    async def counts(self) -> dict[str, int]:
        """Where -> how many documents."""
        with translated("tenant data"):
            counts = {name: await self._database[name].count_documents(query) for name, query in await self._queries()}
            pages = await self.pages()
            for name in _BY_PAGE:
                counts[name] = await self._of_pages(name, pages, remove=False)
            counts[_STUBS] = await self._stubs(pages, remove=False)
            counts["grants"] = await self._database["grants"].count_documents({"tenants": self._tenant})
            counts["api_keys"] = await self._database["api_keys"].count_documents({"grants.tenants": self._tenant})
        return counts

    async def lines(self) -> AsyncIterator[tuple[str, AsyncIterator[bytes]]]:
        """Each collection with what it holds of the tenant, as lines of MongoDB Extended JSON (relaxed).

        Events of which retention has left the id are left out.
        """
        with translated("tenant data"):
            queries = await self._queries()
        for name, query in queries:
            if name not in _NOT_EXPORTED:
                yield name, self._read(name, query)

    async def _read(self, collection: str, query: Document) -> AsyncIterator[bytes]:
        with translated("tenant data"):
            async for document in self._database[collection].find(query).batch_size(_READ):
                yield json_util.dumps(document, json_options=EXTENDED_JSON).encode() + b"\n"

    async def remove(self) -> None:
        """Remove all of it, the pages last."""
        with translated("tenant data"):
            pages = await self.pages()
            for name in _BY_PAGE:
                await self._of_pages(name, pages, remove=True)
            await self._stubs(pages, remove=True)
            for name, query in sorted(await self._queries(), key=lambda one: _LAST.get(one[0], 0)):
                await self._database[name].delete_many(query)
            await self._remove_roles()

    async def _remove_roles(self) -> None:
        """Roles over a tenant of this name must not be over the next one of that name: neither grants' nor keys'."""
        grants, keys = self._database["grants"], self._database["api_keys"]
        await grants.update_many(
            {"tenants": self._tenant},
            {"$pull": {"tenants": self._tenant}, "$unset": {f"directories.{self._tenant}": ""}},
        )
        await grants.delete_many({"tenants": {"$size": 0}, "groups": {"$size": 0}, "everything": False})
        async for key in keys.find({"grants.tenants": self._tenant}, {"grants": 1}):
            left = [
                {**one, "tenants": [name for name in one["tenants"] if name != self._tenant]} for one in key["grants"]
            ]
            left = [one for one in left if one["tenants"] or one["groups"] or one["everything"]]
            await keys.update_one({"_id": key["_id"]}, {"$set": {"grants": left}})

    async def pages(self) -> set[str]:
        """The ids of its pages that the ledger knows."""
        query = self._query(_PAGES)
        return {
            document["page"] async for document in self._database[_PAGES].find(query, {"page": 1}) if "page" in document
        }

    async def _queries(self) -> list[tuple[str, Document]]:
        names = await self._database.list_collection_names()
        ours = sorted(name for name in names if name not in _STAYS.union(_BY_PAGE) and not name.startswith("system."))
        shares = [("rate_shares", {"_id": {"$regex": f"^{re.escape(self._app)}/"}})]
        works = ("retention", *WORKS)
        progress = [("upgrades", {"_id": {"$in": [f"{work} {self._tenant}" for work in works]}})]
        return [*((name, self._query(name)) for name in ours), *shares, *progress]

    def _query(self, collection: str) -> Document:
        if collection in _BY_KEY:
            return {"_id": self._tenant}
        if collection in _BY_BEGINNING:
            return {"_id": {"$regex": f"^{re.escape(self._tenant)} "}}
        if collection == _PAGES:
            return {"$or": [{"tenant": self._tenant}, {"slice_id": {"$regex": f"^{re.escape(self._tenant)}/"}}]}
        return {"tenant": self._tenant}

    async def _of_pages(self, name: str, pages: set[str], *, remove: bool) -> int:
        collection, number = self._database[name], 0
        for some in batched(pages, BATCH_SIZE):
            ours = {"_id": {"$in": list(some)}}
            if remove:
                number += (await collection.delete_many(ours)).deleted_count
            else:
                number += await collection.count_documents(ours)
        return number

    async def _stubs(self, pages: set[str], *, remove: bool) -> int:
        """Events of which retention has left the id, and their page: they name no tenant any more."""
        events, number = self._database["events"], 0
        ours: list[object] = []
        async for stub in events.find({"forgotten": True}, {"page": 1}).batch_size(_READ):
            if stub.get("page") in pages:
                number += 1
                ours += [stub["_id"]] if remove else []
            if len(ours) == BATCH_SIZE:
                await events.delete_many({"_id": {"$in": ours}})
                ours = []
        if ours:
            await events.delete_many({"_id": {"$in": ours}})
        return number

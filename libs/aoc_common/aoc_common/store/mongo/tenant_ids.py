"""The tenants' directory ids, recorded by collectors for services that know tenants by their short names only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymongo import UpdateOne

from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.mongo.client import Database, translated

if TYPE_CHECKING:
    from collections.abc import Mapping


class MongoTenantIds:
    """Tenant -> its directory id, over `tenants`. Both methods may raise `Transient` when the store is away."""

    def __init__(self, database: Database) -> None:
        self._tenants = database["tenants"]

    async def record(self, ids: Mapping[str, str]) -> None:
        """Record these, in place of what was recorded of the same tenants before."""
        if ids:
            writes = [
                UpdateOne({"_id": check_tenant(tenant)}, {"$set": {"tenant_id": tenant_id}}, upsert=True)
                for tenant, tenant_id in ids.items()
            ]
            with translated("tenants"):
                await self._tenants.bulk_write(writes, ordered=False)

    async def names(self) -> set[str]:
        """The tenants that were ever collected."""
        with translated("tenants"):
            return {document["_id"] async for document in self._tenants.find({}, {"_id": 1})}

    async def id_of(self, tenant: str) -> str | None:
        """A tenant's directory id; None where no collector has recorded it."""
        with translated("tenants"):
            document = await self._tenants.find_one({"_id": check_tenant(tenant)})
        return None if document is None else str(document["tenant_id"])

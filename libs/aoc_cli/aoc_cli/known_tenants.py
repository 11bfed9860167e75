"""Whether there is a tenant that a command was given: of a name that nobody has, a command would find all in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_cli import tenants
from aoc_cli.no_such_tenant import missing
from aoc_common.errors import BadConfiguration
from aoc_common.store.mongo.sources import MongoSources

if TYPE_CHECKING:
    from pathlib import Path

    from aoc_common.store.mongo.client import Database


async def names(database: Database, data: Path | None) -> frozenset[str]:
    """Tenants that are collected, and those of which anything is stored. Raises as `tenants.registry`; `Transient`."""
    collected = {tenant.name for tenant in await tenants.registry(database, data).tenants()}
    return frozenset(collected | (await MongoSources(database).by_tenant()).keys())


async def require(database: Database, data: Path | None, tenant: str | None) -> None:
    """Raise `BadConfiguration` for a tenant that there is not, where there are others. None: all of them are meant."""
    if tenant is not None and (said := missing(tenant, await names(database, data))):
        raise BadConfiguration(said)

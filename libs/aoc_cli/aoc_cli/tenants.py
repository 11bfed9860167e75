"""The tenants that commands know: those of the tenants file, and those of the database."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aoc_cli.local import stacks
from aoc_cli.local.stack import default_data
from aoc_collector.sources import SOURCES
from aoc_common.clock import SystemClock
from aoc_common.environment import TENANTS_FILE
from aoc_common.store.mongo.tenant_settings import MongoTenantSettings
from aoc_common.tenants.combined_registry import CombinedTenants
from aoc_common.tenants.file import read_tenants
from aoc_common.tenants.file_registry import FileTenants
from aoc_common.tenants.stored_registry import StoredTenants

if TYPE_CHECKING:
    from collections.abc import Collection

    from aoc_common.store.mongo.client import Database
    from aoc_common.tenants.tenant import Tenant

#: In a data directory: the simulated tenants.
LOCAL_FILE: Final = "tenants.json"


def find_file(named: Path | None, data: Path | None) -> Path | None:
    """The file that is named, else that of AOC_TENANTS_FILE, else the data directory's; None when there is none.

    A system without a tenants file has servers all the same, and a data directory of imported files has no tenants.
    """
    if named is None and (variable := os.environ.get(TENANTS_FILE)):
        named = Path(variable)
    if named is not None:
        return named
    if data is None and (chosen := stacks.chosen()):
        data = chosen[0].path
    local = (data or stacks.last_started() or default_data()) / LOCAL_FILE
    return local if local.exists() else None


def read(file: Path | None) -> tuple[Tenant, ...]:
    """The tenants of a file, read as the collector reads them. Raises `BadConfiguration`."""
    return read_tenants(file, SOURCES)


def registry(database: Database, data: Path | None) -> CombinedTenants:
    """The tenants of a system. Raises `BadConfiguration` for a tenants file that is invalid."""
    clock = SystemClock()
    file = FileTenants(partial(read, find_file(None, data)), clock)
    return CombinedTenants(file, StoredTenants(MongoTenantSettings(database), clock))


async def directories_of(database: Database, names: Collection[str], data: Path | None) -> dict[str, str]:
    """Tenant -> its directory id, of those of these that are known. Raises as `registry`; `Transient`."""
    known = await registry(database, data).tenants() if names else ()
    return {tenant.name: tenant.tenant_id for tenant in known if tenant.name in names}

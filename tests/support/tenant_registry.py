"""A registry of tenants over a real database, and tenants for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from aoc_common.licence.terms import Licences
from aoc_common.store.mongo.tenant_settings import MongoTenantSettings
from aoc_common.tenants.administration import TenantAdministration
from aoc_common.tenants.file_registry import FileTenants
from aoc_common.tenants.tenant import Tenant

if TYPE_CHECKING:
    from aoc_common.clock import Clock
    from aoc_common.store.mongo.client import Database

_SPACE = UUID("c0a70501-5a11-4d0e-9b1c-0a0c51a00001")
SIMULATED = {"authority": "http://127.0.0.1:1"}


def settings_of(name: str, **more: Any) -> dict[str, Any]:
    """An entry of a tenants file; with `SIMULATED`, one that no licence counts."""
    return {
        "name": name,
        "tenant_id": str(uuid5(_SPACE, name)),
        "client_id": str(uuid5(_SPACE, f"{name} app")),
        "client_secret": f"env:{name.upper()}",
        **more,
    }


def a_tenant(name: str, **more: Any) -> Tenant:
    return Tenant.model_validate(settings_of(name, **more))


class Registry:
    """A registry that is changed through `administration`. `announced`: what the services were told of."""

    def __init__(
        self, database: Database, clock: Clock, licences: Licences | None = None, in_file: tuple[Tenant, ...] = ()
    ) -> None:
        self.store = MongoTenantSettings(database)
        self.file = FileTenants(lambda: in_file, clock)
        self.announced: list[str] = []
        self.administration = TenantAdministration(self.store, self.file, licences or Licences(), self._announce, clock)

    async def _announce(self, tenant: str) -> None:
        self.announced.append(tenant)

"""What rules ask of tenants, as it is now: their named lists and their settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_rules.circumstances.tenants import KnownTenant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.tenants.registry import TenantRegistry
    from aoc_common.tenants.tenant import Tenant


class KnownTenants:
    """Makes what rules look at, anew only for a tenant that has changed."""

    def __init__(self, registry: TenantRegistry) -> None:
        self._registry = registry
        self._made: dict[str, tuple[Tenant, KnownTenant]] = {}

    async def all(self) -> Mapping[str, KnownTenant]:
        """By name. Raises `Transient` before the registry was ever read."""
        made: dict[str, tuple[Tenant, KnownTenant]] = {}
        for tenant in await self._registry.tenants():
            known = self._made.get(tenant.name)
            made[tenant.name] = known if known and known[0] is tenant else (tenant, KnownTenant.of(tenant))
        self._made = made
        return {name: known for name, (_, known) in made.items()}

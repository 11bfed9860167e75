"""The named lists of tenants, as they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_rules.sigma.named_lists import NamedLists

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.tenants.registry import TenantRegistry
    from aoc_common.tenants.tenant import Tenant


class TenantLists:
    """Makes what rules look values up in, anew only for a tenant that has changed."""

    def __init__(self, registry: TenantRegistry) -> None:
        self._registry = registry
        self._made: dict[str, tuple[Tenant, NamedLists]] = {}

    async def of_all(self) -> Mapping[str, NamedLists]:
        """Tenant -> its lists. Raises `Transient` before the registry was ever read."""
        tenants = await self._registry.tenants()
        made: dict[str, tuple[Tenant, NamedLists]] = {}
        for tenant in tenants:
            known = self._made.get(tenant.name)
            made[tenant.name] = known if known and known[0] is tenant else (tenant, NamedLists(tenant.lists))
        self._made = made
        return {name: lists for name, (_, lists) in made.items()}

"""What is hidden from somebody in a tenant: its privacy rules, unless he has broken the glass.

A tenant's rules are in the registry. They are remembered in the store too, and hold on when the tenant leaves the
registry, or is renamed in it, and its events stay. Who has broken the glass is looked up only where something is hidden
from him, and remembered for as long as grants are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cachetools import TTLCache

from aoc_api.access.recent import FRESH_S
from aoc_common.tenants.privacy import hidden_by

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aoc_api.access.principal import Principal
    from aoc_common.clock import Clock
    from aoc_common.contracts.access import Hidden, Role
    from aoc_common.store.break_glass import BreakGlassStore, Lift
    from aoc_common.store.privacy_rules import PrivacyRuleStore
    from aoc_common.tenants.privacy import PrivacyRule
    from aoc_common.tenants.registry import TenantRegistry

_REMEMBERED: Final = 10_000


class Privacy:
    """Knows the rules. Methods may raise `Transient`: who cannot be told what is hidden is shown nothing."""

    def __init__(self, registry: TenantRegistry, rules: PrivacyRuleStore, lifts: BreakGlassStore, clock: Clock) -> None:
        self._registry = registry
        self._rules = rules
        self._lifts = lifts
        self._clock = clock
        self._former: TTLCache[str, tuple[PrivacyRule, ...]] = TTLCache(_REMEMBERED, FRESH_S, timer=clock.monotonic)
        self._noted: dict[str, tuple[PrivacyRule, ...]] = {}
        self._lifted: TTLCache[tuple[str, str], tuple[Lift, ...]] = TTLCache(
            _REMEMBERED, FRESH_S, timer=clock.monotonic
        )

    async def groups_of(self, tenant: str) -> frozenset[str]:
        """The groups that a tenant belongs to; none for one that is in no registry."""
        known = await self._registry.get(tenant)
        return frozenset() if known is None else frozenset(known.groups)

    async def rules_of(self, tenant: str) -> tuple[PrivacyRule, ...]:
        """A tenant's rules, those that it had last where it is in no registry any more."""
        if (known := await self._registry.get(tenant)) is not None:
            return known.privacy
        if (former := self._former.get(tenant)) is None:
            former = self._former[tenant] = await self._rules.remembered(tenant)
        return former

    async def directories_of(self, tenants: Iterable[str]) -> dict[str, str]:
        """The directory ids of those of these tenants that are in the registry."""
        registered = [await self._registry.get(tenant) for tenant in sorted(tenants)]
        return {tenant.name: tenant.tenant_id for tenant in registered if tenant is not None}

    async def may_break_glass(self, tenant: str, role: Role) -> bool:
        """Whether who has this role over a tenant may lift any of the rules that hide something from him."""
        rules = await self.rules_of(tenant)
        return any(rule.applies_to(role) and rule.may_be_lifted_by(role) for rule in rules)

    async def hidden_from(self, principal: Principal, tenant: str, role: Role) -> Hidden:
        """What is hidden from somebody who has this role over a tenant."""
        rules = await self.rules_of(tenant)
        hidden = hidden_by(rules, role)
        if hidden and await self._has_broken_glass(principal, tenant):
            return hidden_by(rules, role, lifted=True)
        return hidden

    def forget(self, principal_id: str, tenant: str) -> None:
        """Somebody has broken or mended the glass: look again."""
        self._lifted.pop((principal_id, tenant), None)

    async def remember(self) -> None:
        """Note the rules of all tenants that have changed since the last time."""
        tenants = await self._registry.tenants()
        # Of one that is deleted meanwhile the store forgets them: they are noted anew when it is back.
        for gone in self._noted.keys() - {tenant.name for tenant in tenants}:
            del self._noted[gone]
        for tenant in tenants:
            if self._noted.get(tenant.name) != tenant.privacy:
                if await self._rules.remembered(tenant.name) != tenant.privacy:
                    await self._rules.remember(tenant.name, tenant.privacy)
                self._noted[tenant.name] = tenant.privacy

    async def _has_broken_glass(self, principal: Principal, tenant: str) -> bool:
        key, now = (principal.id, tenant), self._clock.now()
        if (lifts := self._lifted.get(key)) is None:
            lifts = self._lifted[key] = tuple(await self._lifts.in_force(tenant, principal.id, now))
        return any(lift.holds(now) for lift in lifts)

"""What a principal may see of a tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_api import problems
from aoc_common.contracts.access import Hidden, Role, Scope, includes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from collections.abc import Set as AbstractSet

    from aoc_api.access.principal import Principal

type GroupsOf = Callable[[str], Awaitable[AbstractSet[str]]]
"""The groups that a tenant belongs to; none for a tenant that is in no registry, e.g. an imported case."""

type HiddenFrom = Callable[[Principal, str, Role], Awaitable[Hidden]]
"""What is hidden in a tenant from somebody who has a role over it."""


class AccessPolicy:
    """Turns a principal and a tenant into what can be read, or refuses."""

    def __init__(self, groups_of: GroupsOf, hidden_from: HiddenFrom) -> None:
        self.groups_of = groups_of
        self._hidden_from = hidden_from

    async def scope(self, principal: Principal, tenant: str, needed: Role) -> Scope:
        """A tenant as this principal may see it. Raises a problem when he lacks the role over it.

        The problem is the same for a tenant that does not exist: who may not see it does not learn which there are.
        """
        role = await self.role(principal, tenant, needed)
        return Scope(tenant, await self._hidden_from(principal, tenant, role))

    async def role(self, principal: Principal, tenant: str, needed: Role) -> Role:
        """The highest role of this principal over a tenant. Raises a problem as `scope` does."""
        role = principal.role_over(tenant, await self.groups_of(tenant))
        if role is None or not includes(role, needed):
            raise problems.forbidden(f"You need the role {needed} over tenant {tenant}.")
        return role

    async def seen(self, principal: Principal, tenants: Iterable[str]) -> list[str]:
        """Those of these tenants that this principal may see at all, in their order."""
        return [tenant for tenant in tenants if principal.role_over(tenant, await self.groups_of(tenant)) is not None]

    def check_everywhere(self, principal: Principal, needed: Role) -> None:
        """Raise a problem unless this principal has the role over all tenants."""
        role = principal.role_over_everything()
        if role is None or not includes(role, needed):
            raise problems.forbidden(f"You need the role {needed} over all tenants.")

    def check_somewhere(self, principal: Principal, needed: Role) -> None:
        """Raise a problem unless this principal has the role over something."""
        if not any(includes(grant.role, needed) for grant in principal.grants):
            raise problems.forbidden(f"You need the role {needed} over a tenant.")

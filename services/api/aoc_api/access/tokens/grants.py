"""What app roles of Entra grant here.

Whoever administers a directory assigns its app roles: in a customer's directory that is the customer. So a role counts
everywhere only in a token of one of our own directories (*home tenants*); any other is over that customer alone, and
`admin` at most, since `superadmin` decides about all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.access import ROLES, Grant, Role

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from aoc_api.access.tokens.identity import Identity

type GrantsOf = Callable[[Identity], Awaitable[tuple[Grant, ...]]]
"""What somebody was granted. May raise `Transient`."""

type TenantsOf = Callable[[str], Awaitable[AbstractSet[str]]]
"""The names of the tenants of a directory; none for one that is not registered. May raise `Transient`."""

#: Value of an app role in the registration -> role.
APP_ROLES: Final[Mapping[str, Role]] = {f"aoc.{role}": role for role in ROLES}
_HIGHEST_ABROAD: Final[Role] = "admin"


class AppRoleGrants:
    """Grants of app roles."""

    def __init__(self, home_tenants: AbstractSet[str], tenants_of: TenantsOf) -> None:
        self._home_tenants = home_tenants
        self._tenants_of = tenants_of

    async def __call__(self, identity: Identity) -> tuple[Grant, ...]:
        """See `GrantsOf`. Roles that are not ours grant nothing."""
        roles = [APP_ROLES[name] for name in identity.app_roles if name in APP_ROLES]
        if not roles:
            return ()
        highest = max(roles, key=ROLES.index)
        if identity.directory_id in self._home_tenants:
            return (Grant(highest, everything=True),)
        tenants = frozenset(await self._tenants_of(identity.directory_id))
        return (Grant(abroad(highest), tenants=tenants),) if tenants else ()


def abroad(role: Role) -> Role:
    """What is left of a role of somebody whose directory is not one of ours."""
    return min(role, _HIGHEST_ABROAD, key=ROLES.index)


def together(*sources: GrantsOf) -> GrantsOf:
    """What several sources grant."""

    async def grants(identity: Identity) -> tuple[Grant, ...]:
        return tuple([grant for source in sources for grant in await source(identity)])

    return grants

"""Who may give and take back which grants.

Whoever is admin somewhere may give roles there: up to his own, over what he is admin of himself, and for no longer than
he is. So nobody gives what he does not have, and nobody outlasts his own end by what he gave to himself.

- A tenant: his role over it counts, however he holds it.
- A group of tenants: only a role over that group counts. What is in the group tomorrow is not his to decide.
- Everything: only a role over everything counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.contracts.access import Grant, includes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aoc_api.access.policy import GroupsOf
    from aoc_api.access.principal import Principal


async def may_give(principal: Principal, wanted: Grant, groups_of: GroupsOf) -> bool:
    """Whether somebody may give this grant."""
    return await _holds(principal, wanted, groups_of, lambda held: held.lasts(wanted.until))


async def may_take_back(principal: Principal, given: Grant, groups_of: GroupsOf) -> bool:
    """Whether somebody may take this grant back, and see it: also one that lasts for longer than his own."""
    return await _holds(principal, given, groups_of, lambda _: True)


async def _holds(principal: Principal, wanted: Grant, groups_of: GroupsOf, enough: Callable[[Grant], bool]) -> bool:
    """Whether for all that a grant is over he holds one that is enough."""
    held = [
        grant
        for grant in principal.grants
        if includes(grant.role, "admin") and includes(grant.role, wanted.role) and enough(grant)
    ]
    groups = {tenant: await groups_of(tenant) for tenant in wanted.tenants}

    def parts() -> Iterator[bool]:
        for tenant in wanted.tenants:
            yield any(grant.covers(tenant, groups[tenant]) for grant in held)
        for group in wanted.groups:
            yield any(grant.everything or group in grant.groups for grant in held)
        if wanted.everything:
            yield any(grant.everything for grant in held)

    # What is over nothing (any more) is nobody's to give, or to see.
    return bool(wanted) and all(parts())

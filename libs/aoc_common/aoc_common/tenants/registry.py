"""What services ask about tenants, wherever the answers come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from aoc_common.tenants.tenant import Tenant


@dataclass(frozen=True, slots=True)
class TenantChange:
    """A tenant that is new (`before` is None), is gone (`after` is None), or has changed."""

    before: Tenant | None
    after: Tenant | None

    @property
    def name(self) -> str:
        """The tenant's, which never changes."""
        tenant = self.after or self.before
        return "" if tenant is None else tenant.name


class TenantRegistry(Protocol):
    """The tenants of this installation. Methods do not block; all but `changes` may raise `Transient`."""

    async def tenants(self) -> tuple[Tenant, ...]:
        """All of them, in the registry's own order."""
        ...

    async def get(self, name: str) -> Tenant | None:
        """The tenant with that short name; None when there is none."""
        ...

    async def by_directory(self, tenant_id: str) -> tuple[Tenant, ...]:
        """The tenants with that directory id, however the GUID is spelt: several apps can read one directory."""
        ...

    def changes(self, known: Iterable[Tenant] = ()) -> AsyncIterator[TenantChange]:
        """First what differs from `known`, then each change as it comes; never ends by itself.

        Whoever passes the tenants that it works with misses nothing. What changed twice between two looks is one
        change; while the registry cannot be asked, there are none.
        """
        ...


def of_directory(tenants: Iterable[Tenant], tenant_id: str) -> tuple[Tenant, ...]:
    """Those of these tenants that have a directory id, however its GUID is spelt; none for what is no GUID."""
    try:
        directory_id = str(UUID(tenant_id))
    except ValueError:
        return ()
    return tuple(tenant for tenant in tenants if tenant.tenant_id == directory_id)


def differences(before: Iterable[Tenant], after: Iterable[Tenant]) -> Iterator[TenantChange]:
    """What has to be done to get from one set of tenants to another: first what is gone, then the rest in order."""
    old = {tenant.name: tenant for tenant in before}
    new = {tenant.name: tenant for tenant in after}
    for name, tenant in old.items():
        if name not in new:
            yield TenantChange(tenant, None)
    for name, tenant in new.items():
        if tenant != old.get(name):
            yield TenantChange(old.get(name), tenant)

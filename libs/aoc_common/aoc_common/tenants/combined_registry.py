"""A tenants file and the registry in the database, as one: where both have a tenant, the file's counts (ADR 0042)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aoc_common.errors import Transient
from aoc_common.telemetry import logs
from aoc_common.tenants.records import Pause, pauses
from aoc_common.tenants.registry import differences, of_directory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from aoc_common.tenants.file_registry import FileTenants
    from aoc_common.tenants.registry import TenantChange
    from aoc_common.tenants.stored_registry import StoredTenants
    from aoc_common.tenants.tenant import Tenant

_log = logs.get(__name__)

#: Seconds until a registry that cannot be asked is asked again.
_AGAIN_S: Final = 1.0


class CombinedTenants:
    """`TenantRegistry` over a tenants file and the database. A tenant of the file cannot be changed but there."""

    def __init__(self, file: FileTenants, stored: StoredTenants) -> None:
        self.file = file
        self.stored = stored
        self._hidden: frozenset[str] = frozenset()

    async def tenants(self) -> tuple[Tenant, ...]:
        """See `TenantRegistry`: first those of the file."""
        return self._together(await self.file.tenants(), await self.stored.tenants())

    def _together(self, file: tuple[Tenant, ...], stored: tuple[Tenant, ...]) -> tuple[Tenant, ...]:
        names = {tenant.name for tenant in file}
        apps = {_app(tenant) for tenant in file}
        taken = [tenant for tenant in stored if tenant.name in names or _app(tenant) in apps]
        if (hidden := frozenset(tenant.name for tenant in taken)) != self._hidden:
            self._hidden = hidden
            if hidden:
                _log.warning(
                    "tenants.in_file", tenants=sorted(hidden), remedy="take them out of the file, or the registry"
                )
        return (*file, *(tenant for tenant in stored if tenant.name not in hidden))

    async def get(self, name: str) -> Tenant | None:
        """See `TenantRegistry`."""
        file = await self.file.tenants()
        if (ours := next((tenant for tenant in file if tenant.name == name), None)) is not None:
            return ours
        # All are not put together for one: whoever may see many tenants asks for each.
        stored = await self.stored.get(name)
        return None if stored is None or _app(stored) in map(_app, file) else stored

    async def by_directory(self, tenant_id: str) -> tuple[Tenant, ...]:
        """See `TenantRegistry`."""
        return of_directory(await self.tenants(), tenant_id)

    async def pauses(self, name: str) -> list[Pause]:
        """When a tenant was paused, the newest first; of one in the file only whether it is now. Raises `Transient`."""
        if (ours := await self.file.get(name)) is not None:
            return [Pause(None)] if ours.paused else []
        record = (await self.stored.records()).get(name)
        return [] if record is None else pauses(record)

    async def in_file(self, name: str) -> bool:
        """Whether a tenant is in the file, and so is changed there only."""
        return await self.file.get(name) is not None

    async def changes(self, known: Iterable[Tenant] = ()) -> AsyncIterator[TenantChange]:
        """See `TenantRegistry`."""
        seen, news = tuple(known), asyncio.Event()
        followers = [asyncio.create_task(_follow(one.changes(), news)) for one in (self.file, self.stored)]
        try:
            while True:
                try:
                    current = await self.tenants()
                except Transient:  # there are no changes while the registry cannot be asked
                    await asyncio.sleep(_AGAIN_S)
                    continue
                for change in differences(seen, current):
                    yield change
                seen = current
                await news.wait()
                news.clear()
        finally:
            for follower in followers:
                follower.cancel()
            await asyncio.gather(*followers, return_exceptions=True)


def _app(tenant: Tenant) -> tuple[str, str]:
    return tenant.tenant_id, tenant.client_id


async def _follow(changes: AsyncIterator[TenantChange], news: asyncio.Event) -> None:
    async for _ in changes:
        news.set()

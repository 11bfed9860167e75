"""The tenants that this collector works for now: it follows the registry, and its parts follow it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aoc_common.errors import Transient
from aoc_common.telemetry import logs
from aoc_common.tenants.registry import TenantChange, differences

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from aoc_common.tenants.registry import TenantRegistry
    from aoc_common.tenants.tenant import Tenant

_log = logs.get(__name__)

type Admit = Callable[[Sequence[Tenant]], Awaitable[Sequence[Tenant]]]
"""Those of the registry's tenants that are collected under the licence. Raises `Transient`."""

type Follower = Callable[[TenantChange], None]
"""Starts, changes or stops what a part does for a tenant. Does not wait, and does not fail."""


class Fleet:
    """What is collected: every tenant of the registry that is not paused, and that the licence admits."""

    def __init__(
        self,
        registry: TenantRegistry,
        admit: Admit,
        record: Callable[[Sequence[Tenant]], Awaitable[None]],
    ) -> None:
        self._registry = registry
        self._admit = admit
        self._record = record
        self._tenants: tuple[Tenant, ...] = ()
        self._known: tuple[Tenant, ...] = ()
        self._followers: list[Follower] = []
        self._refreshing = asyncio.Lock()

    @property
    def tenants(self) -> tuple[Tenant, ...]:
        """The tenants that are collected now."""
        return self._tenants

    def collects(self, name: str) -> bool:
        """Whether a tenant is collected now."""
        return any(tenant.name == name for tenant in self._tenants)

    def follow(self, follower: Follower) -> None:
        """Have a part follow: it is given what there is now, and then each change."""
        self._followers.append(follower)
        for tenant in self._tenants:
            follower(TenantChange(None, tenant))

    async def refresh(self) -> None:
        """Take over what the registry says. Raises `Transient`, and then nothing has changed."""
        async with self._refreshing:
            known = await self._registry.tenants()
            wanted = tuple(tenant for tenant in await self._admit(known) if not tenant.paused)
            changes = tuple(differences(self._tenants, wanted))
            await self._record([change.after for change in changes if change.after is not None])
            self._tenants, self._known = wanted, known
            for change in changes:
                for follower in self._followers:
                    follower(change)
                _log.info("tenant.followed", tenant=change.name, collected=change.after is not None)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Follow the registry until left."""
        task = asyncio.create_task(self._follow(), name="following tenants")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _follow(self) -> None:
        async for _ in self._registry.changes(self._known):
            try:
                await self.refresh()
            except Transient as error:
                # The next change, or the next regular refresh, brings it.
                _log.warning("tenants.unfollowed", error=str(error))

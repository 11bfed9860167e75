"""When a tenant's directory is synchronised.

Every replica schedules every tenant. A tenant has at most one job on AOC_JOBS (a second one is refused by the stream),
so replicas need no leader and no locks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aoc_common.contracts.jobs import DirectoryJob
from aoc_common.store.clock_corrections import AHEAD

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime, timedelta

    from aoc_common.clock import Clock
    from aoc_common.contracts.directory import EntityKind
    from aoc_common.store.directory_states import DirectoryStates, SyncState

type Publish = Callable[[DirectoryJob], Awaitable[bool]]
"""Puts a job on the stream; False when the tenant has one already. Raises `Transient`."""


class DirectoryScheduler:
    """Keeps a job pending for every tenant one of whose kinds was last tried an interval ago, or never."""

    def __init__(
        self,
        tenants: Collection[str],
        kinds: Sequence[EntityKind],
        interval: timedelta,
        states: DirectoryStates,
        publish: Publish,
        clock: Clock,
    ) -> None:
        self._tenants = tenants
        self._kinds = kinds
        self._interval = interval
        self._states = states
        self._publish = publish
        self._clock = clock

    async def tick(self) -> None:
        """Request whatever is due. Raises `Transient` when the store or the bus is away."""
        for tenant in list(self._tenants):  # others may come and go meanwhile
            tried = {state.kind: _tried(state) for state in await self._states.all_states(tenant)}
            now = self._clock.now()
            # A try in the future was noted by a clock that was ahead.
            rested = {kind for kind, at in tried.items() if at and now - self._interval < at <= now + AHEAD}
            if not rested.issuperset(self._kinds):
                await self._publish(DirectoryJob(tenant=tenant))


def _tried(state: SyncState) -> datetime | None:
    return max((at for at in (state.last_success, state.last_error_at) if at is not None), default=None)

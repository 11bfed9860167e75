"""A tenant's retention that has changed is applied to what is stored, a little at a time."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Final

from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime, timedelta

    from aoc_common.clock import Clock
    from aoc_common.store.mongo.event_retention import MongoEventRetention
    from aoc_common.store.mongo.events import Retention
    from aoc_common.tenants.records import TenantRecord

_log = logs.get(__name__)

#: Steps of one run, and the pause after each, so that searches and new events are not held up.
_STEPS: Final = 20
_PAUSE_S: Final = 0.2


class StoredRetention:
    """Applies it. `records`: of the registry. `take`: the right to do it, of one process at a time."""

    def __init__(
        self,
        records: Callable[[], Awaitable[Mapping[str, TenantRecord]]],
        store: MongoEventRetention,
        keep: Retention,
        take: Callable[[datetime], Awaitable[bool]],
        clock: Clock,
        settled: timedelta,
    ) -> None:
        self._records = records
        self._store = store
        self._keep = keep
        self._take = take
        self._clock = clock
        self._settled = settled

    async def look(self, tenant: str | None = None) -> bool:
        """Some steps for each tenant, or this one, whose retention has changed; whether any was this process's to do.

        Raises `Transient`; the next run goes on.
        """
        goals, worked = await self._goals(), False
        for name in await self._store.due(goals):
            if tenant in {None, name} and await self._take(self._clock.now()):
                await self._some(name, goals[name])
                worked = True
        return worked

    async def due(self) -> list[str]:
        """Tenants whose retention has changed, and is not applied to all that is stored. Raises `Transient`."""
        return await self._store.due(await self._goals())

    async def _goals(self) -> dict[str, str]:
        now = self._clock.now()
        return {
            name: _goal(record)
            for name, record in (await self._records()).items()
            # Until all services know it, events come in that are kept as before.
            if record.state == "active" and now - record.changed_at >= self._settled
        }

    async def _some(self, tenant: str, goal: str) -> None:
        for _ in range(_STEPS):
            if not await self._store.apply(tenant, goal, partial(self._keep, tenant)):
                _log.info("retention.applied", tenant=tenant, goal=goal)
                return
            await self._clock.sleep(_PAUSE_S)


def _goal(record: TenantRecord) -> str:
    retention = record.settings.get("retention")
    return json.dumps(retention, sort_keys=True) if retention else ""

"""The registry of an installation whose tenants are in the database.

A service looks at what has changed every few seconds, and at once when a message says that something has (`wake`): a
message that is lost costs one interval. A look reads the records that changed since the one before, and now and then
all of them: so it costs what changed, and a clock that was wrong hides nothing for long.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.sources import SOURCE_NAMES
from aoc_common.errors import BadConfiguration, Transient
from aoc_common.telemetry import logs
from aoc_common.tenants.file import check_sources, validated
from aoc_common.tenants.registry import differences, of_directory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from datetime import datetime

    from aoc_common.clock import Clock
    from aoc_common.tenants.records import TenantRecord, TenantSettingsStore
    from aoc_common.tenants.registry import TenantChange
    from aoc_common.tenants.tenant import Tenant

_log = logs.get(__name__)

#: Seconds that a change takes at most to be known, if the message about it is lost.
LOOK_S: Final = 10.0
#: How far the clocks of those who write may differ.
_OVERLAP: Final = timedelta(minutes=2)
#: How often all records are read, seconds.
_ALL_S: Final = 600.0


class StoredTenants:
    """`TenantRegistry` over the records in the database.

    What cannot be read leaves what is known as it is. `fresh_s`: for how long it is taken to be what the database says.
    """

    def __init__(self, store: TenantSettingsStore, clock: Clock, fresh_s: float = LOOK_S) -> None:
        self._store = store
        self._clock = clock
        self._fresh_s = fresh_s
        self._records: dict[str, TenantRecord] = {}
        self._tenants: dict[str, Tenant] = {}
        self._looked_at: float | None = None
        self._all_at: float | None = None
        self._newest: datetime | None = None
        self._failed: Transient | None = None
        self._failures = 0
        self._looking = asyncio.Lock()
        self._woken = asyncio.Event()

    async def tenants(self) -> tuple[Tenant, ...]:
        """See `TenantRegistry`. Raises `Transient` only before the first look has succeeded."""
        await self._refresh()
        return tuple(self._tenants[name] for name in sorted(self._tenants))

    async def get(self, name: str) -> Tenant | None:
        """See `TenantRegistry`."""
        await self._refresh()
        return self._tenants.get(name)

    async def by_directory(self, tenant_id: str) -> tuple[Tenant, ...]:
        """See `TenantRegistry`."""
        return of_directory(await self.tenants(), tenant_id)

    def last_known(self, name: str) -> Tenant | None:
        """A tenant as the last look found it."""
        return self._tenants.get(name)

    async def records(self) -> Mapping[str, TenantRecord]:
        """Name -> record, also of what is deleted."""
        await self._refresh()
        return self._records

    async def changes(self, known: Iterable[Tenant] = ()) -> AsyncIterator[TenantChange]:
        """See `TenantRegistry`."""
        seen = tuple(known)
        while True:
            with suppress(Transient):  # there are no changes while the registry cannot be asked
                await self._refresh()
                current = tuple(self._tenants.values())
                for change in differences(seen, current):
                    yield change
                seen = current
            await self._pause()

    def wake(self) -> None:
        """Something has changed: look now."""
        self._looked_at = None
        self._woken.set()

    async def _pause(self) -> None:
        self._woken.clear()
        timer = asyncio.ensure_future(self._clock.sleep(self._fresh_s))
        waiting = asyncio.ensure_future(self._woken.wait())
        try:
            await asyncio.wait({timer, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            waiting.cancel()
            await asyncio.gather(timer, waiting, return_exceptions=True)

    async def _refresh(self) -> None:
        if self._is_fresh():
            return
        failures = self._failures
        async with self._looking:
            if self._is_fresh():  # somebody has looked meanwhile
                return
            if self._failed is not None and self._failures != failures:
                # Whoever has waited for that look would wait as long for the same answer.
                raise self._failed
            try:
                await self._look()
            except Transient as error:
                if self._all_at is None:
                    self._failed, self._failures = error, self._failures + 1
                    raise
                self._looked_at = self._clock.monotonic()
                _log.warning("tenants.unreadable", error=str(error))
            except BaseException:
                # Broken off, by a time limit say: nothing was learnt.
                self._looked_at = None
                raise

    def _is_fresh(self) -> bool:
        # Before the first look has succeeded, nothing is known: no tenants is not what the database says.
        if self._all_at is None or self._looked_at is None:
            return False
        return self._clock.monotonic() - self._looked_at < self._fresh_s

    async def _look(self) -> None:
        began = self._clock.monotonic()
        # Set before: a message that comes while the database answers asks for another look.
        self._looked_at = began
        everything = self._all_at is None or began - self._all_at >= _ALL_S
        since = None if everything or self._newest is None else self._newest - _OVERLAP
        records = await self._store.changed_since(since)
        if everything or since is None:
            self._all_at = began
        for record in records:
            self._newest = record.changed_at if self._newest is None else max(self._newest, record.changed_at)
            if self._records.get(record.name) != record:
                self._records[record.name] = record
                self._take(record)

    def _take(self, record: TenantRecord) -> None:
        if record.state != "active":
            self._tenants.pop(record.name, None)
            return
        try:
            tenant = validated(f"tenant {record.name}", record.settings)
            check_sources(f"tenant {record.name}", tenant, SOURCE_NAMES)
        except BadConfiguration as error:
            # Of a newer version, say. What was known of it holds on.
            _log.error("tenants.unreadable", error=str(error))  # the message says all
            return
        self._tenants[record.name] = tenant

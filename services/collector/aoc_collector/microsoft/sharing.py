"""A rate limit that several collectors share: the active ones get nearly all of it, and together they never exceed it.

Shares are whole requests a window, since Microsoft counts whole requests in sliding windows. What a collector gives up
is free for others only a window later, so that no window holds the requests of both. No clock is compared with that of
another machine: a collector stops using a share that it could not renew in time, and others take it over when they have
seen it unrenewed for longer than that. Without the store, each takes the conservative share that the settings name.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from aoc_common.errors import Transient
from aoc_common.store.shares import Allocation
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from aoc_collector.settings import Rate
    from aoc_common.clock import Clock
    from aoc_common.store.shares import Allocations, ShareStore

_log = logs.get(__name__)

#: A share in use is renewed so often, and not used for longer than this without being renewed, seconds.
_RENEWED_S: Final = 3.0
_HELD_S: Final = 10.0
#: How long a collector without a share waits before it tries to renew, seconds.
_PAUSE_S: Final = 1.0
_TRIES: Final = 3
#: Every collector that makes requests allocations at least this part of a limit; of a limit of a few requests none.
_STARTING_PART: Final = 8


class Share:
    """What this collector may use of one limit. `units`: requests a window; never more than it holds."""

    def __init__(self, limit: str, rate: Rate, store: ShareStore, member: str, replicas: int, clock: Clock) -> None:
        self._limit = limit
        self._total = max(1, int(rate.requests))
        self._starting_units = self._total // _STARTING_PART
        self._window_s = rate.window_s
        self._store = store
        self._member = member
        self._fallback = max(1, self._total // replicas)
        self._clock = clock
        self._sent = float("-inf")
        self._target = 0
        self._held = 0
        self._shrunk: float | None = None
        self._renewals = 0
        self._seen: dict[str, tuple[int, float]] = {}
        self._requests: deque[float] = deque()
        self._waiting = 0
        self._renewing: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    @property
    def units(self) -> int:
        """Requests a window that may be used now."""
        return min(self._target, self._held)

    async def hold(self) -> int:
        """Ask for one request; waits until there is a share of the limit, and gives it."""
        self._waiting += 1
        try:
            while True:
                now = self._clock.monotonic()
                if now - self._sent >= _HELD_S:
                    await self._renew(now)
                elif now - self._sent >= _RENEWED_S and (self._renewing is None or self._renewing.done()):
                    self._renewing = asyncio.create_task(self._renew(now))
                if self.units:
                    self._requests.append(self._clock.monotonic())
                    return self.units
                await self._clock.sleep(_PAUSE_S)
                await self._renew(self._clock.monotonic())
        finally:
            self._waiting -= 1

    async def _renew(self, requested_at: float) -> None:
        """Renew the share, unless another waiter did so since `requested_at`."""
        async with self._turn:
            if self._sent < requested_at:
                await self._renew_now()

    async def _renew_now(self) -> None:
        sent = self._clock.monotonic()
        try:
            for _ in range(_TRIES):
                allocations = await self._store.read(self._limit)
                if await self._write_allocation(allocations, sent):
                    self._sent = sent
                    return
        except Transient as error:
            _log.info("share.unrenewed", limit=self._limit, error=str(error))
        if self._clock.monotonic() - self._sent >= _HELD_S:
            # The store is away: the share that is safe when all collectors take it.
            self._target = self._held = self._fallback
            self._shrunk = None
            self._sent = sent

    async def _write_allocation(self, allocations: Allocations, now: float) -> bool:
        others, expired = self._other_allocations(allocations, now)
        own = allocations.members.get(self._member)
        held = own.units if own else 0
        demand = self._demand(now)
        # Alone, a collector takes all but what a new one starts with.
        target = (
            self._fair_share(demand, [other.demand for other in others.values()])
            if others
            else self._total - self._starting_units
        )
        units = held
        if target >= held:
            self._shrunk = None
            units = max(held, min(target, self._total - sum(other.units for other in others.values())))
        elif self._shrunk is None or target < self._target:
            # Not used from now on; free for others after the last window that used it.
            self._shrunk = now
        elif now - self._shrunk >= self._window_s:
            units, self._shrunk = target, None
        self._target = min(self._target, target)
        self._renewals += 1
        allocation = Allocation(units, demand, self._renewals)
        if not await self._store.write(
            self._limit, allocations.version, self._member, allocation, expired, self._clock.now()
        ):
            return False
        self._target, self._held = target, units
        return True

    def _other_allocations(self, allocations: Allocations, now: float) -> tuple[dict[str, Allocation], set[str]]:
        live, expired = dict[str, Allocation](), set[str]()
        for name, allocation in allocations.members.items():
            if name == self._member:
                continue
            beat, since = self._seen.get(name, (-1, now))
            if beat != allocation.beat:
                since = now
            self._seen[name] = (allocation.beat, since)
            if now - since > _HELD_S + self._window_s:
                expired.add(name)
                del self._seen[name]
            else:
                live[name] = allocation
        return live, expired

    def _demand(self, now: float) -> int:
        """What it could use: twice what it used, so that a small share grows soon, and at least the starting units."""
        while self._requests and self._requests[0] <= now - self._window_s:
            self._requests.popleft()
        return min(self._total, max(self._starting_units, 2 * len(self._requests) + self._waiting + 1))

    def _fair_share(self, demand: int, others: list[int]) -> int:
        """Its max-min fair share: all that it can use, or as much as the others that can use as much."""
        remaining = self._total
        for number, other in enumerate(sorted(others)):
            remaining -= min(other, remaining // (len(others) + 1 - number))
        return max(1, min(demand, remaining))

"""A limit that several collectors share: who is active gets nearly all of it, and together they never exceed it.

Shares are whole requests a window, since Microsoft counts whole requests in sliding windows. What a collector gives up
is free for others only a window later, so that no window holds the requests of both. No clock is compared with that of
another machine: a collector stops using what it could not renew in time, and others take over what they saw unrenewed
for longer than that. Without the store, each takes the conservative share that the settings name.
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
#: How long a collector without a share waits before it looks again, seconds.
_PAUSE_S: Final = 1.0
_TRIES: Final = 3
#: Whoever asks at all wants this part of the limit. Of a limit of a few requests it is none: that is worth a wait.
_BEGINNING: Final = 8


class Share:
    """What this collector may use of one limit. `units`: requests a window; never more than it holds."""

    def __init__(self, limit: str, rate: Rate, store: ShareStore, member: str, replicas: int, clock: Clock) -> None:
        self._limit = limit
        self._total = max(1, int(rate.requests))
        self._beginning = self._total // _BEGINNING
        self._window_s = rate.window_s
        self._store = store
        self._member = member
        self._fallback = max(1, self._total // replicas)
        self._clock = clock
        self._sent = float("-inf")
        self._target = 0
        self._held = 0
        self._shrunk: float | None = None
        self._beat = 0
        self._seen: dict[str, tuple[int, float]] = {}
        self._asked: deque[float] = deque()
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
                    self._asked.append(self._clock.monotonic())
                    return self.units
                await self._clock.sleep(_PAUSE_S)
                await self._renew(self._clock.monotonic())
        finally:
            self._waiting -= 1

    async def _renew(self, asked: float) -> None:
        """Renew the share, unless that was done since it was asked for: whoever waits for it asks at the same time."""
        async with self._turn:
            if self._sent < asked:
                await self._renewed()

    async def _renewed(self) -> None:
        sent = self._clock.monotonic()
        try:
            for _ in range(_TRIES):
                claims = await self._store.read(self._limit)
                if await self._claim(claims, sent):
                    self._sent = sent
                    return
        except Transient as error:
            _log.info("share.unrenewed", limit=self._limit, error=str(error))
        if self._clock.monotonic() - self._sent >= _HELD_S:
            # Nobody can be asked: what is safe if all others do the same.
            self._target = self._held = self._fallback
            self._shrunk = None
            self._sent = sent

    async def _claim(self, claims: Allocations, now: float) -> bool:
        others, gone = self._others(claims, now)
        mine = claims.members.get(self._member)
        held = mine.units if mine else 0
        wants = self._wants(now)
        # Who is alone need not say what for, and leaves a newcomer something to begin with.
        target = self._fair(wants, [one.demand for one in others.values()]) if others else self._total - self._beginning
        units = held
        if target >= held:
            self._shrunk = None
            units = max(held, min(target, self._total - sum(one.units for one in others.values())))
        elif self._shrunk is None or target < self._target:
            # Used no more from now on; free for others when the last window with it is over.
            self._shrunk = now
        elif now - self._shrunk >= self._window_s:
            units, self._shrunk = target, None
        self._target = min(self._target, target)
        self._beat += 1
        claim = Allocation(units, wants, self._beat)
        if not await self._store.write(self._limit, claims.version, self._member, claim, gone, self._clock.now()):
            return False
        self._target, self._held = target, units
        return True

    def _others(self, claims: Allocations, now: float) -> tuple[dict[str, Allocation], set[str]]:
        live, gone = dict[str, Allocation](), set[str]()
        for name, claim in claims.members.items():
            if name == self._member:
                continue
            beat, since = self._seen.get(name, (-1, now))
            if beat != claim.beat:
                since = now
            self._seen[name] = (claim.beat, since)
            if now - since > _HELD_S + self._window_s:
                gone.add(name)
                del self._seen[name]
            else:
                live[name] = claim
        return live, gone

    def _wants(self, now: float) -> int:
        """What it could use: twice what it used, so that a small share grows soon, and something to begin with."""
        while self._asked and self._asked[0] <= now - self._window_s:
            self._asked.popleft()
        return min(self._total, max(self._beginning, 2 * len(self._asked) + self._waiting + 1))

    def _fair(self, wants: int, others: list[int]) -> int:
        """What it may have: all that it can use, or as much as everybody who can use as much."""
        left = self._total
        for number, other in enumerate(sorted(others)):
            left -= min(other, left // (len(others) + 1 - number))
        return max(1, min(wants, left))

"""Rate limits of this process.

A bucket is one number, the time at which it is full (the generic cell rate algorithm: ITU-T I.371, annex A). One that
is full is as good as none, so the memory is bounded by dropping those that were used least recently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cachetools import LRUCache

from aoc_api.rates.rate_limits import Standing

if TYPE_CHECKING:
    from aoc_api.rates.rate_limits import Rate
    from aoc_common.clock import Clock

#: Buckets that are remembered: some ten megabytes.
REMEMBERED: Final = 50_000


class TokenBuckets:
    """`RateLimits` in memory; never away. Whose bucket is dropped since others came has a full one."""

    def __init__(self, clock: Clock, remembered: int = REMEMBERED) -> None:
        self._clock = clock
        self._full_at: LRUCache[tuple[str, str], float] = LRUCache(remembered)

    async def take(self, rate: Rate, owner: str, tokens: float) -> Standing:
        """Take tokens, if all of them are there."""
        full_s = self._full_s(rate, owner)
        missing = tokens - _remaining(rate, full_s)
        if missing > 0:
            return Standing(_remaining(rate, full_s), full_s, missing / rate.per_s)
        return self._spent(rate, owner, full_s + tokens / rate.per_s)

    async def charge(self, rate: Rate, owner: str, tokens: float) -> Standing:
        """Take tokens, whether they are there or not."""
        full_s = self._full_s(rate, owner) + tokens / rate.per_s
        return self._spent(rate, owner, min(full_s, 2 * rate.window_s))

    def _full_s(self, rate: Rate, owner: str) -> float:
        return max(0.0, self._full_at.get((rate.name, owner), 0.0) - self._clock.monotonic())

    def _spent(self, rate: Rate, owner: str, full_s: float) -> Standing:
        self._full_at[rate.name, owner] = self._clock.monotonic() + full_s
        return Standing(_remaining(rate, full_s), full_s)


def _remaining(rate: Rate, full_s: float) -> float:
    return rate.burst - full_s * rate.per_s

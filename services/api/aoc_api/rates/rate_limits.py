"""The port of rate limits: token buckets, which may be of one process or of all replicas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rate:
    """What buckets of a name hold when they are full, and how many tokens come back each second."""

    name: str
    burst: float
    per_s: float

    @property
    def window_s(self) -> float:
        """Seconds in which an empty bucket is full."""
        return self.burst / self.per_s


@dataclass(frozen=True, slots=True)
class Standing:
    """A bucket after tokens were asked for.

    `remaining`: tokens, less than none where more was charged than there was. `full_s`: seconds until it is full.
    `wait_s`: seconds until the tokens are there that were asked for; 0 when they were taken.
    """

    remaining: float
    full_s: float
    wait_s: float = 0.0


class RateLimits(Protocol):
    """Buckets by rate and owner. Both methods answer within a tenth of a second, or raise `Transient`."""

    async def take(self, rate: Rate, owner: str, tokens: float) -> Standing:
        """Take tokens, if all of them are there."""
        ...

    async def charge(self, rate: Rate, owner: str, tokens: float) -> Standing:
        """Take tokens, whether they are there or not. What is owed is at most what a bucket holds."""
        ...

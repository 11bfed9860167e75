"""Staying below Microsoft's limits: one token bucket per app, tenant and API family."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aoc_collector import metrics
from aoc_common.errors import Throttled
from aoc_common.http import LONGEST_WAIT_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aoc_collector.microsoft.sharing import Share
    from aoc_collector.settings import Rate
    from aoc_common.clock import Clock


#: Share of a limit that may be used as a burst, and share that is not used, because latency varies.
_BURST: Final = 0.02
_RESERVE: Final = 0.05
#: Part of a request that is not waited for, because clocks are not exact.
_ROUNDING: Final = 1e-3
#: Seconds after which a waiter checks whether its share of a limit has grown.
_RECHECK_S: Final = 1.0
#: How long throttled answers are remembered.
_MINUTES: Final = 60
_BACKGROUND: Final[ContextVar[bool]] = ContextVar("background", default=False)


@dataclass(slots=True)
class _Minute:
    minute: int
    answers: int = 0
    throttled: int = 0


@contextmanager
def in_background() -> Iterator[None]:
    """Requests made inside wait for all others: the backlog must not delay the live slices."""
    token = _BACKGROUND.set(True)
    try:
        yield
    finally:
        _BACKGROUND.reset(token)


class Bucket:
    """Never more than `rate.requests` in any window of `rate.window_s` seconds; waiters are served in order.

    Microsoft counts in sliding windows, in which a bucket can spend its content and its refill, whole requests only:
    with a content of one, requests that are more than a window's N-th part apart are at most N in any window.
    """

    def __init__(self, family: str, rate: Rate, clock: Clock, share: Share | None = None) -> None:
        self._family = family
        self._clock = clock
        self._share = share
        self._window_s = rate.window_s
        self._adapt(rate.requests)
        self._tokens = self._capacity
        self._taken = 0
        self._at = clock.monotonic()
        self._paused_until = 0.0
        self._counts: deque[_Minute] = deque(maxlen=_MINUTES)

    def answered(self, *, throttled: bool) -> None:
        """Count an answer."""
        minute = int(self._clock.monotonic() // 60)
        if not self._counts or self._counts[-1].minute != minute:
            self._counts.append(_Minute(minute))
        self._counts[-1].answers += 1
        self._counts[-1].throttled += throttled

    @property
    def throttled(self) -> float | None:
        """The share of the last hour's answers that asked for fewer requests; None without any."""
        first = int(self._clock.monotonic() // 60) - _MINUTES
        recent = [each for each in self._counts if each.minute > first]
        answers = sum(each.answers for each in recent)
        return sum(each.throttled for each in recent) / answers if answers else None

    async def take(self) -> None:
        """Wait until one request is allowed; in the background (see `in_background`), also until no other waits.

        Raises `Throttled` when Microsoft asked for a pause that is longer than a worker should be held.
        """
        self._check_quiet()
        if self._share is not None and (units := await self._share.hold()) != self._requests:
            self._refill(self._clock.monotonic())
            self._adapt(units)
            self._tokens = min(self._tokens, self._capacity)
        if _BACKGROUND.get():
            await self._idle()
        place = self._reserve()
        while (wait := self._until(place)) > 0:
            # A cancelled waiter does not give its place back: the rate is lower then, never higher.
            self._check_quiet()
            # A share may grow meanwhile.
            wait = wait if self._share is None else min(wait, _RECHECK_S)
            metrics.THROTTLE_WAIT_SECONDS.labels(self._family).inc(wait)
            await self._clock.sleep(wait)

    def _check_quiet(self) -> None:
        remaining = self._paused_until - self._clock.monotonic()
        if remaining > LONGEST_WAIT_S:
            raise Throttled(
                f"{self._family}: quiet was asked for, {remaining:.0f} s of it are left", retry_after=remaining
            )

    def _adapt(self, requests: float) -> None:
        """Allow so many requests a window from now on."""
        self._requests = requests
        self._capacity = max(1.0, requests * _BURST)
        self._per_second = (requests * (1 - _RESERVE) + 1 - self._capacity) / self._window_s

    async def _idle(self) -> None:
        """Wait until a request is allowed at once. Requests that are not in the background queue up meanwhile."""
        while (wait := self._until_free()) > 0:
            self._check_quiet()
            metrics.THROTTLE_WAIT_SECONDS.labels(self._family).inc(wait)
            await self._clock.sleep(wait)

    def _until_free(self) -> float:
        now = self._clock.monotonic()
        self._refill(now)
        lacking = 1 - self._tokens
        return max(0.0 if lacking < _ROUNDING else lacking / self._per_second, self._paused_until - now)

    def pause(self, seconds: float) -> None:
        """Microsoft asked for a pause: no requests until it is over, and no burst after it."""
        now = self._clock.monotonic()
        self._paused_until = max(self._paused_until, now + seconds)
        self._refill(now)
        self._tokens = min(self._tokens, 0.0)

    def _reserve(self) -> int:
        """Take a place in the queue. A negative balance is one: each waiter goes further below zero."""
        self._refill(self._clock.monotonic())
        self._tokens -= 1
        self._taken += 1
        return self._taken

    def _until(self, place: int) -> float:
        """Seconds until it is a place's turn; 0 or less when it is."""
        now = self._clock.monotonic()
        self._refill(now)
        lacking = place - self._taken - self._tokens
        return max(0.0 if lacking < _ROUNDING else lacking / self._per_second, self._paused_until - now)

    def _refill(self, now: float) -> None:
        self._tokens = min(self._capacity, self._tokens + (now - self._at) * self._per_second)
        self._at = now


class Buckets:
    """The buckets of this process, made at first use. `share`: its share of a limit that other collectors use too."""

    def __init__(self, clock: Clock, share: Callable[[str, Rate], Share] | None = None) -> None:
        self._clock = clock
        self._share = share
        self._buckets: dict[tuple[str, str, str], Bucket] = {}

    def bucket(self, app: str, tenant: str, family: str, rate: Rate) -> Bucket:
        """The bucket of one app in one tenant for one API family."""
        key = (app, tenant, family)
        if key not in self._buckets:
            share = self._share("/".join(key), rate) if self._share else None
            self._buckets[key] = Bucket(family, rate, self._clock, share)
        return self._buckets[key]

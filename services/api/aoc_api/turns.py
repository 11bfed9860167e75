"""Who may use the store, and when: so that no caller, and no request however dear, leaves others waiting.

A request begins at once. One that has used the store for a twentieth of a second is a scan, and from then on takes
turns of a tenth of a second: few scans at a time, the callers who wait for one in turn, and none while a request that
is no scan is worked on (or for a moment only, when there always is one). A scan that has had its share ends with what
it found, and says how far it got. Who has many requests in work gets no further one taken in.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from starlette.requests import ClientDisconnect

from aoc_api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from aoc_api.settings import LimitOptions

#: Seconds of the store's time before a request is a scan.
_FREE_S: Final = 0.05
#: Questions of requests that are no scans, at once.
_QUICK: Final = 4
#: Seconds of one turn.
_TURN_S: Final = 0.1
#: Seconds that a scan's turn waits for requests that are none.
_YIELD_S: Final = 0.25
_RETRY_S: Final = 1


class Turns:
    """All requests of a gateway that use the store."""

    def __init__(self, limits: LimitOptions, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._monotonic = monotonic
        self._slots = Slots(limits.scans)
        self._quick = Quick()
        self._in_work: Counter[str] = Counter()

    @contextmanager
    def admitted(self, caller: str, gone: Callable[[], Awaitable[bool]]) -> Iterator[Turn]:
        """A request of a caller is worked on; `gone`: whether it went away. Raises a problem: there are too many."""
        retry = {"Retry-After": str(_RETRY_S)}
        if self._in_work[caller] >= self._limits.requests_per_caller:
            detail = f"{self._limits.requests_per_caller} requests of this caller are worked on already."
            raise Problem("too-many", detail, headers=retry)
        if self._in_work.total() >= self._limits.requests:
            raise Problem("busy", f"{self._limits.requests} requests are worked on already.", headers=retry)
        self._in_work[caller] += 1
        try:
            turn = Turn(caller, gone, self._limits, self._slots, self._quick, self._monotonic)
            with self._quick.one(turn):
                yield turn
        finally:
            self._in_work[caller] -= 1
            self._in_work += Counter()  # without those who have none


class Turn:
    """`Pace` of one request. Its turns come one after the other."""

    def __init__(
        self,
        caller: str,
        gone: Callable[[], Awaitable[bool]],
        limits: LimitOptions,
        slots: Slots,
        quick: Quick,
        monotonic: Callable[[], float],
    ) -> None:
        self._caller = caller
        self._gone = gone
        self._limits = limits
        self._slots = slots
        self._quick = quick
        self._monotonic = monotonic
        self._used = 0.0
        self._waited = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[float | None]:
        """A turn. Raises `ClientDisconnect` when nobody waits for the answer any more."""
        if await self._gone():
            raise ClientDisconnect
        if self._used < _FREE_S:
            async with self._quick.room:
                with self._timed():
                    yield _FREE_S
            return
        self._quick.discard(self)
        if self._used >= self._limits.search_s or not await self._slot():
            yield None
        else:
            try:
                await self._quick.gone(_YIELD_S)
                with self._timed():
                    yield _TURN_S
            finally:
                self._slots.release()

    async def _slot(self) -> bool:
        """Whether there was a slot within what is left of the time that may be waited."""
        began = self._monotonic()
        try:
            async with asyncio.timeout(self._limits.wait_s - self._waited):
                await self._slots.acquire(self._caller, self._used)
        except TimeoutError:
            return False
        finally:
            self._waited += self._monotonic() - began
        return True

    @contextmanager
    def _timed(self) -> Iterator[None]:
        began = self._monotonic()
        try:
            yield
        finally:
            self._used += self._monotonic() - began


class Quick:
    """The requests that are no scans (yet)."""

    def __init__(self) -> None:
        self._those: set[Turn] = set()
        self.room = asyncio.Semaphore(_QUICK)
        self._none = asyncio.Event()
        self._none.set()

    @contextmanager
    def one(self, turn: Turn) -> Iterator[None]:
        """It is worked on, and no scan until it is taken out."""
        self._those.add(turn)
        self._none.clear()
        try:
            yield
        finally:
            self.discard(turn)

    def discard(self, turn: Turn) -> None:
        """It is done, or a scan."""
        self._those.discard(turn)
        if not self._those:
            self._none.set()

    async def gone(self, seconds: float) -> None:
        """Wait until there is none, or for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._none.wait()


class Slots:
    """A few slots, for which callers wait in turn; of each caller's requests, first the one that has had least."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: OrderedDict[str, dict[asyncio.Future[None], float]] = OrderedDict()

    async def acquire(self, caller: str, used: float = 0.0) -> None:
        """Wait for a slot. `used`: what the request has had so far."""
        if self._free:
            self._free -= 1
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, {})[mine] = used
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self.release()  # it was given at the same moment
            else:
                self._forget(caller, mine)
            raise

    def release(self) -> None:
        """Give a slot back: to the caller whose turn it is."""
        if not self._waiting:
            self._free += 1
            return
        caller, queue = self._waiting.popitem(last=False)
        following = min(queue, key=queue.__getitem__)
        del queue[following]
        if queue:
            self._waiting[caller] = queue
        following.set_result(None)

    def _forget(self, caller: str, one: asyncio.Future[None]) -> None:
        queue = self._waiting[caller]
        del queue[one]
        if not queue:
            del self._waiting[caller]

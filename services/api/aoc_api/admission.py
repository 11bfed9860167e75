"""Admission of requests to the store, so that no caller, and no expensive request, makes others wait.

A request starts at once. After a twentieth of a second of the store's time it counts as a scan, and takes turns of a
tenth of a second (longer ones, up to its share, where the store cannot answer its smallest question in one): few scans
at a time, their callers in rotation, and none while shorter requests run (or after a moment only, when there always are
some). A scan that has used its share ends with what it has, and says how far it got.
A caller with many requests in progress gets no further one admitted. An export is a scan that goes on to its end.
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
    from contextlib import AbstractContextManager

    from aoc_api.settings import LimitOptions

#: Seconds of the store's time after which a request counts as a scan.
_SCAN_AFTER_S: Final = 0.05
#: Queries of short requests at once.
_SHORT_QUERIES: Final = 4
#: Seconds of one turn.
_TURN_S: Final = 0.1
#: Seconds of an export's longest turn, where the store needs more than one turn for a single question.
_LONGEST_TURN_S: Final = 3.0
#: Seconds that a scan's turn waits for short requests.
_PREEMPTION_S: Final = 0.25
_RETRY_S: Final = 1
_LONG_RETRY_S: Final = 30


class Admission:
    """Admits the requests of a gateway that use the store."""

    def __init__(self, limits: LimitOptions, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._monotonic = monotonic
        self._slots = ScanSlots(limits.scans)
        self._short = ShortRequests()
        self._admitted: Counter[str] = Counter()
        self._exporting: Counter[str] = Counter()
        self._fetching: Counter[str] = Counter()
        self._tailing: Counter[str] = Counter()

    @contextmanager
    def admitted(self, caller: str, disconnected: Callable[[], Awaitable[bool]]) -> Iterator[RequestPace]:
        """Admit a request of a caller; `disconnected`: whether its client is. Raises a problem: too many."""
        retry = {"Retry-After": str(_RETRY_S)}
        if self._admitted[caller] >= self._limits.requests_per_caller:
            detail = f"{self._limits.requests_per_caller} requests of this caller are worked on already."
            raise Problem("too-many", detail, headers=retry)
        if self._admitted.total() >= self._limits.requests:
            raise Problem("busy", f"{self._limits.requests} requests are worked on already.", headers=retry)
        self._admitted[caller] += 1
        try:
            pace = RequestPace(caller, disconnected, self._limits, self._slots, self._short, self._monotonic)
            with self._short.registered(pace):
                yield pace
        finally:
            self._admitted[caller] -= 1
            self._admitted += Counter()  # drops callers without requests

    @contextmanager
    def exporting(self, caller: str) -> Iterator[ExportPace]:
        """Admit an export of a caller. Raises a problem: too many."""
        with _counted(self._exporting, caller, "exports", self._limits.exports, self._limits.exports_per_caller):
            yield ExportPace(caller, self._slots, self._short, self._monotonic)

    def in_background(self, caller: str) -> ExportPace:
        """The pace of an export that no request waits for; how many there are is bounded by who makes them."""
        return ExportPace(caller, self._slots, self._short, self._monotonic)

    def fetching(self, caller: str) -> AbstractContextManager[None]:
        """Admit a caller who fetches a file. Entering raises a problem: too many."""
        most, most_of_caller = self._limits.exports, self._limits.exports_per_caller
        return _counted(self._fetching, caller, "files", most, most_of_caller)

    def tailing(self, caller: str) -> AbstractContextManager[None]:
        """Admit a live tail of a caller. Entering raises a problem: too many."""
        return _counted(self._tailing, caller, "live tails", self._limits.tails, self._limits.tails_per_caller)


@contextmanager
def _counted(running: Counter[str], caller: str, what: str, most: int, most_of_caller: int) -> Iterator[None]:
    """Count what goes on for long. Raises a problem: too many."""
    retry = {"Retry-After": str(_LONG_RETRY_S)}
    if running[caller] >= most_of_caller:
        raise Problem("too-many", f"{most_of_caller} {what} of this caller run already.", headers=retry)
    if running.total() >= most:
        raise Problem("busy", f"{most} {what} run already.", headers=retry)
    running[caller] += 1
    try:
        yield
    finally:
        running[caller] -= 1
        if not running[caller]:
            del running[caller]


class ExportPace:
    """`Pace` of one export: a scan from its beginning on, which waits for its turns, and has as many as it needs.

    Turns that it waits for end when its task is cancelled, as it is when the client goes away.
    """

    def __init__(self, caller: str, slots: ScanSlots, short: ShortRequests, monotonic: Callable[[], float]) -> None:
        self._caller = caller
        self._slots = slots
        self._short = short
        self._monotonic = monotonic
        self._used = 0.0

    @asynccontextmanager
    async def turn(self, needed_s: float = 0.0) -> AsyncIterator[float | None]:
        """A turn, after others have had theirs."""
        await self._slots.acquire(self._caller, self._used)
        try:
            await self._short.wait_until_idle(_PREEMPTION_S)
            began = self._monotonic()
            try:
                yield max(_TURN_S, min(needed_s, _LONGEST_TURN_S))
            finally:
                self._used += self._monotonic() - began
        finally:
            self._slots.release()


class RequestPace:
    """`Pace` of one request. Its turns come one after the other."""

    def __init__(
        self,
        caller: str,
        disconnected: Callable[[], Awaitable[bool]],
        limits: LimitOptions,
        slots: ScanSlots,
        short: ShortRequests,
        monotonic: Callable[[], float],
    ) -> None:
        self._caller = caller
        self._disconnected = disconnected
        self._limits = limits
        self._slots = slots
        self._short = short
        self._monotonic = monotonic
        self._used = 0.0
        self._waited = 0.0

    @asynccontextmanager
    async def turn(self, needed_s: float = 0.0) -> AsyncIterator[float | None]:
        """A turn. Raises `ClientDisconnect` when the client has disconnected."""
        if await self._disconnected():
            raise ClientDisconnect
        if self._used < _SCAN_AFTER_S and needed_s <= _SCAN_AFTER_S:
            async with self._short.room:
                with self._timed():
                    yield _SCAN_AFTER_S
            return
        self._short.discard(self)
        if self._used + needed_s >= self._limits.search_s or not await self._slot():
            yield None
        else:
            try:
                await self._short.wait_until_idle(_PREEMPTION_S)
                with self._timed():
                    yield max(_TURN_S, needed_s)
            finally:
                self._slots.release()

    async def _slot(self) -> bool:
        """Whether there was a slot within the remaining time for waiting."""
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


class ShortRequests:
    """The requests that are not scans (yet)."""

    def __init__(self) -> None:
        self._running: set[RequestPace] = set()
        self.room = asyncio.Semaphore(_SHORT_QUERIES)
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def registered(self, pace: RequestPace) -> Iterator[None]:
        """A request runs, and counts as short until it is discarded."""
        self._running.add(pace)
        self._idle.clear()
        try:
            yield
        finally:
            self.discard(pace)

    def discard(self, pace: RequestPace) -> None:
        """A request is done, or has become a scan."""
        self._running.discard(pace)
        if not self._running:
            self._idle.set()

    async def wait_until_idle(self, seconds: float) -> None:
        """Wait until no short request runs, at most for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()


class ScanSlots:
    """Slots for scans. Callers get them in rotation; of each caller's requests, first the one that has used least."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: OrderedDict[str, dict[asyncio.Future[None], float]] = OrderedDict()

    async def acquire(self, caller: str, used: float = 0.0) -> None:
        """Wait for a slot. `used`: seconds that the request has used so far."""
        if self._free:
            self._free -= 1
            return
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, {})[slot] = used
        try:
            await slot
        except asyncio.CancelledError:
            if slot.done() and not slot.cancelled():
                self.release()  # it was assigned at the same moment
            else:
                self._forget(caller, slot)
            raise

    def release(self) -> None:
        """Release a slot: to the next caller in the rotation."""
        if not self._waiting:
            self._free += 1
            return
        caller, queue = self._waiting.popitem(last=False)
        next_slot = min(queue, key=queue.__getitem__)
        del queue[next_slot]
        if queue:
            self._waiting[caller] = queue
        next_slot.set_result(None)

    def _forget(self, caller: str, slot: asyncio.Future[None]) -> None:
        queue = self._waiting[caller]
        del queue[slot]
        if not queue:
            del self._waiting[caller]

"""What is sent beside the others: of tenants that were behind, and again. From the store, portion by portion.

One replica works on a stretch, by a lease. Its place is stored behind each portion, so a replica that is killed costs a
portion that is sent twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.publications import Position
from aoc_common.contracts.reading import EventFilter
from aoc_common.errors import AocError
from aoc_common.telemetry import logs
from aoc_exporter.behind import CLOSING_S

if TYPE_CHECKING:
    from asyncio import Event
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from aoc_common.bus.readers import Log
    from aoc_common.clock import Clock
    from aoc_common.contracts.event_message import EventMessage
    from aoc_common.contracts.reading import Portion
    from aoc_common.contracts.sink_states import Stretch
    from aoc_exporter.behind import Behind
    from aoc_exporter.courier import Courier
    from aoc_exporter.intake import Intake

_log = logs.get(__name__)

_LEASE: Final = timedelta(seconds=60)
#: A lease is renewed when less of it is left.
_RENEW: Final = timedelta(seconds=40)
#: One that is longer was written by a clock that was ahead, or this one went back since.
_LONGEST_LEASE: Final = timedelta(minutes=10)
_PORTION: Final = 200
_PAUSE_S: Final = 0.5


class _Lost(Exception):  # noqa: N818  # nothing failed
    """Another replica has the stretch, or a message has been set aside that lies before it."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What a stretch is worked on with. `head`: the end of AOC_EVENTS now. `tenants`: of the sink; None: all."""

    behind: Behind
    intake: Intake
    courier: Courier
    log: Log[EventMessage]
    head: Callable[[], Awaitable[Position]]
    clock: Clock
    leaving: Event
    tenants: frozenset[str] | None


class CatchingUp:
    """Works on the stretches of one sink."""

    def __init__(self, sources: Sources, replica: str) -> None:
        self._sources = sources
        self._replica = replica

    def mine(self, stretch: Stretch) -> bool:
        """Whether this replica may work on a stretch."""
        if stretch.phase == "done":
            return False
        until, now = stretch.owner_until, self._sources.clock.now()
        return until is None or not now <= until <= now + _LONGEST_LEASE or stretch.owner == self._replica

    async def run(self, stretch: Stretch) -> None:
        """Work on a stretch until it is done, another replica has it, or the sink is left."""
        try:
            await _Work(self._sources, self._replica, stretch).run()
        except _Lost:
            _log.info("stretch.lost", sink=stretch.sink, stretch=stretch.key)
        except AocError as error:
            # It goes on where it was: here at the next look, or at another replica.
            _log.warning("stretch.interrupted", sink=stretch.sink, stretch=stretch.key, error=str(error))


class _Work:
    """The work on one stretch. `gap`: where it is not known yet what there was, and since when that is so."""

    def __init__(self, sources: Sources, replica: str, stretch: Stretch) -> None:
        self._sources = sources
        self._replica = replica
        self._stretch = stretch
        self._taken_over = bool(stretch.owner) and stretch.owner != replica
        self._gap: tuple[Position, datetime] | None = None

    async def run(self) -> None:
        await self._put()
        while not self._sources.leaving.is_set():
            end = await self._end()
            portion = await self._sources.log.portion(self._stretch.position, end, self._filter, _PORTION)
            ready, place = await self._readable(portion, end)
            if not await self._sent(ready):
                break
            self._taken_over = False
            if await self._moved(place, caught_up=place == end):
                return
        await self._put(owner="", owner_until=None)

    async def _end(self) -> Position:
        """Where to read to."""
        if self._stretch.upto is not None:
            return self._stretch.upto
        if self._stretch.phase == "closing":
            # Whoever sets something aside has read before that this stretch was open.
            await self._sources.clock.sleep(CLOSING_S)
        return max(await self._sources.head(), self._stretch.position)

    async def _moved(self, place: Position, *, caught_up: bool) -> bool:
        """Note how far it is; whether that is its end."""
        position = max(place, self._stretch.position)
        if caught_up and (self._stretch.upto is not None or self._stretch.phase == "closing"):
            await self._sources.courier.account.write()
            await self._put(position=position, phase="done", owner="", owner_until=None)
            _log.info("stretch.done", sink=self._stretch.sink, stretch=self._stretch.key)
            return True
        await self._put(position=position, phase="closing" if caught_up else self._stretch.phase)
        if self._gap is not None:
            await self._sources.clock.sleep(_PAUSE_S)
        return False

    async def _readable(self, portion: Portion[EventMessage], end: Position) -> tuple[Sequence[EventMessage], Position]:
        """What of a portion is to be sent now, and how far that reaches: up to where it is not known what there was."""
        account, tenant = self._sources.courier.account, self._stretch.tenant or ""
        place = end if portion.after is None else portion.after
        if portion.unaccounted:
            first = portion.unaccounted[0]
            begin = Position(first.incarnation, first.first)
            if self._gap is None or self._gap[0] != begin:
                self._gap = begin, self._sources.clock.now()
            if await self._sources.log.unsettled(self._gap[1]):
                before = Position(first.incarnation, first.first - 1)
                ready = [one for one in portion.messages if Position(portion.incarnation, one.sequence) <= before]
                return ready, before
            account.lacking(tenant, unaccounted=sum(one.last - one.first + 1 for one in portion.unaccounted))
        self._gap = None
        account.lacking(tenant, missing=portion.missing)
        return portion.messages, place

    async def _sent(self, events: Sequence[EventMessage]) -> bool:
        """Have these sent; False when the sink is left before."""
        courier = self._sources.courier
        left = [parcel for parcel in map(self._sources.intake.parcel, events) if parcel is not None]
        for parcel in left:
            parcel.anew = self._stretch.replayed
        again = self._taken_over or self._stretch.upto is not None
        tries = 0
        while left:
            before = left
            left = await courier.attempt(before, late=True)
            if again:
                rest = set(map(id, left))
                for parcel in before:
                    # Where copies are told apart, only those are counted that somebody asked for.
                    counts = parcel.copies or self._stretch.upto is not None
                    courier.account.repeated(parcel.tenant, int(counts and id(parcel) not in rest))
            tries = 0 if len(left) < len(before) else tries + 1
            if self._sources.leaving.is_set():
                return not left
            await self._renew_lease()
            await self._sources.clock.sleep(courier.pause_s(left, tries))
        return True

    @property
    def _filter(self) -> EventFilter:
        if self._stretch.tenant is not None:
            return EventFilter(tenant=self._stretch.tenant)
        return EventFilter(tenants=self._sources.tenants or frozenset())

    async def _renew_lease(self) -> None:
        """Renew the lease when that is due. Raises `_Lost`."""
        until = self._stretch.owner_until
        if until is None or until - self._sources.clock.now() < _RENEW:
            await self._put()

    async def _put(self, **changes: object) -> None:
        leased: dict[str, object] = {"owner": self._replica, "owner_until": self._sources.clock.now() + _LEASE}
        stored = await self._sources.behind.put(replace(self._stretch, **{**leased, **changes}))  # type: ignore[arg-type]
        if stored is None:
            raise _Lost
        self._stretch = stored

"""Events of AOC_EVENTS as they come for one sink: sent now, or set aside for later."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.publications import Position
from aoc_common.errors import Malformed, Transient, Unfinished
from aoc_common.telemetry.pulse import moved
from aoc_exporter.behind import Verdict
from aoc_exporter.courier import Parcel
from aoc_exporter.entry import Entry
from aoc_exporter.marks import EVENTS, RESTORED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.clock import Clock
    from aoc_common.contracts.event_message import EventMessage
    from aoc_exporter.behind import Behind
    from aoc_exporter.courier import Courier
    from aoc_exporter.selection import Choice
    from aoc_exporter.sent import Sent

#: A tenant whose destination takes nothing for so long, while others' do, is set aside. Seconds.
_PATIENCE_S: Final = 4.0
_HELD_S: Final = 0.5


class Intake:
    """Handles batches of events. `twins`: whether both of two events of one action go."""

    def __init__(
        self,
        courier: Courier,
        choice: Choice,
        behind: Behind,
        clock: Clock,
        sent: Sent,
        *,
        twins: bool,
        linger_s: float,
    ) -> None:
        self.leaving = asyncio.Event()
        self._courier = courier
        self._choice = choice
        self._behind = behind
        self._clock = clock
        self._twins = twins
        self._linger_s = linger_s
        self._failing: dict[str, float] = {}
        self._well: dict[str, float] = {}
        #: Batch -> what of it is not settled.
        self._in_work: dict[int, list[Parcel]] = {}
        self._numbers = count()
        self._sent = sent

    async def handle(self, events: Sequence[EventMessage]) -> None:
        """Settle a batch: sent, given up, not wanted or set aside. Raises `Unfinished` when the sink is left before."""
        if self._linger_s:
            await self._pause(self._linger_s)
        await self._behind.fresh()
        wanted = self._wanted(events)
        number = next(self._numbers)
        try:
            await self._settle(wanted, number)
        finally:
            self._in_work.pop(number, None)
        await self._courier.account.write_repeats()

    def chosen(self, event: EventMessage) -> Entry | None:
        """The entry of an event as it goes; None when it does not."""
        if not self._twins and not event.stands_alone:
            return None
        return self._choice.of(Entry.of_event(event), int(self._clock.now().timestamp() * 1000))

    def parcel(self, event: EventMessage, place: int = 0) -> Parcel | None:
        """As `chosen`, to be sent. An event that cannot be read is sent as it is: its destination will say so.

        But for one that had to be redacted: it goes nowhere.
        """
        unfit = ""
        try:
            entry = self.chosen(event)
        except Malformed as error:
            entry = Entry.of_event(event)
            unfit = f"it cannot be redacted: {error}" if self._choice.redacts else ""
        if entry is None:
            self._courier.account.filtered(event.tenant)
            return None
        at = Position(event.incarnation, event.sequence)
        return Parcel(entry, place, at, event.deliveries, restored=event.restored, unfit=unfit)

    def _wanted(self, events: Sequence[EventMessage]) -> list[Parcel]:
        parcels = [self.parcel(event, place) for place, event in enumerate(events)]
        wanted = [parcel for parcel in parcels if parcel is not None]
        for parcel in wanted:
            if parcel.position is not None and parcel.position.incarnation:
                parcel.spot = RESTORED[EVENTS] if parcel.restored else EVENTS, parcel.position
        return wanted

    async def _settle(self, left: list[Parcel], number: int) -> None:
        tries = 0
        while True:
            left, held = await self._sorted(left)
            self._in_work[number] = left + held
            if left:
                unsent = await self._courier.attempt(left, impatient=self._courier.lanes.several)
                self._note(left, unsent)
                left, tries = unsent, tries + 1
            left += held
            self._in_work[number] = left
            if not left:
                return
            moved()
            if await self._fallen(left):
                continue
            if self.leaving.is_set():
                raise Unfinished("the sink is left", frozenset(parcel.place for parcel in left))
            await self._pause(_HELD_S if held else self._courier.pause_s(left, tries))

    async def _sorted(self, parcels: Sequence[Parcel]) -> tuple[list[Parcel], list[Parcel]]:
        """What is to be sent now, and what has to wait until it is known what becomes of it."""
        try:
            await self._behind.fresh()
            verdicts = [(parcel, self._verdict(parcel)) for parcel in parcels]
        except Transient:
            return [], list(parcels)
        aside = sum(verdict is Verdict.ASIDE for _, verdict in verdicts)
        self._courier.account.set_aside(aside)
        return (
            [parcel for parcel, verdict in verdicts if verdict is Verdict.SEND],
            [parcel for parcel, verdict in verdicts if verdict is Verdict.HOLD],
        )

    def _verdict(self, parcel: Parcel) -> Verdict:
        if parcel.position is None or not parcel.position.incarnation:
            return Verdict.SEND
        return self._behind.verdict(parcel.tenant, parcel.position)

    def _note(self, sent: Sequence[Parcel], unsent: Sequence[Parcel]) -> None:
        """Whose destinations are well, and since when others' are not."""
        now = self._clock.monotonic()
        failing = {parcel.tenant for parcel in unsent}
        for tenant in {parcel.tenant for parcel in sent} - failing:
            self._well[tenant] = now
            self._failing.pop(tenant, None)
        again = set(map(id, unsent))
        for one in sent:
            if id(one) not in again and one.copies and one.position:
                self._sent.note(self._courier.account, one.tenant, one.position, restored=one.restored)
        for tenant in failing:
            self._failing.setdefault(tenant, now)

    async def _fallen(self, left: Sequence[Parcel]) -> bool:
        """Note whose destinations are away as behind; whether there was any: theirs comes from the store."""
        fallen: dict[str, Parcel] = {}
        for parcel in left:
            if parcel.words and parcel.position and parcel.position.incarnation and self._falls_behind(parcel):
                fallen.setdefault(parcel.tenant, parcel)
        for tenant, parcel in fallen.items():
            try:
                await self._behind.fall(tenant, self._first(tenant), parcel.words)
            except Transient:
                return False  # the store is away: what is left is tried again
        self._sent.fall(self._courier.account, self._behind.stretches)
        return bool(fallen)

    def trouble(self) -> str | None:
        """Why entries wait now, in a destination's words; None when none has to be sent again."""
        left = [parcel for parcels in self._in_work.values() for parcel in parcels if parcel.words]
        return f"{left[0].tenant}: {left[0].words}" if left else None

    def _first(self, tenant: str) -> Position:
        """Where the first event of a tenant lies that this replica has in work."""
        return min(
            parcel.position
            for parcels in self._in_work.values()
            for parcel in parcels
            if parcel.tenant == tenant and parcel.position is not None
        )

    def _falls_behind(self, parcel: Parcel) -> bool:
        """Whether a tenant's destination has been away for long enough, and others are not."""
        since = self._failing.get(parcel.tenant, float("inf"))
        if not (parcel.own or parcel.overdue or self._clock.monotonic() - since >= _PATIENCE_S):
            return False
        others = any(at > since for tenant, at in self._well.items() if tenant != parcel.tenant)
        return parcel.own or others or self._courier.lanes.several

    async def _pause(self, seconds: float) -> None:
        if self.leaving.is_set():
            return
        leaving = asyncio.create_task(self.leaving.wait())
        await asyncio.wait({leaving}, timeout=seconds)
        leaving.cancel()

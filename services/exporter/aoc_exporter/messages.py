"""Alerts and entries of the audit trail as they come for one sink: sent now, or given back for a while.

One consumer has those of all tenants. So where tenants have destinations of their own, what one of them does not take
is given back to JetStream, which hands it out again within a minute, and what comes for the others goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cachetools import TTLCache

from aoc_common.contracts import subjects
from aoc_common.contracts.audit import AuditEntry
from aoc_common.contracts.publications import Position
from aoc_common.errors import Postponed, Unfinished
from aoc_exporter.courier import Parcel
from aoc_exporter.entry import Entry
from aoc_exporter.marks import RESTORED

if TYPE_CHECKING:
    from asyncio import Event
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from nats.aio.msg import Msg

    from aoc_common.bus.reading import Origin
    from aoc_common.clock import Clock
    from aoc_exporter.courier import Courier
    from aoc_exporter.selection import Choice
    from aoc_exporter.sent import Sent

type LeavesOut = Callable[[Iterable[str]], Awaitable[bool]]
"""Whether the sink has some of these tenants by settings that this replica has not yet. May raise `Transient`."""

#: A destination that takes nothing for so long holds up others no longer. Seconds.
_PATIENCE_S: Final = 4.0
#: What was given back comes again within a minute, here or at another replica.
_GIVEN_BACK: Final = 20_000
_GIVEN_BACK_S: Final = 150.0


class MessageIntake:
    """Handles batches of messages of one stream. `lane`: its name in marks. `leaving`: nothing more is begun."""

    def __init__(
        self,
        lane: str,
        courier: Courier,
        choice: Choice,
        leaves_out: LeavesOut,
        leaving: Event,
        clock: Clock,
        sent: Sent,
    ) -> None:
        self._lane = lane
        self._leaves_out = leaves_out
        self._sent = sent
        self._courier = courier
        self._choice = choice
        self._leaving = leaving
        self._clock = clock
        #: Where -> how often it was handed out until it was given back, whose it is, and why.
        self._given_back: TTLCache[Position, tuple[int, str, str]] = TTLCache(
            _GIVEN_BACK, _GIVEN_BACK_S, timer=clock.monotonic
        )

    async def handle(self, messages: Sequence[Msg], origin: Origin) -> None:
        """Send what is wanted. Raises `Unfinished` for what is to come again, and `Malformed`."""
        if await self._leaves_out({subjects.tenant_of_message(message.subject) for message in messages}):
            raise Postponed("another replica has newer settings of this sink")
        parcels = self._parcels(messages, origin)
        undone: frozenset[int] = frozenset()
        try:
            await self._send_all(parcels)
        except Unfinished as error:
            undone = error.undone
            raise
        finally:
            self._note(messages, parcels, undone, origin)
            await self._courier.account.write_repeats()

    def _parcels(self, messages: Sequence[Msg], origin: Origin) -> list[Parcel]:
        """What of these is wanted. Raises `Malformed`."""
        now = int(self._clock.now().timestamp() * 1000)
        parcels = []
        for place, message in enumerate(messages):
            entry = _entry(message)
            if (chosen := self._choice.of(entry, now)) is None:
                self._courier.account.filtered(entry.tenant)
            else:
                parcels.append(self._parcel(chosen, place, message, origin))
        return parcels

    def trouble(self) -> str | None:
        """Why something was given back, in a destination's words; None when nothing is."""
        self._given_back.expire()
        return next((f"{tenant}: {words}" for _, tenant, words in self._given_back.values()), None)

    def _parcel(self, entry: Entry, place: int, message: Msg, origin: Origin) -> Parcel:
        """What was given back is no repeat for that, and is marked already."""
        at = _place(message, origin)
        before = self._given_back.get(at)
        deliveries = message.metadata.num_delivered - (before[0] if before else 0)
        spot = None if before else (RESTORED[self._lane] if origin.restored else self._lane, at)
        return Parcel(entry, place, None, max(deliveries, 1), restored=origin.restored, spot=spot)

    def _note(self, messages: Sequence[Msg], parcels: Sequence[Parcel], undone: frozenset[int], origin: Origin) -> None:
        """Remember what was sent where a copy would be one more, and what is given back."""
        for parcel in parcels:
            message = messages[parcel.place]
            at = _place(message, origin)
            if parcel.place in undone:
                self._given_back[at] = message.metadata.num_delivered, parcel.tenant, parcel.words
                continue
            self._given_back.pop(at, None)
            if parcel.copies:
                self._sent.note(self._courier.account, parcel.tenant, at, restored=origin.restored)

    async def _send_all(self, left: list[Parcel]) -> None:
        tries, began = 0, self._clock.monotonic()
        while left:
            left, tries = await self._courier.attempt(left, impatient=self._courier.lanes.several), tries + 1
            if left and (self._leaving.is_set() or self._hold_up(left, began)):
                raise Unfinished("what is left is sent later", frozenset(parcel.place for parcel in left))
            await self._clock.sleep(self._courier.pause_s(left, tries))

    def _hold_up(self, left: Sequence[Parcel], began: float) -> bool:
        """Whether these would hold up others for too long; at once where their destinations were away before."""
        away = {tenant for _, tenant, _ in self._given_back.values()}
        patient = self._clock.monotonic() - began < _PATIENCE_S and not {parcel.tenant for parcel in left} <= away
        return self._courier.lanes.several and not patient


def _place(message: Msg, origin: Origin) -> Position:
    return Position(origin.incarnation, message.metadata.sequence.stream)


def _entry(message: Msg) -> Entry:
    """What a message of AOC_ALERTS or AOC_AUDIT says. Raises `Malformed`."""
    if message.subject.startswith("aoc.alerts."):
        return Entry.of_alert(message.subject, message.headers or {}, message.data)
    return Entry.of_audit(AuditEntry.read(message.data.decode("utf-8", "replace")))

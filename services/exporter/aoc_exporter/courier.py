"""Entries of one sink on their way: chosen, encoded, sent to the destination of their tenant, and settled."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from aoc_common.errors import AocError, Permanent, Transient
from aoc_common.outbound.refusals import one_line
from aoc_common.telemetry.pulse import moved
from aoc_exporter import metrics
from aoc_exporter.item import fit
from aoc_exporter.outcome import Accepted, Refused, Retry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.clock import Clock
    from aoc_common.contracts.publications import Position
    from aoc_exporter.account import Account
    from aoc_exporter.dead_letters import SinkDeadLetters
    from aoc_exporter.entry import Entry
    from aoc_exporter.item import Format, Item
    from aoc_exporter.lanes import Lanes, Way
    from aoc_exporter.marks import Marks, Spot
    from aoc_exporter.outcome import Outcome

#: Between two tries, seconds: the breaker of a destination that is away holds back what would be too much.
_SHORTEST_S: Final = 0.2
_LONGEST_S: Final = 5.0
_LOOK_S: Final = 0.5
_OVERDUE: Final = "the destination owes an answer for too long"


@dataclass(slots=True)
class Parcel:
    """An entry to send. `place`: in its batch. `position`: on AOC_EVENTS; None where it did not come from there.

    `deliveries`: how often it was handed out, this time included. `words`: why it was not taken; `own`: the
    destination is well otherwise. `restored`: it came from the store; `copies`: its destination takes repeats.
    `anew`: somebody wants it sent again. `spot`: where it is marked before it is sent (`marks`); None: nowhere.
    `unfit`: why it must not be sent.
    """

    entry: Entry
    place: int = 0
    position: Position | None = None
    deliveries: int = 1
    item: Item | None = None
    words: str = ""
    own: bool = False
    restored: bool = False
    copies: bool = False
    anew: bool = False
    spot: Spot | None = None
    unfit: str = ""

    @property
    def overdue(self) -> bool:
        """Whether its destination owes an answer."""
        return self.words == _OVERDUE

    @property
    def tenant(self) -> str:
        """Whose it is."""
        return self.entry.tenant


class Courier:
    """Sends parcels, and keeps account of what became of them."""

    def __init__(
        self,
        sink: str,
        form: Format,
        lanes: Lanes,
        account: Account,
        marks: Marks,
        letters: SinkDeadLetters,
        clock: Clock,
    ) -> None:
        self.sink = sink
        self.lanes = lanes
        self.account = account
        self._form = form
        self._marks = marks
        self._letters = letters
        self._clock = clock

    async def attempt(self, parcels: Sequence[Parcel], *, late: bool = False, impatient: bool = False) -> list[Parcel]:
        """Send each once; those that have to be sent again.

        `late`: they are sent beside the others. `impatient`: a destination that owes an answer for long is not waited
        for.
        """
        ways = defaultdict[int, list[Parcel]](list)
        by_way: dict[int, Way] = {}
        left: list[Parcel] = []
        for parcel in parcels:
            try:
                way = await self.lanes.of(parcel.tenant)
            except AocError as error:
                self._put_off(parcel, Retry(str(error), own=True))
                left.append(parcel)
                continue
            by_way[id(way)] = way
            ways[id(way)].append(parcel)
        copying = [parcel for way, some in ways.items() if not by_way[way].idempotent for parcel in some]
        if copying and not await self._entered(copying):
            left += copying
            ways = defaultdict(list, {way: some for way, some in ways.items() if by_way[way].idempotent})
        results = await asyncio.gather(
            *(self._along(by_way[way], some, late=late, impatient=impatient) for way, some in ways.items()),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
            left += result
        return left

    def pause_s(self, left: Sequence[Parcel], tries: int) -> float:
        """Seconds until what is left is tried again."""
        return min(_SHORTEST_S * 2 ** min(tries, 10), _LONGEST_S) if left else 0.0

    async def _along(self, way: Way, parcels: Sequence[Parcel], *, late: bool, impatient: bool) -> list[Parcel]:
        fine = [parcel for parcel in parcels if await self._fitted(way, parcel)]
        items = [parcel.item for parcel in fine if parcel.item is not None]
        with metrics.SEND_SECONDS.labels(self.sink).time():
            outcomes = await self._sent(way, items, impatient=impatient)
        left: list[Parcel] = []
        delivered = defaultdict[str, int](int)
        for parcel, outcome in zip(fine, outcomes, strict=True):
            match outcome:
                case Accepted(repeats):
                    delivered[parcel.tenant] += 1
                    parcel.copies = not way.idempotent
                    again = 0 if way.idempotent else parcel.deliveries - 1
                    self.account.repeated(parcel.tenant, repeats + again)
                case Refused(words):
                    await self._give_up(parcel, words)
                case Retry():
                    self._put_off(parcel, outcome)
                    left.append(parcel)
        for tenant, count in delivered.items():
            self.account.delivered(tenant, count, late=late)
        return left

    async def _entered(self, parcels: Sequence[Parcel]) -> bool:
        """Have it on record what copies there may be when these are sent; False: they wait until that can be done.

        Whoever has to count the rest, when this process is killed now, finds it there.
        """
        new = [parcel for parcel in parcels if parcel.spot is not None]
        try:
            doubtful = await self._marks.enter(parcel.spot for parcel in new if parcel.spot is not None)
            for parcel in new:
                self.account.repeated(parcel.tenant, int(parcel.spot in doubtful))
                parcel.spot = None
            await self.account.write_repeats()
        except Transient as error:
            for parcel in parcels:
                self._put_off(parcel, Retry(f"what is sent cannot be put on record: {error}"))
            return False
        return True

    async def _sent(self, way: Way, items: Sequence[Item], *, impatient: bool) -> Sequence[Outcome]:
        sending = asyncio.create_task(way.lane.send(items))
        try:
            while not (await asyncio.wait({sending}, timeout=_LOOK_S))[0]:
                moved()
                if impatient and way.stuck:
                    return [Retry(_OVERDUE, maybe_taken=int(not way.idempotent))] * len(items)
            return sending.result()
        finally:
            sending.cancel()

    async def _fitted(self, way: Way, parcel: Parcel) -> bool:
        """Whether an entry is encoded and small enough; one that never will be is given up."""
        if parcel.unfit:
            await self._give_up(parcel, parcel.unfit)
            return False
        if parcel.item is None:
            try:
                item = fit(parcel.entry, self._form, way.entry_bytes)
            except Permanent as error:
                await self._give_up(parcel, str(error))
                return False
            parcel.item = replace(item, anew=True) if parcel.anew else item
        return True

    async def _give_up(self, parcel: Parcel, words: str) -> None:
        sequence = parcel.position.sequence if parcel.position else 0
        while True:
            try:
                await self._letters.put(self.sink, parcel.entry, one_line(words), sequence)
            except Transient as error:
                # What was delivered beside it must not be delivered again for this.
                self.account.failed(parcel.tenant, f"a dead letter cannot be put on record: {error}")
                await self._clock.sleep(_LONGEST_S)
            else:
                self.account.refused(parcel.tenant, words)
                return

    def _put_off(self, parcel: Parcel, outcome: Retry) -> None:
        parcel.words, parcel.own = outcome.words, outcome.own
        self.account.repeated(parcel.tenant, outcome.maybe_taken)
        self.account.failed(parcel.tenant, outcome.words)

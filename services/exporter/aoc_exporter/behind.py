"""Tenants whose destination is away: their events are set aside, and sent from the store when it is back.

One sink reads the events of all its tenants with one consumer, and a consumer cannot skip. So of a tenant whose
destination takes nothing, while those of others do, it is noted from where on it is behind; its messages are then
acknowledged, and the store has them (docs/adr/0059-one-consumer-many-destinations.md).

A replica acts on what it has read within the last `_FRESH_S` seconds only. So who ends a stretch says so first
(`closing`), and reads the end of the stream `CLOSING_S` later: nobody sets anything aside any more that lies behind it.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.publications import Position
from aoc_common.contracts.sink_states import Stretch, behind_key
from aoc_common.errors import Unreachable
from aoc_common.outbound.refusals import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.clock import Clock
    from aoc_common.store.sink_stretches import SinkStretchStore

_FRESH_S: Final = 4.0
_REFRESH_S: Final = 1.0
CLOSING_S: Final = 6.0
_ATTEMPTS: Final = 20


class Verdict(Enum):
    """What becomes of a message: sent, done with already, set aside, or held until it is known."""

    SEND = auto()
    DONE = auto()
    ASIDE = auto()
    HOLD = auto()


class Behind:
    """What this replica knows of a sink's stretches."""

    def __init__(self, sink: str, store: SinkStretchStore, clock: Clock) -> None:
        self._sink = sink
        self._store = store
        self._clock = clock
        self._known: dict[str, Stretch] = {}
        self._read_at = float("-inf")

    @property
    def stretches(self) -> Sequence[Stretch]:
        """All of the sink's, as they were read last."""
        return tuple(self._known.values())

    @property
    def open(self) -> Sequence[Stretch]:
        """Those that are not done."""
        return [stretch for stretch in self._known.values() if stretch.phase != "done"]

    async def refresh(self) -> None:
        """Read what is known now. Raises `Transient`."""
        began = self._clock.monotonic()
        self._known = {stretch.key: stretch for stretch in await self._store.of(self._sink)}
        self._read_at = began

    async def fresh(self) -> None:
        """Read it if that was not done a moment ago. Raises `Transient`."""
        if self._clock.monotonic() - self._read_at > _REFRESH_S:
            await self.refresh()

    def verdict(self, tenant: str, position: Position) -> Verdict:
        """What becomes of a tenant's message there. Raises `Unreachable` when what is known is too old to say."""
        stretch = self._known.get(behind_key(self._sink, tenant))
        if self._clock.monotonic() - self._read_at > _FRESH_S:
            raise Unreachable("it is not known which tenants are behind")
        if stretch is None or position <= stretch.since:
            return Verdict.SEND
        if stretch.has(position):
            return Verdict.DONE
        return {"open": Verdict.ASIDE, "closing": Verdict.HOLD, "done": Verdict.SEND}[stretch.phase]

    async def fall(self, tenant: str, before: Position, why: str) -> None:
        """Note that all of a tenant from a position on is sent later. Raises `Transient`."""
        key = behind_key(self._sink, tenant)
        for _ in range(_ATTEMPTS):
            there = self._known.get(key)
            begin = Position(before.incarnation, max(before.sequence - 1, 0))
            if there is not None and there.phase == "open" and there.since <= begin:
                return  # another replica, or another batch, was quicker
            made = Stretch(key, self._sink, tenant, begin, begin, at=self._clock.now(), why=one_line(why))
            if there is not None:
                made = replace(made, revision=there.revision)
            if (stored := await self._store.put(made)) is not None:
                self._known[key] = stored
                return
            await self.refresh()
        raise Unreachable(f"sink {self._sink}: others change what is behind all the time")

    async def put(self, stretch: Stretch) -> Stretch | None:
        """Store a stretch if nobody has changed it meanwhile. Raises `Transient`."""
        if (stored := await self._store.put(stretch)) is not None:
            self._known[stretch.key] = stored
        return stored

"""Where a sink's consumers of AOC_ALERTS and AOC_AUDIT have got to, beside them: in the store, by its marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_common.contracts.publications import Position
from aoc_common.contracts.sink_states import Mark

if TYPE_CHECKING:
    from aoc_common.store.sink_marks import SinkMarkStore

#: In place of a replica: all share it.
_SHARED: Final = ""


class SinkFloors:
    """`Floors` of one sink."""

    def __init__(self, sink: str, store: SinkMarkStore) -> None:
        self._sink = sink
        self._store = store
        self._noted: dict[str, Position] = {}

    async def read(self, stream: str) -> Position | None:
        """What any replica has noted last."""
        found = (one.position for one in await self._store.of(self._sink) if one.lane == _lane(stream))
        return next((position for position in found if position.incarnation), None)

    async def write(self, stream: str, floor: Position) -> None:
        """Note it, if it is another one than this replica noted last."""
        if self._noted.get(stream) != floor:
            await self._store.put(self._sink, Mark(_SHARED, _lane(stream), floor))
            self._noted[stream] = floor

    async def forget(self, stream: str) -> None:
        """It is read no more: whoever reads it again begins anew. Raises `Transient`."""
        if await self.read(stream) is not None:
            await self.write(stream, Position("", 0))


def _lane(stream: str) -> str:
    return f"{stream} settled"

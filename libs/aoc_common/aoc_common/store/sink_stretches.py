"""Events that are sent beside the others, late or again. Every method may raise `Transient`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.contracts.sink_states import Stretch


class SinkStretchStore(Protocol):
    """The stretches of sinks; replicas share them by compare-and-set."""

    async def of(self, sink: str) -> Sequence[Stretch]:
        """Every stretch of a sink, by key."""
        ...

    async def put(self, stretch: Stretch) -> Stretch | None:
        """Store it, with the next revision, if it still has the one that it was read with; None when it has not."""
        ...

    async def forget(self, sink: str) -> None:
        """Remove a sink's stretches."""
        ...

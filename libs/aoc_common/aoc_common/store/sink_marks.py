"""How far replicas may have sent of sinks. Every method may raise `Transient`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.contracts.sink_states import Mark

#: Marks of one lane that are kept: the furthest ones.
MOST_MARKS: Final = 20


class SinkMarkStore(Protocol):
    """The marks of sinks. What a replica has marked outlasts it."""

    async def of(self, sink: str) -> Sequence[Mark]:
        """Every mark of a sink."""
        ...

    async def put(self, sink: str, mark: Mark) -> None:
        """Store it in place of the one that its replica has in this lane."""
        ...

    async def prune(self, sink: str) -> None:
        """Remove what is beyond `MOST_MARKS`: marks that lie behind so many others."""
        ...

    async def forget(self, sink: str) -> None:
        """Remove a sink's marks."""
        ...

"""How far readers have read. Every method may raise `Transient` when the store is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.contracts.reading import Checkpoint


class CheckpointStore(Protocol):
    """The readers' checkpoints, shared by the replicas of a reader."""

    async def read(self, name: str) -> Checkpoint | None:
        """The checkpoint of a reader; None when `provision` has not made it yet."""
        ...

    async def write(self, state: Checkpoint) -> bool:
        """Store a checkpoint, with the next revision, if it still has the one that it was read with; whether it had."""
        ...

    async def forget(self, name: str) -> None:
        """Remove the checkpoint of a reader that is gone for good."""
        ...

    async def all(self) -> Sequence[Checkpoint]:
        """Every checkpoint, by name."""
        ...

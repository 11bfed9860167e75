"""Sinks that administrators made. Every method may raise `Transient` when the store is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.contracts.sink_states import SinkRecord


class SinkStore(Protocol):
    """The sinks of the registry."""

    async def all(self) -> Sequence[SinkRecord]:
        """Every sink, by name."""
        ...

    async def get(self, name: str) -> SinkRecord | None:
        """One sink; None when there is none."""
        ...

    async def put(self, record: SinkRecord) -> bool:
        """Store a sink if the one that is there has the revision before its own (1: there is none); whether it had."""
        ...

    async def remove(self, name: str) -> bool:
        """Remove a sink; whether it was there."""
        ...

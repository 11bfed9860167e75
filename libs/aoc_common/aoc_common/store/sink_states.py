"""Sinks at work: their places on the bus and their health. Every method may raise `Transient`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from aoc_common.contracts.sink_states import Origin, Runner, SinkHealth, SinkState


class SinkStateStore(Protocol):
    """What exporters say of the sinks that they run; replicas share it."""

    async def all(self) -> Sequence[SinkState]:
        """Every sink that has a place, by name."""
        ...

    async def place(self, name: str, origin: Origin, settings: Mapping[str, Any], at: datetime) -> SinkState | None:
        """The sink's place, taken now if it has none; None when all places are taken. `settings`: to be shown."""
        ...

    async def tell(self, name: str, health: SinkHealth, at: datetime, runner: Runner | None = None) -> bool:
        """Say how it fares, if it still has a place, and its `runner`'s where one is given; whether it has."""
        ...

    async def take_in(self, name: str, tenants: frozenset[str] | None) -> None:
        """Note whose events the sink reads from now on. `tenants`: None for all."""
        ...

    async def free(self, name: str) -> None:
        """Its place is free again."""
        ...

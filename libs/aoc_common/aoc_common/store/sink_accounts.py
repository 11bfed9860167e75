"""What became of entries, by sink and tenant. Every method may raise `Transient`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.contracts.sink_states import Tally


class SinkAccountStore(Protocol):
    """The accounts; replicas add to them."""

    async def add(self, sink: str, tallies: Mapping[str, Tally]) -> None:
        """Add what became of entries since the last time, tenant by tenant. Not idempotent: of a failure some is in."""
        ...

    async def of(self, sink: str) -> Mapping[str, Tally]:
        """Tenant -> its account."""
        ...

    async def forget(self, sink: str) -> None:
        """Remove a sink's accounts."""
        ...

"""What sinks have delivered of a tenant: the other end of its account. Every method may raise `Transient`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class SinkDelivery:
    """What a sink has delivered of a tenant. `state`, `delivered_until`, `seen_at`: as of `contracts.sink_states`.

    `behind`: the tenant's destination was away, and its entries are sent later than others'; until when all of them are
    delivered is not known then. The counts are those of a `Tally`.
    """

    sink: str
    kind: str
    state: str
    seen_at: datetime
    delivered_until: datetime | None
    behind: bool
    delivered: int = 0
    filtered: int = 0
    refused: int = 0
    repeated: int = 0
    late: int = 0
    missing: int = 0
    unaccounted: int = 0


class SinkDeliveries(Protocol):
    """Reads what exporters have noted."""

    async def of(self, tenant: str) -> Sequence[SinkDelivery]:
        """Of the sinks that read the tenant's events, or have an account of them, by name."""
        ...

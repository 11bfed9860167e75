"""How far each source has been collected, and how it is. Each user of it has a port of its own, with this one in it.

Every method may raise `Transient` when the store is away. Every query names its tenant.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class SourceState:
    """How far a source of a tenant has been collected.

    `watermark`: everything before it is on the bus; only `SourceStates.all_states` tells it. `position`: where the live
    slices are; later than the watermark while an outage is caught up (see `store.backlog`). `started_at`: when it was
    first collected. `trouble`: the class of the last error (`contracts.troubles`), and its code. `subscribed_at`: its
    subscription's last start; `unsubscribed_since`: it does not run, and was seen to until then. `throttled`: share of
    the last hour's answers that asked for fewer requests. `reread`: age in seconds -> all before this moment was read
    again when that old. `requested`: (start, end) of what was collected because somebody asked for it; apart from each
    other, oldest first.
    """

    tenant: str
    source: str
    watermark: datetime | None = None
    position: datetime | None = None
    started_at: datetime | None = None
    last_success: datetime | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None
    trouble: str | None = None
    code: str = ""
    subscribed_at: datetime | None = None
    unsubscribed_since: datetime | None = None
    throttled: float | None = None
    reread: Mapping[int, datetime] = field(default_factory=dict)
    requested: Sequence[tuple[datetime, datetime]] = ()


class SourceStates(Protocol):
    """Reads the state of sources."""

    async def state(self, tenant: str, source: str) -> SourceState:
        """The state of a source, read at each of its slices; an empty one when it has never run.

        Without its watermark (None), which takes what the tenant's backlog still lacks.
        """
        ...

    async def all_states(self, tenant: str | None) -> list[SourceState]:
        """Every known source, of one tenant or (None: for operators only) of all."""
        ...

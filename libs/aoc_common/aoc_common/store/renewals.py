"""What mapping stored records again asks of storage. Nothing is published by it.

Every method may raise `Transient` when the store is away. Every query names its tenant.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.contracts.event import Event


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A stored record's text and what is to stay of its event.

    `stored_fields`: the fields of its document that mapping does not set.

    `ocsf`: the event as it is stored. `past`: it is a version of the event that is not the one that is shown.
    """

    id: UUID
    source: str
    raw: str
    page: str
    logged: datetime
    processed_ms: int
    expire_at: datetime
    mapper: str
    mapper_version: int
    stored_fields: Mapping[str, Any] = field(default_factory=dict)
    past: bool = False
    ocsf: Mapping[str, Any] = field(default_factory=dict)


class EventRenewal(Protocol):
    """Renews events in place."""

    async def unnamed(self, tenant: str, keys: Sequence[str], limit: int) -> list[StoredRecord]:
        """Records whose events have one of these ids (spelled by `contracts.directory.key`) without a name."""
        ...

    async def renew(self, pairs: Sequence[tuple[StoredRecord, Event]]) -> int:
        """Write renewed events; how many have moved. Idempotent; one whose identity changed moves to its new id."""
        ...

"""The audit trail. Nothing in it is ever changed or removed. Methods may raise `Transient` when the store is away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aoc_common.contracts.audit import AuditEntry, Chain


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Entries about one tenant, newest first. `start` inclusive, `end` exclusive; the others exactly so.

    `before`: only those that come behind the entry with this id.
    """

    tenant: str
    start: datetime | None = None
    end: datetime | None = None
    action: str | None = None
    actor: str | None = None
    outcome: str | None = None
    before: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """What is stored in the place of an entry. `fault`: why it cannot be an entry that was noted there, in words."""

    id: str
    sequence: int
    entry: AuditEntry | None
    fault: str | None = None


class AuditTrailStore(Protocol):
    """Keeps entries."""

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        """Store these. Those that are stored already are not stored again."""
        ...

    async def search(self, query: AuditQuery) -> list[AuditEntry]:
        """The entries that match. One that was changed is left out: `check` names it."""
        ...

    async def chain(self, chain: Chain, after: int, limit: int) -> list[StoredEntry]:
        """What is stored of a chain behind this sequence, in order."""
        ...

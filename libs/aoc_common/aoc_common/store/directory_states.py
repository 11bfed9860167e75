"""How far the directories of tenants have been read.

Every method may raise `Transient` when the store is away. Every query names its tenant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from aoc_common.contracts.directory import EntityKind


@dataclass(frozen=True, slots=True)
class SyncState:
    """How far a kind of a tenant's directory has been read.

    `delta_link` continues the reading that began with `query`; None until it was read to its end once.
    `read_from`: when the last reading began that told of everything.
    """

    tenant: str
    kind: EntityKind
    generation: int = 0
    query: str | None = None
    delta_link: str | None = None
    last_success: datetime | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None
    read_from: datetime | None = None


class DirectoryStates(Protocol):
    """How far the directories have been read."""

    async def state(self, tenant: str, kind: EntityKind) -> SyncState:
        """The state of a kind; an empty one when it was never read."""
        ...

    async def begin(self, tenant: str, kind: EntityKind) -> int:
        """The number of a new reading, higher than any before. Forgets nothing."""
        ...

    async def advance(self, state: SyncState, at: datetime) -> bool:
        """Note a success with the state's `query`, `delta_link` and, if it has one, `read_from`.

        False, and nothing, if a later reading has begun.
        """
        ...

    async def note_error(self, tenant: str, kind: EntityKind, error: str, at: datetime) -> None:
        """Note why a kind could not be read."""
        ...

    async def all_states(self, tenant: str) -> list[SyncState]:
        """The kinds that were tried."""
        ...

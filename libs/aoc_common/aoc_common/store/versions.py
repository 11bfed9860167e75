"""The versions of events (docs/adr/0011-versions.md).

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version of an event. `digest`: of what it tells, for those from number 2 on. `origin`: as of `Sighting`."""

    event: UUID
    number: int
    page: str
    source: str
    raw: str
    fetched: datetime
    digest: str | None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """An event's versions by number, and those of them that `event_versions` holds (`stored`).

    `document`: the current one, as it is stored. `shown`: which that is, of how many.
    """

    event: UUID
    document: Mapping[str, Any]
    shown: tuple[int, int]
    versions: Mapping[int, StoredVersion]
    stored: frozenset[int]


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version to add to an event. `document`: the encoded event, whatever its id."""

    history: History
    number: int
    digest: str
    document: bytes


class EventVersions(Protocol):
    """Keeps the versions of events."""

    async def histories(self, ids: Collection[UUID]) -> dict[UUID, History]:
        """Those of these events (at most 50) that are stored, whole."""
        ...

    async def add(self, versions: Sequence[NewVersion]) -> None:
        """Store versions under their numbers. A number that somebody else took is left as it is: read again."""
        ...

    async def show(self, current: Sequence[tuple[History, int]]) -> None:
        """Make a version of each of these events the current one, if nobody else has changed it since it was read."""
        ...

    async def replace(self, repairs: Sequence[tuple[StoredVersion, bytes]]) -> None:
        """Put whole text in the place of damaged text of a version."""
        ...

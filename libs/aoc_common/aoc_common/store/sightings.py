"""What is known of stored events without reading them (docs/adr/0011-versions.md).

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is known of a stored event without reading it.

    `text`: the digest of its text (`contracts.event.text_digest`); None for one that was stored before versions came.
    `versions`: how many it has. `fetched_ms`: when it was seen first. `forgotten`: retention has left the id only.
    `origin`: the page that it was adopted from, under whose name it is published.
    """

    page: str
    text: str | None
    versions: int
    fetched_ms: int
    forgotten: bool
    origin: str | None = None

    def is_only(self, text: str | None) -> bool:
        """Whether a text of this digest is all that is known of the event, as far as one can tell from here."""
        return self.text == text and self.versions == 1


@dataclass(frozen=True, slots=True)
class Adoption:
    """A version that a page which is gone had stored, another page that brings the same again may call its own."""

    event: UUID
    number: int
    origin: str
    page: str


class EventSightings(Protocol):
    """Recognises events that are stored, and whose they are."""

    async def former_until(self) -> datetime | None:
        """Events that happened later were never stored under a former id; None: unknown, so every event may be."""
        ...

    async def sightings(self, ids: Collection[UUID]) -> dict[UUID, Sighting]:
        """What is known of those of these events that are stored."""
        ...

    async def adopt(self, adoptions: Sequence[Adoption]) -> None:
        """Make versions those of another page, which has to publish them. One that was adopted stays so."""
        ...

    async def seen_earlier(self, sightings: Mapping[tuple[UUID, int], datetime]) -> None:
        """These versions (event, number) were fetched before they were fetched as stored."""
        ...

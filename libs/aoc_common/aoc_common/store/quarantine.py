"""What could not become an event. Every method may raise `Transient` when the store is away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """A part of a page that could not become an event, kept whole. `page` is empty for what never was on one.

    `key`: the same for the same text of a source, however often it is fetched.

    `stored`: a mapper stumbled over it, so its event is stored too, as a generic one; `aoc remap` maps it again.
    """

    key: str
    tenant: str
    source: str
    slice_id: str
    page: str
    reason: str
    text: str
    at: datetime
    stored: bool = False


class QuarantineStore(Protocol):
    """What was put aside."""

    async def put(self, entries: Sequence[QuarantineEntry]) -> None:
        """Keep these entries, once by `key`. One that was tried again, and comes once more, is open again."""
        ...

    async def list(self, tenant: str, slice_id: str | None, limit: int) -> list[QuarantineEntry]:
        """The newest entries, of one slice or of all."""
        ...

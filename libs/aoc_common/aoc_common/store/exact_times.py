"""Events of records of which one interface tells the time to the second, and another one more exactly.

An id is made of a record's time. So the same record has two ids, and whoever comes second looks for the other one.
Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID


class ExactTimes(Protocol):
    """Finds, for a record whose time is a whole second, the stored event that tells it more exactly."""

    async def note(self) -> None:
        """Such events are going to be stored. Idempotent; until then nothing is looked for."""
        ...

    async def stored(self, events: Mapping[UUID, tuple[str, str]]) -> dict[UUID, UUID]:
        """Id of an event at a whole second -> id of the event of the same record within that second, if one is stored.

        `events`: id -> tenant, and a search term of the record's own id.
        """
        ...

"""Which effects a consumer of events has had already, for those that cannot be repeated (a ticket, a mail, a page).

A message can come twice: whoever cannot repeat its effect asks `unseen` first, and notes it when the effect is had. Two
limits are part of the promise. An effect is repeated when the process dies between it and its note. And a note is kept
for a bounded time: a message that comes again later than that is taken for new. Readers redeliver within minutes, and a
hole is at most as old as the publication log (90 days), so that is how long a note is kept unless told otherwise.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

#: How long a note is kept, unless told otherwise.
RETENTION: Final = timedelta(days=90)

type EventKey = tuple[UUID, int]
"""An event's id, and the number of its version (`EventMessage.key`)."""


class EffectStore(Protocol):
    """Records of effects, shared by the replicas of a consumer. `effect` names what is not to be repeated."""

    async def unseen(self, effect: str, keys: Collection[EventKey]) -> set[EventKey]:
        """Those of these events for which the effect is not noted, or was noted too long ago. Raises `Transient`."""
        ...

    async def note(self, effect: str, keys: Collection[EventKey]) -> None:
        """The effect was had for these events. Idempotent: noted once more it stays for longer. Raises `Transient`."""
        ...

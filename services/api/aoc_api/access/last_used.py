"""When credentials were used last: noted in memory at each request, and written together now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_common.errors import Transient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

#: Seconds between two writes.
WRITE_S: Final = 15.0


class LastUsed:
    """Times of use by id. Only what was verified is noted, so there are never more than there are credentials."""

    def __init__(self, write: Callable[[Mapping[str, datetime]], Awaitable[None]]) -> None:
        self._write = write
        self._noted: dict[str, datetime] = {}
        self._written: dict[str, datetime] = {}

    def note(self, identity: str, at: datetime) -> None:
        """It is used now."""
        self._noted[identity] = at

    def of(self, identity: str) -> datetime | None:
        """When it was used last, if that is not written yet, or was a moment ago.

        What was read before it was written (`access.recent`) does not tell.
        """
        return self._noted.get(identity) or self._written.get(identity)

    async def write(self) -> None:
        """Write what was noted since the last time. What cannot be written now is written next time."""
        noted, self._noted = self._noted, {}
        self._written = noted
        try:
            await self._write(noted)
        except Transient:
            self._noted = noted | self._noted
            raise

"""Where on the line of time a tenant's events are: about how far back a number of them lies."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from aoc_common.store.mongo.event_outline import HOUR_MS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

#: One ms in ids: an id is a time in ms and, below it, 80 bits.
MS: Final = 1 << 80
_HOUR: Final = HOUR_MS * MS
#: Where nothing is known of a tenant: one event in so many ids.
_SPARSE: Final = 4_000 * MS

type Hours = Callable[[str], Awaitable[Mapping[int, int]]]
"""Month -> hour since 1970 -> about how many events."""


class Timeline:
    """Of one tenant. Hours without events take no part: a stretch of them is passed at once."""

    def __init__(self, months: Mapping[str, int] | None, hours: Hours, now_ms: int) -> None:
        #: About how many events there are; 0 when nobody knows.
        self.total = sum(months.values()) if months else 0
        self._months = None if months is None else sorted(months, reverse=True)
        self._load = hours
        self._loaded: dict[str, list[tuple[int, int]]] = {}
        self._now = now_ms * MS

    async def below(self, high: int, events: float) -> int:
        """The id from which on, and below `high`, there are about so many events; 0 when there are fewer."""
        if self._months is None:
            # Normally there is nothing in the future.
            return max(0, int(min(high, self._now) - events * _SPARSE)) if high <= self._now else self._now
        for month in self._months:
            if _first_id(month) >= high:
                continue
            for hour, count in await self._hours(month):
                begin, end = hour * _HOUR, (hour + 1) * _HOUR
                if begin >= high:
                    continue
                if begin < self._now < end:
                    end = self._now  # this hour has only begun
                share = count * min((high - begin) / (end - begin), 1)
                end = min(end, high)
                if share >= events:
                    return end - int((end - begin) * (events / share))
                events -= share
        return 0

    async def _hours(self, month: str) -> list[tuple[int, int]]:
        """Newest first."""
        if month not in self._loaded:
            self._loaded[month] = sorted((await self._load(month)).items(), reverse=True)
        return self._loaded[month]


def _first_id(month: str) -> int:
    at = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    return int(at.timestamp()) * 1000 * MS

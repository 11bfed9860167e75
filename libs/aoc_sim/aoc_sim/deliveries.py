"""Deliveries: each list that was read to its end, with its span and the time of the answer."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

#: Deliveries of one source that are remembered: a poll each, so days of them.
_REMEMBERED: Final = 20_000


class Delivery(NamedTuple):
    """A list of the records from `start` to `end`, of which the last page was answered at `at`; microseconds."""

    at: int
    start: int
    end: int


class Deliveries:
    """The deliveries of every tenant and source, in order."""

    def __init__(self) -> None:
        self._deliveries: dict[tuple[str, str], deque[Delivery]] = {}

    def note(self, slug: str, source: str, at_us: int, start_us: int, end_us: int) -> None:
        """A list was answered to its end. Its span counts up to the time of the answer only."""
        deliveries = self._deliveries.setdefault((slug, source), deque(maxlen=_REMEMBERED))
        deliveries.append(Delivery(at_us, start_us, min(end_us, at_us)))

    def of(self, slug: str, source: str) -> list[Delivery]:
        """Those of a source."""
        return list(self._deliveries.get((slug, source), ()))

"""Finds pages that are gone: unsettled, and not on AOC_RAW any more. Somebody purged it, or it was lost or made anew.

A page's outcome is written before the page is acknowledged. So what is not on the stream and still has no outcome after
that was seen will never have one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from aoc_common.telemetry import logs, metrics

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from aoc_common.clock import Clock
    from aoc_common.store.mongo.lost_pages import GoneSlice
    from aoc_common.store.ports import PublishedPage

_log = logs.get(__name__)

#: Pages that are looked for in one turn: each costs a request, and what waits is usually there.
_TOGETHER: Final = 100

type OnStream = Callable[[Sequence[PublishedPage]], Awaitable[set[str]]]
"""Those of these pages that lie on AOC_RAW, by their ids. Raises `Transient` when that cannot be told."""


class LostPages(Protocol):
    """What is asked of the ledger. Every method may raise `Transient`."""

    async def waiting(self, before: datetime, after: datetime | None, limit: int) -> list[PublishedPage]:
        """Pages that have waited since before a moment (and since `after` or later), the longest first."""
        ...

    async def of_slices(self, slice_ids: Sequence[str]) -> list[PublishedPage]:
        """All pages of these slices that wait, however short."""
        ...

    async def incomplete(self, before: datetime, limit: int) -> list[str]:
        """Slices fetched before a moment that wait for no page and are not settled."""
        ...

    async def gone(self, slice_id: str, pages: Sequence[str], at: datetime) -> GoneSlice | None:
        """These pages of a slice will never be settled. Idempotent."""
        ...


class GonePages:
    """Looks for pages that have waited for `patience`, some each turn, all in turns."""

    def __init__(self, ledger: LostPages, on_stream: OnStream, clock: Clock, patience: timedelta) -> None:
        self._ledger = ledger
        self._on_stream = on_stream
        self._clock = clock
        self._patience = patience
        self._looked_until: datetime | None = None

    async def look(self) -> int:
        """One turn; how many pages were found to be gone. Raises `Transient`."""
        now = self._clock.now()
        pages = await self._ledger.waiting(now - self._patience, self._looked_until, _TOGETHER)
        # The next turn goes on with those that have waited less; at the end it begins again.
        self._looked_until = pages[-1].at if len(pages) == _TOGETHER and pages[-1].at != pages[0].at else None
        missing = await self._missing(pages)
        if missing:
            # All that was lost of a slice is lost at once: who brings the one again brings the others too.
            looked = {page.page for page in pages}
            others = [page for page in await self._ledger.of_slices(list(missing)) if page.page not in looked]
            for slice_id, of_slice in (await self._missing(others)).items():
                missing[slice_id] += of_slice
        for slice_id in await self._ledger.incomplete(now - self._patience, _TOGETHER):
            missing.setdefault(slice_id, [])
        for slice_id, of_slice in missing.items():
            found = await self._ledger.gone(slice_id, of_slice, now)
            if found is not None:
                metrics.PAGES_GONE.labels(found.tenant, found.source).inc(found.pages)
                _log.error("pages.gone", slice=slice_id, pages=found.pages, collected_again=found.again)
        return sum(map(len, missing.values()))

    async def _missing(self, pages: Sequence[PublishedPage]) -> dict[str, list[str]]:
        """Slice -> its pages that are not on the stream."""
        there = await self._on_stream(pages) if pages else set()
        found: dict[str, list[str]] = defaultdict(list)
        for page in pages:
            if page.page not in there:
                found[page.slice_id].append(page.page)
        return found

"""Finds pages that are gone: unsettled, and not on AOC_RAW any more. Somebody purged it, or it was lost or made anew.

A page's outcome is written before the page is acknowledged. So what is not on the stream and still has no outcome after
that was seen will never have one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from aoc_common.store.clock_corrections import AHEAD
from aoc_common.telemetry import logs
from aoc_normalizer import metrics

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from aoc_common.clock import Clock
    from aoc_common.store.lost_pages import LostPages
    from aoc_common.store.pages import PublishedPage

_log = logs.get(__name__)

#: Pages that are looked for in one turn: each costs a request, and what waits is usually there.
_TOGETHER: Final = 100

type OnStream = Callable[[Sequence[PublishedPage]], Awaitable[set[str]]]
"""Those of these pages that lie on AOC_RAW, by their ids. Raises `Transient` when that is not known."""


class _Round:
    """Goes through the pages that wait, some at a time; at the end it begins again."""

    def __init__(self, ledger: LostPages) -> None:
        self._ledger = ledger
        self._until: datetime | None = None
        # Pages that were noted together wait since one moment, and may be more than some.
        self._seen: set[str] = set()

    async def some(self, after: datetime | None, before: datetime | None) -> list[PublishedPage]:
        """The next of those that have waited since `after` or later, and since before `before`."""
        begin = self._until if after is None or (self._until is not None and self._until > after) else after
        found = await self._ledger.waiting(before, begin, _TOGETHER + len(self._seen))
        pages = [page for page in found if page.page not in self._seen]
        if len(found) < _TOGETHER + len(self._seen):
            self._until, self._seen = None, set()
        else:
            last = pages[-1].at
            self._seen = {page.page for page in found if page.at == last} | (self._seen if last == begin else set())
            self._until = last
        return pages


class GonePages:
    """Looks for pages that have waited for `patience`, some each turn, all in turns."""

    def __init__(self, ledger: LostPages, on_stream: OnStream, clock: Clock, patience: timedelta) -> None:
        self._ledger = ledger
        self._on_stream = on_stream
        self._clock = clock
        self._patience = patience
        self._long, self._ahead = _Round(ledger), _Round(ledger)

    async def look(self) -> int:
        """One turn; how many pages were found to be gone. Raises `Transient`."""
        now = self._clock.now()
        pages = await self._long.some(None, now - self._patience)
        # A collector whose clock was ahead says of its pages that they wait since tomorrow: nobody waits for that.
        pages += await self._ahead.some(now + AHEAD, None)
        missing = await self._missing(pages)
        if missing:
            # All that was lost of a slice is lost at once: who brings the one again brings the others too.
            looked = {page.page for page in pages}
            others = [page for page in await self._ledger.of_slices(list(missing)) if page.page not in looked]
            for slice_id, of_slice in (await self._missing(others)).items():
                missing[slice_id] += of_slice
        for slice_id in await self._ledger.incomplete(now - self._patience, now + AHEAD, _TOGETHER):
            missing.setdefault(slice_id, [])
        for slice_id, of_slice in missing.items():
            found = await self._ledger.mark_lost(slice_id, of_slice, now)
            if found is not None:
                metrics.PAGES_GONE.labels(found.tenant, found.source).inc(found.pages)
                _log.error("pages.gone", slice=slice_id, pages=found.pages, collected_again=found.recollect)
        return sum(map(len, missing.values()))

    async def _missing(self, pages: Sequence[PublishedPage]) -> dict[str, list[str]]:
        """Slice -> its pages that are not on the stream."""
        there = await self._on_stream(pages) if pages else set()
        found: dict[str, list[str]] = defaultdict(list)
        for page in pages:
            if page.page not in there:
                found[page.slice_id].append(page.page)
        return found

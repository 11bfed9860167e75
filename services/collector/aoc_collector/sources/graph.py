"""What all sources of Microsoft Graph share: a time filter, and paging (`microsoft.paging`).

A small collection that Microsoft does not filter by time is read whole, and only what belongs to the window is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from aoc_collector.microsoft.answers import array_elements
from aoc_collector.microsoft.paging import BrokenSkipTokenError, follow
from aoc_collector.sources.base import Batch, Context, Spec, Window, clip_to_retention, cut
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from aoc_collector.microsoft.api import Api
    from aoc_collector.microsoft.families import FamilyName
    from aoc_collector.microsoft.paging import Page

_log = logs.get(__name__)

#: Times that a slice is restarted within one job because a skip token was refused.
_RESTARTS: Final = 3
#: With more pages than this a slice is replaced by shorter ones, which take less time to repeat.
MAX_PAGES: Final = 500
_RECORD: Final = msgspec.json.Decoder(dict[str, Any])


@dataclass(frozen=True, slots=True)
class Query:
    """A collection and how it is filtered. `extra` is a further `$filter` condition.

    `whole`: it cannot be filtered by time; all of it is read, and the records whose time is in the window are kept.
    """

    path: str
    time_field: str
    top: int
    extra: str = ""
    whole: bool = False

    def url(self, base: str, window: Window) -> str:
        """The address of the first page.

        `le`, although the end is exclusive: these collections document no `lt`. The record at the very end is
        fetched twice; the second is a duplicate.
        """
        if self.whole:
            return f"{base}{self.path}?$top={self.top}"
        bounds = f"{self.time_field} ge {_time(window.start)} and {self.time_field} le {_time(window.end)}"
        condition = f"{bounds} and {self.extra}" if self.extra else bounds
        return f"{base}{self.path}?$filter={quote(condition, safe='')}&$top={self.top}"


class GraphFeed:
    """A collection of Graph as a source."""

    def __init__(self, query: Query, context: Context) -> None:
        self._query = query
        self._api: Api = context.api
        self._context = context
        self._what = query.path

    async def batches(self, window: Window) -> AsyncGenerator[Batch]:
        """See `Source`. After a refused skip token, the records before it are read once more.

        Graph answers a window that is older than its retention with no records, as if nothing had happened: a loss.
        """
        if (retention := self._context.retention) is not None:
            window, loss = clip_to_retention(window, self._context.clock.now() - retention)
            if loss:
                yield Batch(losses=[loss])
            if window.start == window.end:
                return
        url = self._query.url(self._api.base, window)
        for restarts_left in range(_RESTARTS, -1, -1):
            try:
                async for batch in follow(self._api, url, self._what, lambda page: self._read(page, window), MAX_PAGES):
                    yield batch
            except BrokenSkipTokenError:
                if not restarts_left:
                    raise
                _log.info("slice.restarted", path=self._what)
            else:
                return

    def _read(self, page: Page, window: Window) -> Batch:
        """The records of an answer; of a whole collection those of the window, and those whose time cannot be read."""
        if not self._query.whole:
            return cut(page.value, self._what)
        field = self._query.time_field
        kept = [
            record
            for record in array_elements(page.value, self._what)
            if (at := _moment(record, field)) is None or window.start <= at <= window.end
        ]
        return cut(b"[" + b",".join(kept) + b"]", self._what)


def graph_feed(name: str, family: FamilyName, query: Query) -> Spec:
    """The registry entry of a Graph collection."""
    return Spec(name=name, family=family, build=lambda context: GraphFeed(query, context))


def _moment(record: msgspec.Raw, field: str) -> datetime | None:
    """The time in a field of a record; None when it has none that can be read."""
    try:
        text = _RECORD.decode(record).get(field)
        if not isinstance(text, str):
            return None
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, OverflowError):
        return None


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}Z" if not at.microsecond else f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"

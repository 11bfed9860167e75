"""What all feeds of Microsoft Graph share: a time filter, and pages that are followed link by link.

Source: graph-docs, paging.md. A next link is followed verbatim; an empty page can have one; a skip token that is
refused means that the slice starts again.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from aoc_collector.sources.base import Batch, Context, Family, Spec, UnfinishedError, Window, cut, decode
from aoc_common.errors import Refused
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import datetime

    from aoc_collector.api import Api
    from aoc_common.http import Answer

_log = logs.get(__name__)

#: Times that a slice starts again within one job because a skip token was refused.
_RESTARTS: Final = 3
#: More pages than this and the slice is cut smaller: what is long to read is long to repeat.
MAX_PAGES: Final = 500


class _Page(msgspec.Struct):
    value: msgspec.Raw
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")


_PAGE: Final = msgspec.json.Decoder(_Page)


@dataclass(frozen=True, slots=True)
class Query:
    """A collection and how it is filtered. `extra` is a further `$filter` condition."""

    path: str
    time_field: str
    top: int
    extra: str = ""

    def url(self, base: str, window: Window) -> str:
        """The address of the first page.

        `le`, although the end is exclusive: these collections document no `lt`. The record at the very end comes
        twice, which does no harm.
        """
        bounds = f"{self.time_field} ge {_time(window.start)} and {self.time_field} le {_time(window.end)}"
        condition = f"{bounds} and {self.extra}" if self.extra else bounds
        return f"{base}{self.path}?$filter={quote(condition, safe='')}&$top={self.top}"


class GraphFeed:
    """A collection of Graph as a source."""

    def __init__(self, query: Query, context: Context) -> None:
        self._query = query
        self._api: Api = context.api
        self._what = query.path

    async def batches(self, window: Window) -> AsyncGenerator[Batch]:
        """See `Source`. After a refused skip token, what came before it comes again."""
        for left in range(_RESTARTS, -1, -1):
            try:
                async for batch in self._walk(window):
                    yield batch
            except BrokenSkipTokenError:
                if not left:
                    raise
                _log.info("slice.restarted", path=self._what)
            else:
                return

    async def _walk(self, window: Window) -> AsyncGenerator[Batch]:
        url: str | None = self._query.url(self._api.base, window)
        followed: set[str] = set()
        while url is not None:
            if url in followed:
                raise LoopError(f"{self._what}: a next link repeats after {len(followed)} pages")
            if len(followed) == MAX_PAGES:
                raise LoopError(f"{self._what}: still not done after {MAX_PAGES} pages")
            page = await self._page(url, first=not followed)
            followed.add(url)
            batch = cut(page.value, self._what)
            url = page.next_link or None
            # The answer's bytes are not kept while its pages are published.
            del page
            yield batch

    async def _page(self, url: str, *, first: bool) -> _Page:
        try:
            return await self._api.get(url, self._decode)
        except Refused as refused:
            if refused.status == HTTPStatus.BAD_REQUEST and not first:
                raise BrokenSkipTokenError(str(refused)) from refused
            raise

    def _decode(self, answer: Answer) -> _Page:
        return decode(_PAGE, answer.body, self._what)


class BrokenSkipTokenError(UnfinishedError):
    """Graph refused to go on where it had left off (the token expired, or never worked)."""


class LoopError(UnfinishedError):
    """Next links that lead nowhere. The next try starts afresh, on a smaller slice."""


def graph_feed(name: str, family: Family, query: Query) -> Spec:
    """The registry entry of a Graph collection."""
    return Spec(name=name, family=family, build=lambda context: GraphFeed(query, context))


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}Z" if not at.microsecond else f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"

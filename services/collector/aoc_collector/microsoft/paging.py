"""Pages of Microsoft Graph, followed link by link.

Source: graph-docs, paging.md. A next link is followed verbatim; an empty page can have one; a skip token that is
refused means that the reading starts again.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from aoc_collector.microsoft.answers import UnfinishedError, decode
from aoc_collector.microsoft.errors import read_error
from aoc_collector.microsoft.tolerant import members
from aoc_common.errors import Refused, Unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from aoc_collector.microsoft.api import Api
    from aoc_common.http import Answer

#: Bad Request, and Gone: what a link is refused with whose token is no good any more.
REFUSED_TOKEN: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.GONE})


class Page(msgspec.Struct):
    """One answer of a collection: its records as they came, and where it goes on.

    `delta_link` ends a delta query: what changed since then will be there (graph-docs, delta-query-overview.md).
    """

    value: msgspec.Raw
    error: msgspec.Raw | None = None
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")
    delta_link: str | None = msgspec.field(default=None, name="@odata.deltaLink")


_PAGE: Final = msgspec.json.Decoder(Page)
_LIST: Final = b"value"
_BESIDE: Final = (b"error", b"@odata.nextLink", b"@odata.deltaLink")


class BrokenSkipTokenError(UnfinishedError):
    """Graph refused to go on where it had left off (the token expired, or never worked)."""


class LoopError(UnfinishedError):
    """Next links that lead nowhere."""


async def follow[T](api: Api, url: str, what: str, read: Callable[[Page], T], most: int) -> AsyncGenerator[T]:
    """What `read` makes of each page, as it arrives; at most `most` pages.

    `what` names the collection in errors. Raises `LoopError`, `BrokenSkipTokenError`, and as `Api.get`.
    """
    following: str | None = url
    followed: set[str] = set()
    while following is not None:
        if following in followed:
            raise LoopError(f"{what}: a next link repeats after {len(followed)} pages")
        if len(followed) == most:
            raise LoopError(f"{what}: still not done after {most} pages")
        page = await _page(api, following, what, first=not followed)
        followed.add(following)
        following = page.next_link or None
        made = read(page)
        # The answer's bytes are not kept while what was made of them is worked on.
        del page
        yield made


def _tolerantly(body: bytes, what: str) -> Page:
    """An answer of which a strict parser refuses a record: its links as ever, its list as it came."""
    found = members(body)
    if found is None or _LIST not in found:
        return decode(_PAGE, body, what)
    beside = [b'"%s":%s' % (name, found[name]) for name in _BESIDE if name in found]
    page = decode(_PAGE, b"{" + b",".join([b'"value":[]', *beside]) + b"}", what)
    page.value = msgspec.Raw(found[_LIST])
    return page


async def _page(api: Api, url: str, what: str, *, first: bool) -> Page:
    def read(answer: Answer) -> Page:
        try:
            page = _PAGE.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            page = _tolerantly(answer.body, what)
        if page.error is not None and bytes(page.error) != b"null":
            # With the success comes a failure: what it lists is not all that there is.
            code, text = read_error(answer.body)
            raise Unreachable(f"{what}: an error in an answer of {answer.status}: {code} {text}"[:300].rstrip())
        return page

    try:
        return await api.get(url, read)
    except Refused as refused:
        if refused.status in REFUSED_TOKEN and not first:
            raise BrokenSkipTokenError(str(refused)) from refused
        raise

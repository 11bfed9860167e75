"""Pages of Microsoft Graph, followed link by link.

Source: graph-docs, paging.md. A next link is followed verbatim; an empty page can have one; after a refused skip
token the reading starts from its beginning.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from aoc_collector.microsoft.answers import UnfinishedError, decode
from aoc_collector.microsoft.errors import read_error
from aoc_collector.microsoft.lenient_json import members
from aoc_common.errors import Refused, Unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from aoc_collector.microsoft.api import Api
    from aoc_common.http import Answer

#: Bad Request and Gone: the status when the token in a link is not valid any more.
REFUSED_TOKEN: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.GONE})


class Page(msgspec.Struct):
    """One page of a collection: its records as they came, and the links to what follows.

    `delta_link` ends a delta query: what changed since then will be there (graph-docs, delta-query-overview.md).
    """

    value: msgspec.Raw
    error: msgspec.Raw | None = None
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")
    delta_link: str | None = msgspec.field(default=None, name="@odata.deltaLink")


_PAGE: Final = msgspec.json.Decoder(Page)
_LIST: Final = b"value"
_OTHER_MEMBERS: Final = (b"error", b"@odata.nextLink", b"@odata.deltaLink")


class BrokenSkipTokenError(UnfinishedError):
    """Graph refused a next link (its token expired, or never worked)."""


class LoopError(UnfinishedError):
    """Next links that never end."""


async def follow[T](api: Api, url: str, what: str, read: Callable[[Page], T], most: int) -> AsyncGenerator[T]:
    """What `read` makes of each page, as it arrives; at most `most` pages.

    `what` names the collection in errors. Raises `LoopError`, `BrokenSkipTokenError`, and as `Api.get`.
    """
    next_url: str | None = url
    followed: set[str] = set()
    while next_url is not None:
        if next_url in followed:
            raise LoopError(f"{what}: a next link repeats after {len(followed)} pages")
        if len(followed) == most:
            raise LoopError(f"{what}: still not done after {most} pages")
        page = await _page(api, next_url, what, first=not followed)
        followed.add(next_url)
        next_url = page.next_link or None
        result = read(page)
        # Frees the answer's bytes while the caller works on the result.
        del page
        yield result


def _decode_leniently(body: bytes, what: str) -> Page:
    """An answer of which a strict parser refuses a record: its links decoded, its list as it came."""
    parsed = members(body)
    if parsed is None or _LIST not in parsed:
        return decode(_PAGE, body, what)
    others = [b'"%s":%s' % (name, parsed[name]) for name in _OTHER_MEMBERS if name in parsed]
    page = decode(_PAGE, b"{" + b",".join([b'"value":[]', *others]) + b"}", what)
    page.value = msgspec.Raw(parsed[_LIST])
    return page


async def _page(api: Api, url: str, what: str, *, first: bool) -> Page:
    def read(answer: Answer) -> Page:
        try:
            page = _PAGE.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            page = _decode_leniently(answer.body, what)
        if page.error is not None and bytes(page.error) != b"null":
            # An error within a successful answer: its list is not complete.
            code, text = read_error(answer.body)
            raise Unreachable(f"{what}: an error in an answer of {answer.status}: {code} {text}"[:300].rstrip())
        return page

    try:
        return await api.get(url, read)
    except Refused as refused:
        if refused.status in REFUSED_TOKEN and not first:
            raise BrokenSkipTokenError(str(refused)) from refused
        raise

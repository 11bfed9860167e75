"""What object stores answer, and what that means."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from aoc_common import http
from aoc_common.errors import Refused, Unreachable
from aoc_common.outbound.refusals import RefusedWhole, Unusable
from aoc_exporter.stores.port import PLAIN

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The longest wait that a store may ask for. Seconds.
_LONGEST_ASKED_S: Final = 300.0
#: Of an error's XML the two members that say what is wrong; others repeat what was sent.
_CODE: Final = re.compile(rb"<Code>\s*([A-Za-z0-9_.-]{1,80})\s*</Code>")
_MESSAGE: Final = re.compile(rb"<Message>([^<]{1,500})")
_SLOWER: Final = frozenset({"SlowDown", "ServerBusy", "RequestLimitExceeded", "TooManyRequests"})
_TOO_LARGE: Final = frozenset({"EntityTooLarge", "RequestBodyTooLarge"})


def remote(name: str) -> http.Remote:
    """A store, for requests to it."""
    return http.Remote(name, _error, _throttles)


def quoted(path: str) -> str:
    """A path as it stands in an address, and as it is signed."""
    return quote(path, safe=PLAIN)


async def put(client: http.Client, url: str, store: http.Remote, content: bytes, headers: Mapping[str, str]) -> None:
    """PUT once. Raises as `Store.put` says: what refuses is about us, unless the content is too large.

    A success has no body. A page of something before the store says nothing of the file.
    """
    try:
        answer = await http.send(
            client, "PUT", url, store, headers=headers, content=content, longest_asked_s=_LONGEST_ASKED_S
        )
    except Refused as error:
        if error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or error.code in _TOO_LARGE:
            raise RefusedWhole(str(error), code=error.code) from None
        raise Unusable(str(error), status=error.status) from None
    if answer.body:
        raise Unreachable(f"{store.api}: a success that is no answer of an object store")


def _error(body: bytes) -> tuple[str, str]:
    code, message = _CODE.search(body), _MESSAGE.search(body)
    return (
        code[1].decode() if code else "",
        message[1].decode("utf-8", "replace") if message else "",
    )


def _throttles(status: int, code: str) -> bool:
    return http.too_many_requests(status, code) or code in _SLOWER

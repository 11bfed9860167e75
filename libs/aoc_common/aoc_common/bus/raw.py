"""Whether raw pages still lie on AOC_RAW."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nats.errors import Error as NatsError
from nats.js.errors import APIError, NotFoundError

from aoc_common.contracts import subjects
from aoc_common.contracts.raw import RawPage
from aoc_common.errors import Malformed, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nats.js import JetStreamContext
    from nats.js.api import RawStreamMsg


async def on_stream(js: JetStreamContext, pages: Iterable[tuple[str, int]]) -> set[str]:
    """Those of these pages (id, sequence) that lie on AOC_RAW. One request for each that may.

    The sequence only says where to look: of a stream that was made anew it may be another page's. What page a message
    is, its content says: whoever publishes may call it as he likes, and a letter that is tried again has another name.
    Raises `Unreachable` also while there is no stream: then nobody can say where its pages are.
    """
    present: set[str] = set()
    try:
        state = (await js.stream_info(subjects.RAW_STREAM)).state
        for page, sequence in pages:
            if state.messages and state.first_seq <= sequence <= state.last_seq:
                try:
                    message = await js.get_msg(subjects.RAW_STREAM, sequence)
                except NotFoundError:
                    continue
                if _is_page(message, page):
                    present.add(page)
    except (APIError, NatsError, TimeoutError) as error:
        raise Unreachable(f"stream {subjects.RAW_STREAM}: {error or type(error).__name__}") from error
    return present


def _is_page(message: RawStreamMsg, page: str) -> bool:
    try:
        return RawPage.from_message(message.subject or "", message.headers or {}, message.data or b"").id == page
    except Malformed:
        return False

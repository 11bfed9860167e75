"""How large a message may be: asked of the server at each use, since another server may answer after a reconnect."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError

from aoc_common.bus.broker import connection, jetstream
from aoc_common.contracts.raw import MAX_RECORD_BYTES
from aoc_common.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faststream.nats import NatsBroker

#: Bytes of a raw page's message that are kept for headers: the page's own (about 500), trace ids, and what a dead
#: letter adds (its reason has 200 characters at most).
HEADER_ROOM: Final = 2048
#: Bytes of the headers that an atomic batch adds to each message (`Nats-Batch-Id`, `-Sequence`, `-Commit`).
BATCH_HEADERS: Final = 256
#: A server that takes less than this is set up wrongly; its default is 1 MiB.
MIN_MESSAGE_BYTES: Final = 64 * 1024
#: Seconds for which a stream's own limit is believed.
_REMEMBERED_S: Final = 60.0
#: `NATS/1.0` and the empty line that ends the headers; colon, space and line end of each.
_FRAME: Final = 12
_LINE: Final = 4


def header_bytes(headers: Mapping[str, str] | None) -> int:
    """Bytes of these headers on the wire. They count towards the server's limit."""
    if not headers:
        return 0
    return _FRAME + sum(len(name.encode()) + len(value.encode()) + _LINE for name, value in headers.items())


def max_message_bytes(broker: NatsBroker) -> int:
    """The largest message, headers included, that the server takes now (`max_payload`). Raises `Unreachable`."""
    return connection(broker).max_payload


class StreamLimit:
    """The largest message, headers included, that a stream takes now: the server's limit, and the stream's own."""

    def __init__(self, broker: NatsBroker, stream: str) -> None:
        self._broker = broker
        self._stream = stream
        self._own: int | None = None
        self._asked_at: float | None = None

    async def __call__(self) -> int:
        """Bytes. Raises `Unreachable` when the bus was never connected."""
        now = asyncio.get_running_loop().time()
        if self._asked_at is None or now - self._asked_at > _REMEMBERED_S:
            try:
                own = (await jetstream(self._broker).stream_info(self._stream)).config.max_msg_size or 0
            except (NatsError, TimeoutError):
                pass  # Publishing will find out whether the stream is there; what was known stays.
            else:
                self._own, self._asked_at = own if own > 0 else None, now
        limit = max_message_bytes(self._broker)
        return limit if self._own is None else min(limit, self._own)

    async def page_room(self) -> int:
        """Bytes that the body of a raw page may have. Raises `Unreachable`, also where next to nothing would fit."""
        limit = await self()
        if limit < MIN_MESSAGE_BYTES:
            # Nothing is given up for a limit that is a mistake: all waits until it is put right.
            raise Unreachable(
                f"{self._stream} takes messages of {limit} bytes only; AOC needs {MIN_MESSAGE_BYTES}: raise max_payload"
            )
        return min(limit - HEADER_ROOM, MAX_RECORD_BYTES + 2)

"""Publishing on AOC_ALERTS and AOC_AUDIT: what is on the stream is noted in the store, with all that it says.

So a reader misses nothing that the stream has dropped, or that was deleted with it (`bus.continuity`). What waits to be
published is forgotten only after both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from nats.errors import Error as NatsError

from aoc_common.bus.publish import publish_all
from aoc_common.contracts.publications import PublishedMessage, incarnation
from aoc_common.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nats.js import JetStreamContext

    from aoc_common.bus.publish import Outgoing
    from aoc_common.clock import Clock

_ROUNDS: Final = 3


class Notes(Protocol):
    """What is asked of `store.message_log.MessageLog`. May raise `Transient`."""

    async def note(self, messages: Sequence[PublishedMessage]) -> None:
        """These stand on the stream. Idempotent."""
        ...


class NotedStream:
    """One of these streams, and its log."""

    def __init__(self, stream: str, log: Notes, clock: Clock) -> None:
        self._stream = stream
        self._log = log
        self._clock = clock
        self._incarnation: str | None = None

    async def publish(self, js: JetStreamContext, messages: Sequence[Outgoing]) -> None:
        """Publish and note them, in their order. Repeatable with the same `Nats-Msg-Id`. Raises `Transient`."""
        for _ in range(_ROUNDS):
            before = self._incarnation or await self._present(js)
            acks = await publish_all(js, self._stream, messages)
            # It was the same stream before and after, so in between.
            self._incarnation = await self._present(js)
            if self._incarnation == before:
                at = self._clock.now()
                noted = [
                    PublishedMessage(before, ack.seq, message.subject, message.headers, message.body, at)
                    for ack, message in zip(acks, messages, strict=True)
                ]
                await self._log.note(noted)
                return
        raise Unreachable(f"{self._stream} was made anew again and again while messages were published")

    async def _present(self, js: JetStreamContext) -> str:
        try:
            return incarnation((await js.stream_info(self._stream)).created)
        except (NatsError, TimeoutError) as error:
            raise Unreachable(f"{self._stream}: {error or type(error).__name__}") from error

"""Messages that the stream has dropped, restored from the store in the form that handlers take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nats.aio.msg import Msg

from aoc_common.contracts.publications import PublishedMessage, made_at

if TYPE_CHECKING:
    from aoc_common.bus.readers import Reader
    from aoc_common.contracts.reading import StoredMessage

#: Seconds until the next try, where nobody says.
_DELAY_S: Final = 1.0


class RestoredMessage(Msg):
    """A message from the store. Nobody delivers it once more: `delay_s` says when whoever has it has to try again."""

    def __init__(self, message: StoredMessage, incarnation: str, reader: Reader) -> None:
        super().__init__(None, message.subject, data=message.body, headers=message.headers())  # type: ignore[arg-type]
        self.tries = 1
        self.delay_s = _DELAY_S
        self._place = Msg.Metadata.SequencePair(consumer=0, stream=message.sequence)
        self._taken_at = message.at if isinstance(message, PublishedMessage) else made_at(incarnation)
        self._reader = reader
        self.incarnation = incarnation

    @property
    def metadata(self) -> Msg.Metadata:
        """Where it lay. The time is its own, or that of its incarnation: a dead letter has one key whoever makes it."""
        return Msg.Metadata(
            sequence=self._place,
            num_pending=0,
            num_delivered=self.tries,
            timestamp=self._taken_at,
            stream=self._reader.stream,
            consumer=self._reader.name,
        )

    async def ack(self) -> None:
        """It was handled, or is a dead letter."""
        self._ackd = True

    async def nak(self, delay: float | None = None) -> None:
        """It has to be tried again."""
        self.tries += 1
        self.delay_s = delay or _DELAY_S

    async def in_progress(self) -> None:
        """Nobody waits for it."""

    async def term(self) -> None:
        """As `ack`."""
        self._ackd = True

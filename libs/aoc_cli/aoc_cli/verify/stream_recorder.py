"""Records AOC_EVENTS continuously from the first message, so that deleted messages were read before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from aoc_cli.verify.published import Bodies, MessageProperties
from aoc_cli.verify.stream_follower import StreamFollower
from aoc_common.contracts import subjects
from aoc_common.contracts.twins import HEADER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from nats.aio.msg import Msg

_EVENTS: Final = "aoc.events."


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """One message of AOC_EVENTS.

    `message_id`: the event id for a first version, `id:digest` for later ones. `twin_of`: the first that it names.
    `incarnation`: number of the stream's incarnation. `at`: when the stream stored it. `properties`: None for no event.
    """

    message_id: str
    twin_of: str | None = None
    incarnation: int = 0
    at: datetime | None = None
    properties: MessageProperties | None = None

    @property
    def event(self) -> str:
        """The event's id."""
        return self.message_id.partition(":")[0]


def repeated(messages: Iterable[RecordedMessage], retention_s: float | None) -> set[str]:
    """Ids of events of which one version was published again while its stream still held it.

    `retention_s`: how long a stream holds a message; None: longer than any run.
    """
    last: dict[tuple[int, str], datetime | None] = {}
    repeated_events: set[str] = set()
    for message in messages:
        key = (message.incarnation, message.message_id)
        if key in last:
            before = last[key]
            known = retention_s is None or before is None or message.at is None
            if known or (message.at - before).total_seconds() < retention_s:  # type: ignore[operator]
                repeated_events.add(message.event)
        last[key] = message.at
    return repeated_events


@dataclass(slots=True)
class StreamRecorder(StreamFollower):
    """`messages` is what it has read, in order. `bodies`: a sample of complete bodies."""

    STREAM: ClassVar[str] = subjects.EVENTS_STREAM

    messages: list[RecordedMessage] = field(default_factory=list)
    bodies: Bodies = field(default_factory=Bodies)

    def take(self, message: Msg, incarnation: int) -> None:
        """Remember an event; marks are none."""
        if not message.subject.startswith(_EVENTS):
            return
        headers = message.headers or {}
        properties = self.bodies.read(message)
        name, twin = headers.get("Nats-Msg-Id", ""), headers.get(HEADER)
        self.messages.append(RecordedMessage(name, twin, incarnation, message.metadata.timestamp, properties))

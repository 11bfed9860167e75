"""Records AOC_ALERTS continuously, as `StreamRecorder` does AOC_EVENTS."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import orjson

from aoc_cli.verify.stream_follower import StreamFollower
from aoc_common.contracts import subjects

if TYPE_CHECKING:
    from nats.aio.msg import Msg


@dataclass(frozen=True, slots=True)
class RecordedAlert:
    """One message of AOC_ALERTS. `message_id`: `id:revision`. `incarnation`: number of the stream's incarnation.

    `alert`, `rule`, `events`: the ids that its body names; of a body that is no finding, none.
    """

    message_id: str
    subject: str
    incarnation: int = 0
    alert: str = ""
    rule: str = ""
    events: frozenset[str] = frozenset()


@dataclass(slots=True)
class AlertRecorder(StreamFollower):
    """`messages` is what it has read, in order."""

    STREAM: ClassVar[str] = subjects.ALERTS_STREAM

    messages: list[RecordedAlert] = field(default_factory=list)

    def take(self, message: Msg, incarnation: int) -> None:
        """Remember a revision of an alert."""
        name = (message.headers or {}).get("Nats-Msg-Id", "")
        self.messages.append(recorded(name, message.subject, incarnation, message.data))


def recorded(name: str, subject: str, incarnation: int, body: bytes) -> RecordedAlert:
    """What of a message is remembered."""
    try:
        info = orjson.loads(body)["finding_info"]
        events = frozenset(str(event["uid"]) for event in info["related_events"])
        return RecordedAlert(name, subject, incarnation, str(info["uid"]), str(info["analytic"]["uid"]), events)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return RecordedAlert(name, subject, incarnation)

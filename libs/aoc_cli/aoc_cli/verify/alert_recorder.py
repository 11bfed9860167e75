"""Records AOC_ALERTS continuously, as `StreamRecorder` does AOC_EVENTS."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

import orjson

from aoc_cli.verify.stream_follower import StreamFollower
from aoc_common.contracts import subjects
from aoc_sim.siem.fingerprints import fingerprint

if TYPE_CHECKING:
    from nats.aio.msg import Msg

#: What destinations are told in place of a source.
_SOURCE: Final = "aoc-alerts"


@dataclass(frozen=True, slots=True)
class RecordedAlert:
    """One message of AOC_ALERTS. `message_id`: `id:revision`. `incarnation`: number of the stream's incarnation.

    `alert`, `rule`, `events`: the ids that its body names; of a body that is no finding, none. `fields`: a digest of
    its chosen fields, as receivers of SIEMs make it.
    """

    message_id: str
    subject: str
    incarnation: int = 0
    alert: str = ""
    rule: str = ""
    events: frozenset[str] = frozenset()
    fields: str = ""

    @property
    def key(self) -> str:
        """By which destinations know the revision: `{alert}-{revision}`."""
        return self.message_id.replace(":", "-")


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
        finding = orjson.loads(body)
        info = finding["finding_info"]
        events = frozenset(str(event["uid"]) for event in info["related_events"])
        fields = fingerprint(subjects.owner(subject)[0], _SOURCE, finding).fields
        return RecordedAlert(name, subject, incarnation, str(info["uid"]), str(info["analytic"]["uid"]), events, fields)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return RecordedAlert(name, subject, incarnation)

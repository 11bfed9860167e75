"""What was published where on AOC_EVENTS, AOC_ALERTS and AOC_AUDIT. Pure.

A sequence means something within one *incarnation* of the stream only: one that was deleted and made anew begins at 1
again. An incarnation is named by when it was made, so positions sort in the order in which events were published.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: No sequence of a stream is larger.
END: Final = 9_999_999_999_999_999
_INCARNATION: Final = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place on a stream: behind the message of that sequence; 0 is the beginning of an incarnation."""

    incarnation: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Range:
    """Sequences of one incarnation, both ends inclusive."""

    incarnation: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class PublishedSpan:
    """A batch of one page's events: the sequence of the first one, and the message ids of all, without a gap.

    `ids`: `Nats-Msg-Id`, at most 999 of them. The batch's mark has the sequence behind the last one.
    """

    incarnation: str
    first: int
    page: str
    tenant: str
    source: str
    ids: tuple[str, ...]

    @property
    def last(self) -> int:
        """The sequence of the last event."""
        return self.first + len(self.ids) - 1


@dataclass(frozen=True, slots=True)
class PublishedMessage:
    """A message of AOC_ALERTS or AOC_AUDIT with all that it says, and where it stood. `at`: when it was published."""

    incarnation: str
    sequence: int
    subject: str
    carried: Mapping[str, str]
    body: bytes
    at: datetime

    def headers(self) -> dict[str, str]:
        """NATS headers."""
        return dict(self.carried)


def incarnation(created: datetime | None) -> str:
    """The name of the incarnation that was made then; microseconds tell two apart. As text it sorts by time."""
    return (created or datetime.fromtimestamp(0, UTC)).astimezone(UTC).strftime(_INCARNATION)


def made_at(name: str) -> datetime:
    """When an incarnation was made."""
    return datetime.strptime(name, _INCARNATION).replace(tzinfo=UTC)

"""Notifications: which alert is to be told by which route, what came of it, and how routes fare. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from aoc_common.contracts.alert import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from aoc_common.contracts.alert import Severity, Status

type State = Literal["waiting", "sent", "refused", "dropped"]
"""`refused`: the destination will not take it, a dead letter; `dropped`: there was nothing to tell any more."""

type Asks = Literal["tell", "pass", "end"]
"""What a revision asks of a route: to tell the alert; not to tell it, nor what is no graver later; to tell that it is
over, where the alert was told."""

type RouteLife = Literal["running", "failing", "broken", "paused", "closed"]
"""`broken`: its settings cannot work; `closed`: outside of its hours."""

#: Nobody has to look after alerts with these any more.
OVER: Final[frozenset[Status]] = frozenset({"resolved", "suppressed"})
ROUTE_PATTERN: Final = r"^[a-z0-9-]{1,40}$"


def grade(severity: Severity) -> int:
    """How grave a severity is, from 1."""
    return SEVERITIES.index(severity) + 1


def severity_of(grade: int) -> Severity | None:
    """The severity of a grade; None of 0."""
    return SEVERITIES[grade - 1] if grade else None


@dataclass(frozen=True, slots=True)
class RouteRequest:
    """What a revision of an alert, with this severity, asks of a route.

    `gather`: in a digest. `again`: also when it was told before as less severe.
    """

    route: str
    tenant: str
    alert: UUID
    severity: Severity
    gather: bool = False
    due_at: datetime | None = None
    again: bool = True
    asks: Asks = "tell"


@dataclass(frozen=True, slots=True)
class Notification:
    """An alert and a route.

    - `wanted`, `passed`, `told`: the highest grade that is to be told, that is done with (told, refused, or not to go
      this way), and that was told; 0: none. `ends`: how often it was told that the alert is over; since then none is.
    - `since`: when it began to wait. `due_at`: not before.
    - `tries`, `tried_since`: how often it was tried in vain, and since when.
    - `sending`: it was being sent when somebody last said something: after a crash nobody knows whether it was.
    """

    route: str
    tenant: str
    alert: UUID
    wanted: int
    passed: int
    told: int
    gather: bool
    since: datetime
    due_at: datetime
    ends: int = 0
    tries: int = 0
    tried_since: datetime | None = None
    sending: bool = False

    @property
    def key(self) -> str:
        """By which it is stored."""
        return notification_key(self.route, self.alert)

    @property
    def ending(self) -> bool:
        """Whether nothing is to be told but that the alert is over."""
        return self.wanted <= self.passed


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of a notification.

    `told`: the grade that was told. `over`: what was told is that the alert is over. Of one that waits on: `due_at`,
    when it is tried again, and `unknown`, whether it may have been taken after all.
    """

    notification: Notification
    state: State
    told: int = 0
    over: bool = False
    words: str = ""
    due_at: datetime | None = None
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """What a route did since it was told last. `repeated`: messages that the destination may have twice."""

    sent: int = 0
    refused: int = 0
    repeated: int = 0
    messages: int = 0

    def __add__(self, more: Counted) -> Counted:
        return Counted(
            self.sent + more.sent,
            self.refused + more.refused,
            self.repeated + more.repeated,
            self.messages + more.messages,
        )


@dataclass(frozen=True, slots=True)
class RouteState:
    """How a route fares. `settings`: as they are written; `error`: what went wrong last."""

    name: str
    settings: Mapping[str, Any]
    life: RouteLife
    seen_at: datetime
    words: str = ""
    waiting: int = 0
    oldest_at: datetime | None = None
    sent: int = 0
    refused: int = 0
    repeated: int = 0
    messages: int = 0
    sent_at: datetime | None = None
    error: str = ""
    error_at: datetime | None = None


def notification_key(route: str, alert: UUID) -> str:
    """By which the notification of an alert by a route is stored."""
    return f"{route}/{alert}"

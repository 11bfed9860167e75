"""Alerts, and what of them is still to be published. Every method may raise `Transient` when the store is away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.contracts.access import Scope
    from aoc_common.contracts.alert import Alert, Severity, Status
    from aoc_common.contracts.alert_message import AlertMessage

#: Revisions of one alert that may wait to be published.
MOST_WAITING: Final = 100


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert as it was read. `edition`: counts each time that it was written, also without a new revision.

    `waiting`: revisions that are still to be published.
    """

    alert: Alert
    edition: int
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class AlertWrite:
    """An alert in place of what was read; `before`: None for a new one. `message`: what is to be published of it."""

    after: Alert
    before: StoredAlert | None
    message: AlertMessage | None


class AlertStore(Protocol):
    """Keeps alerts."""

    async def of(self, ids: Collection[UUID]) -> Mapping[UUID, StoredAlert]:
        """Those of these alerts that are there. For the alerter: ids hash the tenant."""
        ...

    async def write(self, writes: Sequence[AlertWrite]) -> frozenset[UUID]:
        """Store each, and what is to be published of it, if it is still as it was read; the ids of those that were."""
        ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """Revisions of an alert that are to be published, in their order."""

    tenant: str
    alert: UUID
    messages: tuple[AlertMessage, ...]


class AlertOutbox(Protocol):
    """What is still to be published, of alerts that the alerter and people have changed."""

    async def waiting(self, most: int) -> Sequence[Waiting]:
        """Of at most so many alerts."""
        ...

    async def published(self, done: Sequence[Waiting]) -> None:
        """These revisions are on the stream. Idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Alerts of a tenant as one reader may see it. Of each of the rest: None, or empty, stands for all.

    `start`, `end`: of the events that made them, `end` exclusive. `rule`, `assignee`: ids. `event`: an event's id.
    `before`: only alerts whose id is smaller.
    """

    scope: Scope
    statuses: tuple[Status, ...] = ()
    severities: tuple[Severity, ...] = ()
    rule: str | None = None
    assignee: str | None = None
    event: UUID | None = None
    start: datetime | None = None
    end: datetime | None = None
    before: UUID | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """What of an alert is summed up. Times in seconds, as of `Alert`."""

    rule: str
    title: str
    severity: Severity
    status: Status
    created_at: datetime
    acknowledged_s: float | None
    resolved_s: float | None


class AlertSearch(Protocol):
    """Finds alerts. An alert is hidden from who may not see one of its events."""

    async def search(self, query: AlertQuery) -> Sequence[Alert]:
        """The newest that match, at most `limit`."""
        ...

    async def get(self, scope: Scope, alert_id: UUID) -> StoredAlert | None:
        """One of them; None where there is none."""
        ...

    async def facts(self, query: AlertQuery) -> Sequence[AlertFacts]:
        """Of the newest that match, at most `limit`."""
        ...

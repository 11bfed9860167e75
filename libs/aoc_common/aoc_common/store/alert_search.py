"""What is found of alerts. Every method may raise `Transient` when the store is away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.contracts.access import Scope
    from aoc_common.contracts.alert import Alert, Severity, Status
    from aoc_common.store.alerts import StoredAlert


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Alerts of a tenant as one reader may see it. Of each of the rest: None, or empty, stands for all.

    `start`, `end`: of the events that made them, `end` exclusive. `rule`, `assignee`: ids. `event`: an event's id.
    `ticket`: a ticket's id, whatever its system.
    `before`: only alerts whose id is smaller.
    """

    scope: Scope
    statuses: tuple[Status, ...] = ()
    severities: tuple[Severity, ...] = ()
    rule: str | None = None
    assignee: str | None = None
    event: UUID | None = None
    ticket: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    before: UUID | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """What of an alert is summed up. Times in seconds, as of `Alert`."""

    id: UUID
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

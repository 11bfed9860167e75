"""What people do with alerts: each change is a revision, whatever the alerter adds meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from aoc_api.problems import Problem
from aoc_common.contracts.alert import AlertNote, Person
from aoc_common.contracts.alert_changes import UNSET, AlertChange, NotesFull, changed
from aoc_common.contracts.alert_message import AlertMessage
from aoc_common.contracts.tickets import Ticket
from aoc_common.errors import Unreachable
from aoc_common.store.alerts import AlertWrite

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from aoc_api.access.principal import Principal
    from aoc_common.contracts.access import Scope
    from aoc_common.contracts.alert import Alert
    from aoc_common.gateway.alerts import AlertChangeRequest, AlertStatusRequest
    from aoc_common.store.alert_search import AlertSearch
    from aoc_common.store.alerts import AlertStore

#: Times that a change is tried while others change the same.
_TRIES: Final = 8
_LONGEST_ID: Final = 320


@dataclass(frozen=True, slots=True)
class AlertWork:
    """Changes alerts."""

    search: AlertSearch
    store: AlertStore

    async def alert(self, scope: Scope, alert_id: UUID) -> Alert:
        """An alert. Raises a problem where there is none that may be seen."""
        stored = await self.search.get(scope, alert_id)
        if stored is None:
            raise Problem("not-found", f"There is no alert {alert_id} in this tenant.")
        return stored.alert

    async def change(  # what a change is made of
        self, scope: Scope, alert_id: UUID, change: AlertChange, by: Principal, now: datetime, revision: int | None
    ) -> Alert:
        """The alert after a change. Raises a problem, and `Transient`."""
        who = person(by)

        def make(alert: Alert) -> Alert:
            if revision is not None and alert.revision != revision:
                raise Problem("conflict", f"Not changed: its revision is {alert.revision}, not {revision}.")
            return changed(alert, change, who, now)

        return (await self.written(scope, alert_id, make))[1]

    async def written(self, scope: Scope, alert_id: UUID, make: Callable[[Alert], Alert]) -> tuple[Alert, Alert]:
        """An alert as it was, and as `make` has made it, which may be called several times. Raises as `change`."""
        for _ in range(_TRIES):
            stored = await self.search.get(scope, alert_id)
            if stored is None:
                raise Problem("not-found", f"There is no alert {alert_id} in this tenant.")
            before = stored.alert
            try:
                after = make(before)
            except NotesFull as error:
                raise Problem("notes-full", f"Not changed: {error}.") from None
            message = AlertMessage.of(after) if after.revision != before.revision else None
            if after == before or await self.store.write([AlertWrite(after, stored, message)]):
                return before, after
        raise Unreachable("alerts: others change the same alert all the time")


def person(principal: Principal) -> Person:
    """Who does it, as alerts tell of him."""
    return Person(principal.id[:_LONGEST_ID], principal.name[:_LONGEST_ID])


def change_of(request: AlertChangeRequest | AlertStatusRequest, by: Principal, now: datetime) -> AlertChange:
    """What a request wants. What it does not name stays, and so does a verdict that a change of status leaves out."""
    said = request.model_fields_set
    assignee, ticket = getattr(request, "assignee", None), getattr(request, "ticket", None)
    return AlertChange(
        status=request.status,
        severity=getattr(request, "severity", None),
        verdict=request.verdict if "verdict" in said else UNSET,
        assignee=UNSET if "assignee" not in said else assignee and Person(assignee.id, assignee.name),
        ticket=UNSET if "ticket" not in said else ticket and Ticket(ticket.id, ticket.url, ticket.system),
        note=None if request.note is None else AlertNote(uuid4().hex, now, person(by), request.note),
    )

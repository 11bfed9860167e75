"""Tickets that receivers of webhooks make of alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from aoc_common.contracts.alert import ticket_author
from aoc_common.contracts.alert_changes import AlertChange, changed
from aoc_common.contracts.alert_message import AlertMessage
from aoc_common.contracts.tickets import Ticket, read
from aoc_common.errors import Unreachable
from aoc_common.store.alerts import AlertWrite

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from aoc_common.contracts.alert import Alert
    from aoc_common.store.alerts import AlertStore

#: Bytes of an answer in which a ticket is looked for.
_LONGEST: Final = 64 * 1024
#: Times that it is tried while others change the same alert.
_TRIES: Final = 8


def ticket_in(answer: bytes, system: str) -> Ticket | None:
    """The ticket that an answer names, `{"ticket": {"id": ..., "url": ...}}`; None of any other answer. Pure."""
    if not answer or len(answer) > _LONGEST:
        return None
    try:
        said = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return None
    return read(said.get("ticket"), system) if isinstance(said, dict) else None


def is_from_ticket(alert: Alert, system: str) -> bool:
    """Whether the alert's status is what a ticket of this system has said. Pure."""
    changes = (change for change in reversed(alert.history) if any(one.field == "status" for one in change.fields))
    last = next(changes, None)
    return last is not None and last.by.id == ticket_author(system).id


async def give(alerts: AlertStore, identity: UUID, ticket: Ticket, system: str, now: datetime) -> None:
    """Give an alert its ticket, unless it has one. Idempotent. Raises `Transient`."""
    for _ in range(_TRIES):
        stored = (await alerts.of([identity])).get(identity)
        if stored is None or stored.alert.ticket is not None:
            return
        after = changed(stored.alert, AlertChange(ticket=ticket), ticket_author(system), now)
        if await alerts.write([AlertWrite(after, stored, AlertMessage.of(after))]):
            return
    raise Unreachable(f"alert {identity}: others change it all the time")

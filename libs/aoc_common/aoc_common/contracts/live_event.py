"""An event of AOC_EVENTS as the store would give it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_common.contracts import spelling
from aoc_common.contracts.event import StoredEvent
from aoc_common.contracts.ids import EPOCH
from aoc_common.contracts.query.matching import result_of
from aoc_common.contracts.rows import Row

if TYPE_CHECKING:
    from aoc_common.contracts.event_message import EventMessage

#: Of a message's body: what the store keeps beside the event.
_BESIDE: Final = frozenset({"raw_data", "unmapped"})


def stored_of(message: EventMessage) -> StoredEvent:
    """The event of a message. Which raw page it came from, the message does not say.

    Raises `Malformed` for a body that cannot be read.
    """
    row = Row.of_message(message)
    raw = message.event.get("raw_data")
    return StoredEvent(
        id=message.id,
        tenant=message.tenant,
        source=message.source,
        time=row.at or EPOCH,
        service=row.service,
        operation=row.operation,
        result=result_of(row.ocsf.get("status_id")),
        actor=spelling.actor(row.actor) if row.actor else None,
        ip=row.ip,
        correlation_id=row.correlation_id,
        tags=tuple(row.tags),
        ocsf={name: value for name, value in message.event.items() if name not in _BESIDE},
        unmapped=dict(row.unmapped),
        raw=raw if isinstance(raw, str) else None,
        page="",
        twin_of=message.twin_of,
        version=message.version,
        versions=message.version,
    )

"""Events to test with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from aoc_common.contracts import ids
from aoc_common.contracts.event import Event

NOW: Final = datetime(2026, 11, 23, 8, tzinfo=UTC)


def an_event(record: str, time: datetime = NOW, tenant: str = "contoso", **changes: Any) -> Event:
    """The event of a record of that id; everything else is the same, or as `changes` say."""
    time_ms = ids.to_ms(time)
    made = Event(
        id=ids.event_id(tenant, "ual", record, time_ms),
        tenant=tenant,
        source="o365-exchange",
        time_ms=time_ms,
        class_uid=6003,
        service="exchange",
        operation="Set-Mailbox",
        result="success",
        actor="dana@contoso.example",
        ip="203.0.113.9",
        correlation_id=None,
        terms=("dana", "set-mailbox"),
        tags=(),
        mapper="exchange",
        mapper_version=1,
        ocsf={"metadata": {"uid": record}, "class_uid": 6003},
        unmapped={},
        raw=f'{{"Id":"{record}"}}',
    )
    return replace(made, **changes)

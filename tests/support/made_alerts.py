"""Alerts as tests need them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aoc_common.contracts.alert import Alert, AlertEvent, AlertRule, FieldValue, Person, alert_id
from aoc_common.contracts.alert_changes import raised
from aoc_common.contracts.ids import event_id, to_ms

if TYPE_CHECKING:
    from uuid import UUID

#: How long alerts are kept.
KEEP = timedelta(days=400)
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
RULE = AlertRule(
    "0b1c5e0f-7a4d-4c4c-9c1c-5d1f7e6a3b21",
    "Inbox rule forwards mail",
    "A rule sends mail out of the organisation.",
    ("attack.collection", "attack.t1114.003"),
    ("https://attack.mitre.org/techniques/T1114/003/",),
)
GROUP = (FieldValue("actor", "kim@contoso.example"),)
DANA = Person("directory/dana", "Dana Reyes")


def alert_event(number: int = 0, minutes: float = 0, tenant: str = "contoso", **more: Any) -> AlertEvent:
    """An event, `minutes` after eight."""
    at = NOW + timedelta(minutes=minutes)
    made = AlertEvent(
        id=event_id(tenant, "test", f"record-{number}", to_ms(at)),
        at=at,
        source="o365-exchange",
        class_uid=6003,
        service="Exchange",
        operation="New-InboxRule",
        actor="kim@contoso.example",
        matched=(FieldValue("Parameters.ForwardTo|exists", f"mallory{number}@evil.example"),),
        evidence={"actor": {"user": {"name": "kim@contoso.example"}}, "api": {"operation": "New-InboxRule"}},
    )
    return replace(made, **more)


def alert_of(*events: AlertEvent, tenant: str = "contoso", rule: AlertRule = RULE, **more: Any) -> Alert:
    """An alert of these events, or of one."""
    held = events or (alert_event(tenant=tenant),)
    identity: UUID = alert_id(tenant, rule.id, GROUP, held[0].id, held[0].at)
    return replace(raised(identity, tenant, rule, GROUP, "high", held, NOW), **more)

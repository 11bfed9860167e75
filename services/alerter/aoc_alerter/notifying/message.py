"""What people are told: of one alert, or of several at once. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from aoc_alerter.notifying.templates import (
    LONGEST_BODY,
    LONGEST_TITLE,
    filled,
    harmless,
    one_line,
    shortened,
)
from aoc_common.contracts.alert import SEVERITIES
from aoc_common.contracts.alert_finding import finding, message
from aoc_common.contracts.notifications import OVER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from aoc_alerter.notifying.route import Route
    from aoc_common.contracts.alert import Alert, Severity

#: Alerts that a digest names; of the others it says how many they are.
MOST_LISTED: Final = 20
#: Kinds of messages whose answer may name a ticket: of one alert that somebody has to look after.
ASKS_FOR_TICKET: Final = frozenset({"aoc.alert.new", "aoc.alert.raised"})
_MOST_NAMES: Final = 5


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `id`: the same when it is sent again. `data`: what a program gets of it, as JSON.

    `about`: what it is about, the alert where it is one: by that a pager knows an incident again. `over`: that is over.
    """

    id: str
    about: str
    kind: str
    severity: Severity
    title: str
    body: str
    data: Mapping[str, Any]
    over: bool = False


def of_alert(route: Route, alert: Alert, gateway: str, told: Severity | None, ends: int = 0) -> Message:
    """Of one alert. `told`: the severity with which the route has told it before. `ends`: as in `Notification`."""
    news = "" if told is None else f"More severe than told before ({told}).\n"
    kind = "aoc.alert.new" if told is None else "aoc.alert.raised"
    return _of_one(route, alert, gateway, kind, f"{alert.severity}{_number(ends)}", news)


def of_end(route: Route, alert: Alert, gateway: str, ends: int = 0) -> Message:
    """That an alert is over that was told."""
    verdict = f": {alert.verdict.replace('_', ' ')}" if alert.verdict else ""
    made = _of_one(
        route, alert, gateway, "aoc.alert.resolved", f"over{_number(ends)}", f"It is {alert.status}{verdict}.\n"
    )
    title = one_line(f"[{alert.status}] {made.title}")
    return replace(made, title=title, data={**made.data, "title": title}, over=True)


def _of_one(route: Route, alert: Alert, gateway: str, kind: str, what: str, news: str) -> Message:
    link = _link(gateway, alert)
    values = _values(alert) | {"link": link, "command": _command(alert), "news": news}
    title, body = _one_line(route.title, values), filled(route.body, values, LONGEST_BODY)
    data = {"title": title, "body": body, "link": link, "alert": _summary(alert, gateway), "finding": finding(alert)}
    return Message(f"{route.name}-{alert.id}-{what}", str(alert.id), kind, alert.severity, title, body, data)


def _number(ends: int) -> str:
    """Of messages of an alert that was opened again: they are others."""
    return f"-{ends}" if ends else ""


def of_several(route: Route, alerts: Sequence[Alert], gateway: str, number: str) -> Message:
    """Of several alerts, the most severe first. `number`: what the message's id is made of."""
    ordered = sorted(alerts, key=lambda alert: (-SEVERITIES.index(alert.severity), alert.created_at))
    tenants = list(dict.fromkeys(alert.tenant for alert in ordered))
    link = _base(gateway, "/api/alerts")
    severity = ordered[0].severity
    values = {"count": len(ordered), "severity": severity, "tenants": _names(tenants), "link": link}
    title = _one_line(route.digest_title, values)
    lines = [_line(alert, gateway) for alert in ordered[:MOST_LISTED]]
    if (more := len(ordered) - len(lines)) > 0:
        lines.append(f"and {more} more: aoc alerts list --tenant {tenants[0]}")
    body = shortened("\n".join(lines), LONGEST_BODY)
    listed = [_summary(alert, gateway) for alert in ordered]
    data = {"title": title, "body": body, "link": link, "alerts": listed}
    identity = f"{route.name}-digest-{number}"
    return Message(identity, identity, "aoc.alert.digest", severity, title, body, data)


def of_test(route: Route, gateway: str, ticket: str, at: datetime) -> Message:
    """A message that says nothing of anybody."""
    title = one_line(f"[test] Route {route.name} of AOC is set up")
    body = f"A test of AOC at {at:%Y-%m-%d %H:%M:%S} UTC. No alert.\n{_base(gateway, '')}".rstrip()
    data = {"title": title, "body": body, "link": _base(gateway, "")}
    identity = f"{route.name}-test-{ticket}"
    return Message(identity, identity, "aoc.alert.test", "informational", title, body, data)


def _values(alert: Alert) -> dict[str, object]:
    events, rule = alert.events, alert.rule
    matched = [f"{one.field}={harmless(one.value, 60)}" for event in events[:1] for one in event.matched]
    return {
        "severity": alert.severity,
        "title": rule.title,
        "tenant": alert.tenant,
        "rule": rule.id,
        "tags": _names(rule.tags),
        "description": rule.description,
        "references": _names(rule.references),
        "message": message(alert),
        "count": f"{alert.count:,}",
        "first": f"{alert.first_at:%Y-%m-%d %H:%M:%S} UTC",
        "last": f"{alert.last_at:%Y-%m-%d %H:%M:%S} UTC",
        "status": alert.status.replace("_", " "),
        "actors": _names([event.actor for event in events if event.actor]),
        "operations": _names([event.operation for event in events]),
        "services": _names([event.service for event in events]),
        "sources": _names([event.source for event in events]),
        "group": _names([f"{one.field}={harmless(one.value, 60)}" for one in alert.group]),
        "matched": _names(matched),
        "assignee": alert.assignee.name if alert.assignee else "nobody",
        "id": str(alert.id),
        "revision": alert.revision,
    }


def _names(values: Sequence[str]) -> str:
    """The first few, each once."""
    several = list(dict.fromkeys(values))
    more = f" and {len(several) - _MOST_NAMES} more" if len(several) > _MOST_NAMES else ""
    return ", ".join(several[:_MOST_NAMES]) + more if several else "none"


def _one_line(template: str, values: Mapping[str, object]) -> str:
    return one_line(filled(template, values, 4 * LONGEST_TITLE))


def _line(alert: Alert, gateway: str) -> str:
    state = f"{alert.status}, {alert.severity}" if alert.status in OVER else alert.severity
    return f"[{state}] {alert.tenant}: {harmless(message(alert))} {_link(gateway, alert) or alert.id}"


def _summary(alert: Alert, gateway: str) -> dict[str, Any]:
    return {
        "id": str(alert.id),
        "revision": alert.revision,
        "tenant": alert.tenant,
        "severity": alert.severity,
        "status": alert.status,
        "verdict": alert.verdict,
        "ticket": alert.ticket and {"id": alert.ticket.id, "url": alert.ticket.url, "system": alert.ticket.system},
        "rule": alert.rule.id,
        "message": message(alert),
        "link": _link(gateway, alert),
    }


def _link(gateway: str, alert: Alert) -> str:
    return _base(gateway, f"/api/alerts/{alert.id}?tenant={alert.tenant}")


def _base(gateway: str, path: str) -> str:
    """Below the gateway's address; nothing where nobody has said it."""
    return f"{gateway.rstrip('/')}{path}" if gateway else ""


def _command(alert: Alert) -> str:
    return f"aoc alerts show {alert.id} --tenant {alert.tenant}"

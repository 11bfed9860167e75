"""What a message of AOC_ALERTS says: one revision of an alert. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from aoc_common.contracts import subjects
from aoc_common.contracts.alert_finding import finding
from aoc_common.contracts.event import header_safe

if TYPE_CHECKING:
    from aoc_common.contracts.alert import Alert

ID_HEADER: Final = "Nats-Msg-Id"
REVISION_HEADER: Final = "Aoc-Revision"
RULE_HEADER: Final = "Aoc-Rule"
STATUS_HEADER: Final = "Aoc-Status"
#: On a message of an alert about what had happened long before it was looked at: nobody is to be notified.
RETROSPECTIVE_HEADER: Final = "Aoc-Retrospective"


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """One revision of an alert as it is published. `body`: the OCSF detection finding as JSON."""

    revision: int
    subject: str
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, alert: Alert, base: str = "") -> AlertMessage:
        """The message of a revision. `base`: address of the gateway, from which the alert's own is made."""
        address = f"{base}{path(alert)}" if base else None
        headers = {
            ID_HEADER: alert.message_id,
            REVISION_HEADER: str(alert.revision),
            "Aoc-Tenant": alert.tenant,
            RULE_HEADER: header_safe(alert.rule.id),
            STATUS_HEADER: alert.status,
        }
        if alert.retrospective:
            headers[RETROSPECTIVE_HEADER] = "1"
        subject = subjects.alerts(alert.tenant, alert.severity)
        return cls(alert.revision, subject, headers, orjson.dumps(finding(alert, address)))


def path(alert: Alert) -> str:
    """Where the gateway serves an alert, from its base address on."""
    return f"/api/alerts/{alert.id}?tenant={alert.tenant}"

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
    def of(cls, alert: Alert) -> AlertMessage:
        """The message of a revision."""
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
        return cls(alert.revision, subject, headers, orjson.dumps(finding(alert)))

    def linked(self, gateway: str) -> bytes:
        """The body with the address at which a gateway serves the alert; `gateway`: its base address, or empty."""
        if not gateway:
            return self.body
        made = orjson.loads(self.body)
        info = made["finding_info"]
        info["src_url"] = f"{gateway.rstrip('/')}/api/alerts/{info['uid']}?tenant={made['metadata']['tenant_uid']}"
        return orjson.dumps(made)

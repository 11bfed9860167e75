"""An administrator's account switches off auditing: of a mailbox, then of the organisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_sim.records import exchange, signins
from aoc_sim.records.base import Raises
from aoc_sim.stories.base import Story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_sim.records.base import Draft
    from aoc_sim.stories.base import Stage


def drafts(stage: Stage) -> Iterator[Draft]:
    """The records, in order."""
    admin = stage.rng.choice(stage.tenant.admins)
    entry = stage.hostile(0, admin)
    body = signins.user_signin(entry, client="Exchange Online PowerShell")
    yield stage.record("graph-signins", entry, body, Raises("sign-in-by-script"))
    steps = (
        (
            120,
            "mailbox-audit-off",
            "Set-Mailbox",
            stage.victim.alias,
            [("Identity", stage.victim.alias), ("AuditEnabled", "False")],
        ),
        (
            180,
            "audit-bypass",
            "Set-MailboxAuditBypassAssociation",
            stage.victim.alias,
            [("Identity", stage.victim.alias), ("AuditBypassEnabled", "True")],
        ),
        (
            300,
            "unified-audit-off",
            "Set-AdminAuditLogConfig",
            f"{stage.tenant.domain}\\Admin Audit Log Settings",
            [("UnifiedAuditLogIngestionEnabled", "False")],
        ),
    )
    for after, rule, operation, object_id, parameters in steps:
        scene = stage.hostile(after, admin)
        body = exchange.cmdlet(scene, operation, object_id, parameters)
        yield stage.record("o365-exchange", scene, body, Raises(rule))


STORY = Story(
    name="audit-disabled",
    title="Mailbox audit disabled",
    description="Auditing is switched off for a mailbox, bypassed, and then disabled for the whole organisation.",
    duration_s=300,
    drafts=drafts,
)

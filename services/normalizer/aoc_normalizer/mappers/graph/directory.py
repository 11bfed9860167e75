"""Entra directory audits as Graph lists them (`directoryAudit`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer import bounds
from aoc_normalizer.draft import SERVICE, Draft, Party
from aoc_normalizer.fields import addresses, times, values
from aoc_normalizer.fields.changes import changes, names_in
from aoc_normalizer.fields.results import of_word
from aoc_normalizer.mappers.base import Mapper, Record, apply_operation, user_party
from aoc_normalizer.operations.scopes import SCOPES

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_TARGETS: Final = 500
_SCOPE: Final = SCOPES["entra"]
_KINDS: Final = {
    "serviceprincipal": "service principal",
    "device": "device",
    "user": "user",
    "group": "group",
    "role": "role",
    "application": "application",
    "policy": "policy",
}


def recognises(record: Record) -> bool:
    """A directory audit names its activity and lists targets."""
    return "activityDisplayName" in record and (
        "targetResources" in record or "initiatedBy" in record or "loggedByService" in record
    )


def fill(record: Record, draft: Draft) -> None:
    """Initiator (a user or an application), targets with their kinds, role and group out of modified properties."""
    draft.used |= {
        "id",
        "activityDisplayName",
        "activityDateTime",
        "result",
        "resultReason",
        "correlationId",
        "initiatedBy",
        "targetResources",
    }
    draft.family, draft.record_id = "directory-audit", values.text(record.get("id"))
    draft.product, draft.service, draft.log_name = "Microsoft Entra ID", "entra", "Directory audits"
    draft.original_time = values.first(record, "activityDateTime")
    draft.time_ms = times.parse_ms(draft.original_time)
    draft.correlation_id = draft.action_id = values.text(record.get("correlationId"))
    apply_operation(draft, values.text(record.get("activityDisplayName")), _SCOPE)
    draft.result = of_word(values.text(record.get("result")))
    reason = values.text(record.get("resultReason"))
    draft.status_detail = reason if draft.result != "success" else None
    _initiator(values.mapping(record.get("initiatedBy")), draft)
    draft.user_agent = values.text(record.get("userAgent")) or values.pair(
        record.get("additionalDetails"), "user-agent"
    )
    _targets(record, draft)


def _initiator(initiated: Mapping[str, Any], draft: Draft) -> None:
    user = values.mapping(initiated.get("user"))
    app = values.mapping(initiated.get("app"))
    if user:
        draft.actor = user_party(dict(user))
        draft.address = addresses.parse(user.get("ipAddress"))
    if app:
        name = values.first(app, "displayName", "servicePrincipalName")
        draft.app = Party(name=name, uid=values.first(app, "appId", "servicePrincipalId"), kind="application")
        if not draft.actor.known:
            draft.actor = Party(
                name=name,
                uid=values.first(app, "servicePrincipalId", "appId"),
                kind="service principal",
                user_type=SERVICE,
            )
        draft.address = draft.address or addresses.parse(app.get("ipAddress"))


def _targets(record: Record, draft: Draft) -> None:
    listed = values.objects(record.get("targetResources"))
    if len(listed) > _MAX_TARGETS:
        draft.tags.append("truncated")
    draft.stated = tuple([resource.get("modifiedProperties") for resource in listed])
    for resource in listed[:_MAX_TARGETS]:
        party = user_party(resource)
        sort = (values.first(resource, "type", "Type") or "").casefold()
        kind = _KINDS.get(sort, sort or None)
        draft.targets.append(Party(party.name, party.upn, party.uid, kind))
        draft.changes += changes(resource.get("modifiedProperties"), bounds.ITEMS - len(draft.changes))
    draft.words |= names_in(draft.changes)
    # A group among the targets often has no name of its own; the member's modified properties give it.
    draft.targets = [
        Party(draft.words.get(target.kind), target.upn, target.uid, target.kind)
        if target.kind in {"group", "role"} and target.name is None
        else target
        for target in draft.targets
    ]
    role = draft.words.get("role") or next((t.spoken for t in draft.targets if t.kind == "role" and t.known), None)
    if role:
        draft.privileges = [role]


MAPPER: Final = Mapper("directory", 3, recognises, fill)

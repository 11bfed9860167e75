"""Intune audit events as Graph lists them (`deviceManagement/auditEvents`)."""

from __future__ import annotations

import re
from typing import Final

from aoc_normalizer import bounds, operations
from aoc_normalizer.draft import SERVICE, Draft, Party
from aoc_normalizer.fields import addresses, times, values
from aoc_normalizer.fields.changes import changes
from aoc_normalizer.fields.results import of_word
from aoc_normalizer.mappers.base import Mapper, Record, apply_operation
from aoc_normalizer.operations import intune
from aoc_normalizer.operations.scopes import SCOPES

#: Type of an assignment's target -> who that is (graph-docs, deviceandappmanagementassignmenttarget.md).
_EVERYBODY: Final = {
    "alldevicesassignmenttarget": "all devices",
    "alllicensedusersassignmenttarget": "all users",
}
_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def recognises(record: Record) -> bool:
    """An Intune audit event has an actor and resources, and an activity type or component."""
    return "actor" in record and "resources" in record and ("activityType" in record or "componentName" in record)


def fill(record: Record, draft: Draft) -> None:
    """The person before the portal's application; every resource."""
    draft.used |= {
        "id",
        "activityDateTime",
        "displayName",
        "activityType",
        "activityResult",
        "actor",
        "resources",
        "correlationId",
    }
    draft.family, draft.record_id = "intune", values.text(record.get("id"))
    draft.product, draft.service, draft.log_name = "Microsoft Intune", "intune", "Intune audit events"
    draft.original_time = values.text(record.get("activityDateTime"))
    draft.time_ms = times.parse_ms(draft.original_time)
    draft.correlation_id = values.text(record.get("correlationId"))
    apply_operation(draft, values.first(record, "activityType", "displayName", "activity"), SCOPES["intune"])
    if draft.operation and not operations.is_foreign(draft.operation, SCOPES["intune"]):
        found = intune.meaning(draft.operation)
        draft.class_uid, draft.activity_id, draft.severity = found.class_uid, found.activity_id, found.severity
        draft.phrase, draft.otherwise = found.phrase, found.otherwise
    draft.result = of_word(values.text(record.get("activityResult")))
    actor = values.mapping(record.get("actor"))
    upn = values.text(actor.get("userPrincipalName"))
    app_name = values.first(actor, "applicationDisplayName", "servicePrincipalName")
    draft.app = Party(app_name, uid=values.text(actor.get("applicationId")), kind="application")
    draft.actor = Party(upn=upn.lower() if upn else None, uid=values.text(actor.get("userId")), kind="user")
    if not draft.actor.known:
        draft.actor = Party(
            app_name, uid=values.text(actor.get("applicationId")), kind="service principal", user_type=SERVICE
        )
    draft.address = addresses.parse(actor.get("ipAddress"))
    for resource in values.objects(record.get("resources"))[:500]:
        kind = kind_of(values.first(resource, "auditResourceType", "type", "resourceType"))
        draft.targets.append(
            Party(values.text(resource.get("displayName")), uid=values.text(resource.get("resourceId")), kind=kind)
        )
        draft.changes += changes(resource.get("modifiedProperties"), bounds.ITEMS - len(draft.changes))
    _say(draft)


def _say(draft: Draft) -> None:
    """What a sentence needs beyond the phrase: the new name, and who something is assigned to."""
    phrase = draft.phrase or ""
    if phrase.startswith("renamed ") and (new := _new_value(draft, "devicename", "name")):
        draft.remark = f"to {new}"
    elif phrase.startswith("assigned ") or "assignment " in phrase:
        kind = _new_value(draft, "target.type", "type")
        everybody = _EVERYBODY.get((kind or "").rpartition(".")[2].casefold())
        group = _new_value(draft, "target.groupid", "groupid")
        if who := everybody or (f"group {group}" if group else None):
            draft.remark = f"for {who}"


def _new_value(draft: Draft, *names: str) -> str | None:
    for name in names:
        for change in draft.changes:
            if change.name.casefold() == name and isinstance(change.new, str):
                return change.new.strip()
    return None


def kind_of(text: str | None) -> str | None:
    """`managed device` of `#microsoft.graph.managedDevice`, `Microsoft.Management.Services.Api.ManagedDevice` ..."""
    return _WORDS.sub(" ", text.rpartition(".")[2]).lower() if text else None


MAPPER: Final = Mapper("intune", 4, recognises, fill)

"""Provisioning of accounts between systems (graph-docs, provisioningobjectsummary.md), also inside a diagnostic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_normalizer.draft import LOW, SERVICE, Draft, Party
from aoc_normalizer.fields import times, values
from aoc_normalizer.fields.changes import changes
from aoc_normalizer.fields.results import of_word
from aoc_normalizer.mappers.base import Mapper, Record
from aoc_normalizer.ocsf_classes import ACCOUNT_CHANGE, ENTITY_MANAGEMENT, GROUP_MANAGEMENT, OTHER

if TYPE_CHECKING:
    from collections.abc import Mapping

_USED: Final = frozenset(
    {"id", "activityDateTime", "provisioningAction", "action", "provisioningStatusInfo", "statusInfo", "sourceSystem",
     "targetSystem", "sourceIdentity", "targetIdentity", "initiatedBy", "servicePrincipal", "modifiedProperties",
     "tenantId", "cycleId"}
)  # fmt: skip
#: Action -> past tense, and the activity where an account, a group or anything else is changed.
_ACTIONS: Final[Mapping[str, tuple[str, int, int, int]]] = {
    "create": ("created", 1, 6, 1),
    "update": ("changed", OTHER, OTHER, 3),
    "delete": ("deleted", 6, 5, 4),
    "disable": ("disabled", 5, OTHER, 9),
    "stageddelete": ("marked for deletion", 6, 5, 4),
    "other": ("handled", OTHER, OTHER, OTHER),
}


def recognises(record: Record) -> bool:
    """A provisioning record names an action and two systems."""
    return (
        ("provisioningAction" in record or "action" in record) and "sourceSystem" in record and "targetSystem" in record
    )


def fill(record: Record, draft: Draft) -> None:
    """Whose account was created, changed or deleted where, because of which system, and whether it worked."""
    draft.used |= _USED
    draft.family, draft.record_id = "provisioning", values.text(record.get("id"))
    draft.product, draft.service, draft.log_name = "Microsoft Entra ID", "entra", "Provisioning"
    draft.organisation = values.text(record.get("tenantId"))
    draft.original_time = values.text(record.get("activityDateTime"))
    draft.time_ms = times.parse_ms(draft.original_time)
    draft.correlation_id = values.text(record.get("cycleId"))
    action = (values.first(record, "provisioningAction", "action") or "other").casefold()
    identity = _identity(record)
    past, account, group, other = _ACTIONS.get(action, (f"did {action} to", OTHER, OTHER, OTHER))
    if identity.kind == "user":
        draft.class_uid, draft.activity_id = ACCOUNT_CHANGE, account
    elif identity.kind == "group":
        draft.class_uid, draft.activity_id = GROUP_MANAGEMENT, group
    else:
        draft.class_uid, draft.activity_id = ENTITY_MANAGEMENT, other
    draft.operation = f"Provisioning {action}"
    draft.targets = [identity]
    draft.changes = changes(record.get("modifiedProperties"))
    _actors(record, draft)
    _outcome(record, draft)
    source, target = (_name(record, system) for system in ("sourceSystem", "targetSystem"))
    way = f" from {source}" * bool(source) + f" in {target}" * bool(target)
    draft.sentence = lambda done: _sentence(done, f"{past} {done.targets[0].spoken}{way}")


def _sentence(draft: Draft, text: str) -> str:
    failed = f"Failed: {draft.actor.spoken} {text}" + (f": {draft.status_detail}" if draft.status_detail else "")
    return failed if draft.result == "failure" else f"{draft.actor.spoken} {text}"


def _identity(record: Record) -> Party:
    """The account in the target system; in the source system while there is none in the target."""
    for place in ("targetIdentity", "sourceIdentity"):
        found = values.mapping(record.get(place))
        kind = (values.text(found.get("identityType")) or "object").casefold()
        party = Party(values.text(found.get("displayName")), uid=values.text(found.get("id")), kind=kind)
        if party.known:
            return party
    return Party(kind="object")


def _actors(record: Record, draft: Draft) -> None:
    by = values.mapping(record.get("initiatedBy"))
    kind = (values.first(by, "initiatorType", "type") or "").casefold()
    name = values.first(by, "displayName", "name") or "Provisioning"
    draft.actor = Party(name, uid=values.text(by.get("id")), kind="user" if kind == "user" else "service principal")
    if kind != "user":
        draft.actor = draft.actor._replace(user_type=SERVICE)
    application = values.mapping(record.get("servicePrincipal"))
    draft.app = Party(
        values.first(application, "displayName", "name"),
        uid=values.text(application.get("id")),
        kind="service principal",
    )


def _outcome(record: Record, draft: Draft) -> None:
    status = values.mapping(record.get("provisioningStatusInfo")) or values.mapping(record.get("statusInfo"))
    outcome = values.text(status.get("status"))
    draft.result = "success" if outcome in {"skipped", "warning"} else of_word(outcome)
    error = values.mapping(status.get("errorInformation")) or status
    draft.status_code = values.first(error, "errorCode")
    draft.status_detail = values.first(error, "reason", "additionalDetails")
    if draft.result == "failure":
        draft.severity = LOW
    elif outcome == "skipped":
        draft.remark = "skipped"


def _name(record: Record, place: str) -> str | None:
    return values.first(values.mapping(record.get(place)), "displayName", "name")


MAPPER: Final = Mapper("provisioning", 1, recognises, fill)

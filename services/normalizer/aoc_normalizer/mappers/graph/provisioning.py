"""Provisioning of accounts between systems (graph-docs, provisioningobjectsummary.md), also inside a diagnostic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

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
_MAX_STEPS: Final = 20
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
    draft.targets = _identities(record)
    about = draft.targets[0]
    past, account, group, other = _ACTIONS.get(action, (f"did {action} to", OTHER, OTHER, OTHER))
    if about.kind == "user":
        draft.class_uid, draft.activity_id = ACCOUNT_CHANGE, account
    elif about.kind == "group":
        draft.class_uid, draft.activity_id = GROUP_MANAGEMENT, group
    else:
        draft.class_uid, draft.activity_id = ENTITY_MANAGEMENT, other
    draft.operation = f"Provisioning {action}"
    draft.changes = changes(record.get("modifiedProperties"))
    _actors(record, draft)
    _outcome(record, draft)
    source, target = (_name(_part(record, system)) for system in ("sourceSystem", "targetSystem"))
    way = f" from {source}" * bool(source) + f" in {target}" * bool(target)
    draft.sentence = lambda done: _sentence(done, past, way)


def _sentence(draft: Draft, past: str, way: str) -> str:
    about = draft.targets[0]
    whom = about.spoken if about.known else f"an unnamed {about.kind or 'object'}"
    text = f"{draft.actor.spoken} {past} {whom}{way}"
    if draft.remark:
        skipped = f"{draft.remark[:1].upper()}{draft.remark[1:]}: {text}"
        return skipped + (f": {draft.status_detail}" if draft.status_detail else "")
    if draft.result == "failure":
        return f"Failed: {text}" + (f": {draft.status_detail}" if draft.status_detail else "")
    return text


def _identities(record: Record) -> list[Party]:
    """The account in the target system, and in the source system, which alone has a name while there is no other."""
    found: list[Party] = []
    kind = "object"
    for place in ("targetIdentity", "sourceIdentity"):
        identity = _part(record, place)
        kind = (values.text(identity.get("identitytype")) or kind).casefold()
        details = _lowered(identity.get("details"))
        upn = values.first(details, "userprincipalname", "upn", "mail")
        party = Party(_name(identity), upn and upn.lower(), values.text(identity.get("id")), kind)
        if party.known and all((party.name, party.upn) != (one.name, one.upn) for one in found):
            found.append(party)
    return found or [Party(kind=kind)]


def _actors(record: Record, draft: Draft) -> None:
    by = _part(record, "initiatedBy")
    kind = (values.first(by, "initiatortype", "type") or "").casefold()
    draft.actor = Party(_name(by) or "Provisioning", uid=values.text(by.get("id")), kind="user")
    if kind != "user":
        draft.actor = draft.actor._replace(kind="service principal", user_type=SERVICE)
    application = _part(record, "servicePrincipal")
    draft.app = Party(_name(application), uid=values.text(application.get("id")), kind="service principal")


def _outcome(record: Record, draft: Draft) -> None:
    """The word of `provisioningStatusInfo`, else of `statusInfo`; of steps, why one was skipped."""
    status = _part(record, "provisioningStatusInfo") or _part(record, "statusInfo")
    outcome = (values.text(status.get("status")) or "").casefold()
    draft.result = "success" if outcome in {"skipped", "warning"} else of_word(outcome)
    error = _lowered(status.get("errorinformation")) or status
    draft.status_code = values.first(error, "errorcode")
    draft.status_detail = values.first(error, "reason", "additionaldetails")
    if draft.result == "failure":
        draft.severity = LOW
    elif outcome == "skipped":
        draft.remark = outcome
    if draft.status_detail is None and (draft.result == "failure" or outcome == "skipped"):
        steps = (_lowered(step) for step in values.objects(record.get("provisioningSteps"))[:_MAX_STEPS])
        draft.status_detail = next((found for step in steps if (found := values.first(step, "description"))), None)


def _part(record: Record, name: str) -> Mapping[str, Any]:
    """An object of the record. Graph's names begin with small letters, those of diagnostics with capitals."""
    return _lowered(record.get(name))


def _lowered(value: Any) -> Mapping[str, Any]:
    return {name.casefold(): inner for name, inner in values.mapping(value).items()}


def _name(part: Mapping[str, Any]) -> str | None:
    return values.first(part, "displayname", "name")


MAPPER: Final = Mapper("provisioning", 2, recognises, fill)

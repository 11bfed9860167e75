"""What Intune sends to Azure Monitor: its audit events in names of their own, and what became of devices.

Source: memdocs, review-logs-using-azure-monitor.md. `AuditEventId` is the `id` that Graph lists. `TargetDisplayNames`,
`TargetObjectIds` and `Targets` have an item for each resource, in one order; `"<null>"` stands for no name.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.draft import INFORMATIONAL, LOW, SERVICE, Draft, Party
from aoc_normalizer.fields import times, values
from aoc_normalizer.fields.results import of_word
from aoc_normalizer.mappers.graph import intune
from aoc_normalizer.ocsf_classes import ENTITY_MANAGEMENT, OTHER

if TYPE_CHECKING:
    from aoc_normalizer.mappers.base import Record

#: Properties of which each tells that an envelope is Intune's.
_TELLING: Final = frozenset(
    {"AuditEventId", "ActivityResultStatus", "IntuneDeviceId", "IntuneAccountId", "IntuneUserId", "ComplianceState_loc"}
)
_TIMES: Final = ("ActivityDate", "activityDateTime", "timeGenerated", "Timestamp")
_OUTCOMES: Final = ("resultType", "resultSignature")
_OUTCOMES_INSIDE: Final = ("Status", "Result", "EnrollmentStatus")
_SECOND_MS: Final = 1000
_MOST_RESOURCES: Final = 500
_ENROLL: Final = 6
_NOBODY: Final = "00000000-0000-0000-0000-000000000000"
#: What Intune's service logs for a device's sake, it did itself.
_SERVICE: Final = Party("Microsoft Intune", kind="service principal", user_type=SERVICE)
#: `Windows10CompliancePolicy.SignatureOutOfDate_IID_1b4e...||||SignatureOutOfDate||...`: the setting that was not met.
_SETTING: Final = re.compile(r"^(?:\w{1,80}\.)?([A-Za-z][A-Za-z0-9]{0,79})(?:_IID_|\||$)")
_SAYS_NOTHING: Final = frozenset({"unknown", "not applicable", "none"})


def recognises(inner: Record) -> bool:
    """Whether the properties of an envelope are Intune's."""
    return not _TELLING.isdisjoint(inner)


def fill(record: Record, inner: Record, draft: Draft) -> None:
    """An audit event as Graph would list it; else what became of a device."""
    if "AuditEventId" in inner or "ActivityType" in inner:
        _audit(record, inner, draft)
    else:
        _device_log(record, inner, draft)
    draft.rest = inner
    draft.time_ms = precise(draft.time_ms, times.parse_ms(record.get("time")))


def precise(inner: int | None, envelope: int | None) -> int | None:
    """The envelope's time where it is the inner one with decimals: ActivityDate ends at seconds."""
    same = inner is not None and envelope is not None and inner % 1000 == 0 and 0 <= envelope - inner < _SECOND_MS
    return envelope if same else inner


def _audit(record: Record, inner: Record, draft: Draft) -> None:
    actor = values.mapping(inner.get("Actor"))
    named = identity(record)
    event = {
        "id": values.first(inner, "AuditEventId", "id", "Id", "requestId", "ReportId") or record.get("id"),
        "activityDateTime": values.first(inner, *_TIMES) or record.get("time"),
        "activityType": values.first(record, "operationName") or values.first(inner, "ActionType"),
        "activityResult": values.first(record, "resultType", "resultSignature")
        or values.text(inner.get("ActivityResultStatus")),
        "correlationId": record.get("correlationId"),
        "actor": {
            "userPrincipalName": values.text(actor.get("UPN")) or (None if "ApplicationName" in actor else named),
            "userId": actor.get("ObjectId"),
            "applicationId": actor.get("Application"),
            "applicationDisplayName": actor.get("ApplicationName"),
            "servicePrincipalName": actor.get("Name"),
        },
        "resources": _resources(inner),
    }
    intune.MAPPER.fill(event, draft)
    if not draft.actor.known and named:
        draft.actor = Party(named, kind="user")


def _resources(inner: Record) -> list[dict[str, Any]]:
    """Graph's resources: a name, an id and changes of each."""
    listed = values.sequence(inner.get("Targets"))[:_MOST_RESOURCES]
    names = values.sequence(inner.get("TargetDisplayNames"))
    ids = values.sequence(inner.get("TargetObjectIds"))
    found = []
    for at in range(min(max(len(listed), len(names), len(ids)), _MOST_RESOURCES)):
        target = values.mapping(listed[at]) if at < len(listed) else {}
        name = values.text(target.get("Name")) or (values.text(names[at]) if at < len(names) else None)
        uid = values.text(ids[at]) if at < len(ids) else None
        changes = _changes(target)
        if name or uid or changes:
            found.append({"displayName": name, "resourceId": uid, "modifiedProperties": changes})
    return found


def _changes(target: Any) -> list[dict[str, Any]]:
    return [
        {"Name": item.get("Name"), "OldValue": item.get("Old"), "NewValue": item.get("New")}
        for item in values.objects(target.get("ModifiedProperties"))
    ]


def _device_log(record: Record, inner: Record, draft: Draft) -> None:
    """Compliance and enrolment: about a device and its user, who has done nothing."""
    draft.family, draft.record_id = (
        "intune",
        values.first(inner, "id", "Id", "requestId", "ReportId") or values.text(record.get("id")),
    )
    draft.product, draft.service = "Microsoft Intune", "intune"
    draft.original_time = values.first(inner, *_TIMES) or values.text(record.get("time"))
    draft.time_ms = times.parse_ms(draft.original_time)
    draft.correlation_id = values.text(record.get("correlationId"))
    draft.operation = values.text(record.get("operationName")) or "Device log"
    draft.class_uid, draft.activity_id, draft.severity = ENTITY_MANAGEMENT, OTHER, INFORMATIONAL
    draft.actor = _SERVICE
    draft.result = of_word(values.first(record, *_OUTCOMES) or values.first(inner, *_OUTCOMES_INSIDE))
    device = Party(
        values.first(inner, "DeviceHostName", "DeviceName", "DeviceNetBiosName"),
        uid=values.first(inner, "IntuneDeviceId", "DeviceId", "AADDeviceId"),
        kind="device",
    )
    user = _user(inner)
    draft.targets = [party for party in (device, user) if party.known]
    telling = (
        "AlertType",
        "AlertDisplayName",
        "Description",
        "ScenarioName",
        "SerialNumber",
        "IMEI",
        "DeviceName",
        "FailureReason",
    )
    draft.search += [found for name in telling if (found := values.text(inner.get(name)))]
    of_device = f"{device.spoken if device.known else 'without a name'}" + (f" of {user.spoken}" if user.known else "")
    if "EnrollmentType" in inner or "EnrollmentTimeUTC" in inner or draft.operation.casefold() == "enrollment":
        _enrolment(inner, draft, of_device)
    elif (compliant := _compliant(inner)) is not None:
        _compliance(inner, draft, of_device, compliant=compliant)
    else:
        about = values.first(inner, "AlertDisplayName", "AlertType", "ScenarioName") or draft.operation
        draft.sentence = partial(_tell, f"Device {of_device}: {about}")


def _user(inner: Record) -> Party:
    name, suffix = values.text(inner.get("UserName")), values.text(inner.get("UPNSuffix"))
    upn = values.first(inner, "UPN", "UserEmail", "userPrincipalName") or (
        f"{name}@{suffix}" if name and suffix else None
    )
    uid = values.first(inner, "IntuneUserId", "UserId", "userId")
    return Party(
        values.text(inner.get("UserDisplayName")) or (name if not suffix else None),
        upn.lower() if upn else None,
        None if uid == _NOBODY else uid,
        "user",
    )


def _enrolment(inner: Record, draft: Draft, device: str) -> None:
    draft.activity_id = _ENROLL
    reason = values.first(inner, "FailureReason", "FailureCategory")
    draft.status_detail = reason if reason and reason.casefold() not in _SAYS_NOTHING else None
    system = values.text(inner.get("Os"))
    way = values.text(inner.get("EnrollmentType"))
    text = f"Enrolment of {system or 'a'} device {device}"
    if way and way.casefold() not in _SAYS_NOTHING:
        text += f" ({way})"
    if draft.result == "failure":
        draft.severity = LOW
        text += " failed" + (f": {draft.status_detail}" if draft.status_detail else "")
    elif draft.result == "success":
        text += " succeeded"
    draft.sentence = partial(_tell, text)


def _compliant(inner: Record) -> bool | None:
    """What is said of a device's compliance: in a state, or in an alert's kind."""
    said = (values.first(inner, "ComplianceState_loc", "AlertType", "AlertDisplayName") or "").casefold()
    if "compliant" not in said:
        return None
    return not ("not compliant" in said or "noncompliant" in said or "not-compliant" in said)


def _compliance(inner: Record, draft: Draft, device: str, *, compliant: bool) -> None:
    if compliant:
        draft.sentence = partial(_tell, f"Device {device} is compliant")
        return
    draft.severity = LOW
    said = values.text(inner.get("Description"))
    setting = _SETTING.match(said) if said else None
    why = f": {setting[1] if setting else said}" if said else ""
    draft.sentence = partial(_tell, f"Device {device} is not compliant{why}")


def _tell(text: str, _draft: Draft) -> str:
    return text


def identity(record: Record) -> str | None:
    """Who an envelope names; Intune often says there only where to look."""
    name = values.text(record.get("identity"))
    return None if name is not None and name.startswith("See Actor") else name

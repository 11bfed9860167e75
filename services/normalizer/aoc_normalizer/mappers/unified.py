"""The unified audit log (Management Activity API, Purview exports): what all its workloads share."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from aoc_normalizer import record_types
from aoc_normalizer.draft import ADMIN, SERVICE, SYSTEM, USER, Draft, Party
from aoc_normalizer.fields import addresses, times, values
from aoc_normalizer.mappers import (
    unified_collaboration,
    unified_entra,
    unified_exchange,
    unified_files,
    unified_security,
)
from aoc_normalizer.mappers.base import Mapper, Record, apply_operation, named_party
from aoc_normalizer.ocsf import DETECTION_FINDING
from aoc_normalizer.result import of_word

#: Record types of data loss prevention, by number and by name: exports have one or the other. Two of its records can
#: share an Id with different operations.
_DLP_NUMBERS: Final = ("11", "13", "33", "63", "99", "107")
_DLP_TYPES: Final = frozenset({*_DLP_NUMBERS, *map(record_types.name, _DLP_NUMBERS)})
_SERVICES: Final = {
    "azureactivedirectory": ("entra", "Microsoft Entra ID"),
    "exchange": ("exchange", "Exchange Online"),
    "sharepoint": ("sharepoint", "SharePoint Online"),
    "onedrive": ("onedrive", "OneDrive for Business"),
    "microsoftteams": ("teams", "Microsoft Teams"),
    "securitycompliancecenter": ("purview", "Microsoft Purview"),
    "threatintelligence": ("defender", "Defender for Office 365"),
    "powerbi": ("power-platform", "Power BI"),
    "microsoftflow": ("power-platform", "Power Automate"),
    "powerapps": ("power-platform", "Power Apps"),
    "yammer": ("viva-engage", "Viva Engage"),
    "dynamics365": ("dynamics", "Dynamics 365"),
    "intune": ("intune", "Microsoft Intune"),
    "compliance": ("purview", "Microsoft Purview"),
    "airinvestigation": ("defender", "Microsoft Defender XDR"),
    "copilot": ("copilot", "Microsoft 365 Copilot"),
    "microsoftforms": ("forms", "Microsoft Forms"),
    "microsoftstream": ("stream", "Microsoft Stream"),
    "planner": ("planner", "Microsoft Planner"),
    "project": ("project", "Microsoft Project"),
    "skypeforbusiness": ("skype", "Skype for Business"),
    "powerpages": ("power-platform", "Power Pages"),
    "powerplatform": ("power-platform", "Power Platform"),
}
_SECURITY: Final = frozenset({"purview", "defender"})
_ADMIN_TYPES: Final = frozenset({"2", "3", "admin", "dcadmin"})
_SYSTEM_TYPES: Final = frozenset({"4", "8", "system", "systempolicy"})
_SERVICE_TYPES: Final = frozenset({"5", "6", "application", "serviceprincipal"})
_USED: Final = frozenset(
    {"Id", "CreationTime", "Operation", "OrganizationId", "RecordType", "ResultStatus", "UserId", "Workload",
     "ClientIP", "ClientIPAddress", "ObjectId", "Version", "OfficeId", "OfficeWorkload", "OfficeObjectId"}
)  # fmt: skip


def recognises(record: Record) -> bool:
    """A unified record has an operation, and a record type or workload in their capitals."""
    return "Operation" in record and ("RecordType" in record or "Workload" in record or "CreationTime" in record)


def fill(record: Record, draft: Draft) -> None:
    """Common fields, then the workload's own."""
    draft.used |= _USED
    record_type = values.text(record.get("RecordType"))
    draft.family, draft.log_name = "ual", _log_name(record_type)
    operation = values.text(record.get("Operation")) or ""
    record_id = values.first(record, "Id", "OfficeId")  # Log Analytics calls it OfficeId
    draft.record_id = record_id
    if record_id is not None and _is_dlp(record_type, operation):
        draft.family = f"ual-dlp-{operation.casefold()}"
    draft.original_time = values.first(record, "CreationTime", "TimeGenerated", "CreationDate")
    draft.time_ms = times.parse_ms(draft.original_time)
    workload = values.first(record, "Workload", "OfficeWorkload") or record_types.workload(record_type) or ""
    draft.service, draft.product = _SERVICES.get(workload.casefold(), (_slug(workload), workload or "Microsoft 365"))
    draft.organisation = values.text(record.get("OrganizationId"))
    access = values.mapping(record.get("AppAccessContext"))
    outer = values.text(access.get("CorrelationId"))
    draft.correlation_id = values.first(record, "CorrelationId", "InterSystemsId", "IntraSystemId") or outer
    if outer and outer != draft.correlation_id:
        draft.search.append(outer)
    apply_operation(draft, operation)
    draft.actor = actor(record)
    draft.app = Party(
        uid=values.first(record, "AppId", "ClientAppId", "ApplicationId") or values.text(access.get("ClientAppId")),
        name=values.first(record, "ApplicationDisplayName", "AppPoolName", "ClientApplication")
        or values.text(access.get("ClientAppName")),
        kind="application",
    )
    draft.address = first_address(record)
    draft.user_agent = values.first(record, "UserAgent", "ClientInfoString") or values.pair(
        record.get("ExtendedProperties"), "useragent"
    )
    draft.session_uid = (
        values.first(record, "SessionId", "AADSessionId")
        or values.text(access.get("AADSessionId"))
        or values.pair(record.get("DeviceProperties"), "sessionid")
    )
    status = values.text(record.get("ResultStatus"))
    # Workloads that log no status (SharePoint, Teams) log what was done, not what was tried.
    draft.result = of_word(status) if status is not None else "success"
    object_id = values.first(record, "ObjectId", "OfficeObjectId")
    if object_id is not None:
        draft.targets = [named_party(object_id, "object")]
    _of_workload(record, draft)


def _of_workload(record: Record, draft: Draft) -> None:
    """What the workload knows beyond the common fields."""
    if draft.class_uid == DETECTION_FINDING:  # data loss prevention logs under the workload that it watches
        unified_security.fill(record, draft)
    elif "AzureActiveDirectoryEventType" in record or draft.service == "entra":
        unified_entra.fill(record, draft)
    elif draft.service == "exchange" or "MailboxGuid" in record or "Parameters" in record:
        unified_exchange.fill(record, draft)
    elif "SiteUrl" in record or "SourceFileName" in record or draft.service in {"sharepoint", "onedrive"}:
        unified_files.fill(record, draft)
    elif draft.service in _SECURITY:
        unified_security.fill(record, draft)
    else:
        unified_collaboration.fill(record, draft)


def actor(record: Record) -> Party:
    """Who did it: `UserId`, which is a UPN in three records of ten, and its type."""
    found = named_party(values.first(record, "UserId", "User", "UserKey"))
    kind = (values.text(record.get("UserType")) or "").casefold()
    user_type = found.user_type
    if kind in _ADMIN_TYPES and user_type == USER:
        user_type = ADMIN
    elif kind in _SYSTEM_TYPES:
        user_type = SYSTEM
    elif kind in _SERVICE_TYPES:
        user_type = SERVICE
    key = values.text(record.get("UserKey"))
    uid = found.uid or (key if key and values.is_guid(key) else None)
    return Party(found.name, found.upn, uid, "user", user_type)


def first_address(record: Record) -> addresses.Address | None:
    """The first field that holds an address."""
    for name in ("ClientIP", "ClientIPAddress", "Client_IPAddress", "ActorIpAddress", "SenderIp", "ClientIp"):
        found = addresses.parse(record.get(name))
        if found is not None:
            return found
    return None


def _is_dlp(record_type: str | None, operation: str) -> bool:
    return record_type in _DLP_TYPES or operation.casefold().startswith("dlp")


@lru_cache(maxsize=1024)
def _log_name(record_type: str | None) -> str:
    named = record_types.name(record_type)
    return f"Unified Audit Log: {named}" if named else "Unified Audit Log"


@lru_cache(maxsize=1024)
def _slug(workload: str) -> str:
    slug = "".join(c if c.isalnum() else "-" for c in workload.lower()).strip("-")
    return slug[:40] or "m365"


MAPPER: Final = Mapper("unified", 4, recognises, fill)

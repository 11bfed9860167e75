"""The unified audit log (Management Activity API, Purview exports): what all its workloads share."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts import ids, spelling
from aoc_normalizer.draft import ADMIN, SERVICE, SYSTEM, USER, Draft, Fact, Party
from aoc_normalizer.fields import evidence, times, values
from aoc_normalizer.mappers.base import Mapper, Record, apply_operation, named_party
from aoc_normalizer.mappers.unified import collaboration, entra, exchange, files, security, sign_ins
from aoc_normalizer.ocsf_classes import AUTHENTICATION, DETECTION_FINDING
from aoc_normalizer.operations import record_types
from aoc_normalizer.operations.scopes import OF_CMDLETS, origin

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Record types of data loss prevention, by number and by name: exports have one or the other. Two of its records can
#: share an Id with different operations.
_DLP_NUMBERS: Final = ("11", "13", "33", "63", "99", "107")
_DLP_TYPES: Final = frozenset({*_DLP_NUMBERS, *map(record_types.name, _DLP_NUMBERS)})
_SECURITY: Final = frozenset({"purview", "defender"})
#: Tag of an event whose record names a workload and a record type that have nothing in common.
_CONTRADICTED: Final = "workload-contradicts"
_ADMIN_TYPES: Final = frozenset({"2", "3", "admin", "dcadmin"})
_SYSTEM_TYPES: Final = frozenset({"4", "8", "system", "systempolicy"})
_SERVICE_TYPES: Final = frozenset({"5", "6", "application", "serviceprincipal"})
_GUEST_TYPES: Final = (10, "10", "Guest", "guest")
_GUESTS: Final = ("urn:spo:guest#", "live.com#", "guest#")
_EXTERNAL: Final = "#ext#@"
_OF_SHAREPOINT: Final = "app@sharepoint"
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
    draft.family, draft.log_name = ids.UNIFIED, _log_name(record_type)
    operation = values.text(record.get("Operation")) or ""
    record_id = values.first(record, "Id", "OfficeId")  # Log Analytics calls it OfficeId
    draft.record_id = record_id
    if record_id is not None and _is_dlp(record_type, operation):
        draft.family = f"{ids.UNIFIED}-dlp-{spelling.folded(operation).casefold()}"
    draft.original_time = values.first(record, "CreationTime", "TimeGenerated", "CreationDate")
    draft.time_ms = times.parse_ms(draft.original_time)
    where = origin(values.first(record, "Workload", "OfficeWorkload"), record_type)
    draft.service, draft.product = where.service, where.product
    if where.contradicted:
        draft.tags.append(_CONTRADICTED)
    draft.organisation = values.text(record.get("OrganizationId"))
    draft.correlation_id = values.first(record, "CorrelationId", "InterSystemsId", "IntraSystemId")
    apply_operation(draft, operation, where.scope)
    draft.actor = actor(record)
    if _is_guest(record):
        draft.facts.append(Fact("actor.user", draft.actor.label or "guest", "guest", {"guest": True}, draft.product))
        draft.search.append("guest")
    draft.app = Party(
        values.first(record, "ApplicationDisplayName", "AppPoolName", "ClientApplication"),
        uid=values.first(record, "AppId", "ClientAppId", "ApplicationId", "AadAppId"),
        kind="application",
    )
    if draft.actor.upn == _OF_SHAREPOINT and draft.app.name:
        # An application acted by itself, under the one name that SharePoint has for all of them.
        draft.actor = draft.actor._replace(name=draft.app.name, user_type=SERVICE)
    said = evidence.details(record)
    draft.address = evidence.address(record, said)
    draft.user_agent = evidence.agent(record, said)
    if draft.app.uid is None and (app := evidence.application(said)) is not None:
        draft.app = draft.app._replace(uid=app)
    draft.session_uid = values.first(record, "SessionId", "AADSessionId")
    if access := values.mapping(record.get("AppAccessContext")):
        _access(access, draft)
    if draft.session_uid is None:
        draft.session_uid = values.pair(record.get("DeviceProperties"), "sessionid")
    # Workloads that log no status (SharePoint, Teams) log what was done, not what was tried.
    draft.result, _, draft.status_detail = evidence.outcome(record, said)
    object_id = values.first(record, "ObjectId", "OfficeObjectId")
    if object_id is not None:
        draft.targets = [named_party(object_id, "object")]
    _of_workload(record, draft, named=where.named)


def _access(access: Mapping[str, Any], draft: Draft) -> None:
    """The session and application of an action: what the record itself says of them comes first."""
    outer = values.text(access.get("CorrelationId"))
    draft.correlation_id = draft.correlation_id or outer
    if outer and outer != draft.correlation_id:
        draft.search.append(outer)
    app = draft.app
    draft.app = app._replace(
        name=app.name or values.text(access.get("ClientAppName")), uid=app.uid or values.text(access.get("ClientAppId"))
    )
    draft.session_uid = draft.session_uid or values.text(access.get("AADSessionId"))


def _of_workload(record: Record, draft: Draft, *, named: bool) -> None:
    """What the workload knows beyond the common fields."""
    if draft.class_uid == DETECTION_FINDING:  # data loss prevention logs under the workload that it watches
        security.fill(record, draft)
    elif "AzureActiveDirectoryEventType" in record or draft.service == "entra":
        # Graph's correlation id: in real records of both kinds (258 sign-ins, 164 changes) it is never absent.
        draft.action_id = values.text(record.get("InterSystemsId"))
        (sign_ins if draft.class_uid == AUTHENTICATION else entra).fill(record, draft)
    elif draft.service == "exchange" or "MailboxGuid" in record or "Parameters" in record:
        severity = draft.severity
        exchange.fill(record, draft)
        if named and draft.service not in OF_CMDLETS:  # its parameters are no cmdlet's
            draft.severity = severity
    elif "SiteUrl" in record or "SourceFileName" in record or draft.service in {"sharepoint", "onedrive"}:
        files.fill(record, draft)
    elif draft.service in _SECURITY:
        security.fill(record, draft)
    else:
        collaboration.fill(record, draft)


def actor(record: Record) -> Party:
    """Who did it: `UserId`, which is a UPN in three records of ten, and its type."""
    found = named_party(values.first(record, "UserId", "User", "UserKey"))
    kind = values.word(values.text(record.get("UserType")) or "")
    user_type = found.user_type
    if kind in _ADMIN_TYPES and user_type == USER:
        user_type = ADMIN
    elif kind in _SYSTEM_TYPES:
        user_type = SYSTEM
    elif kind in _SERVICE_TYPES and not _is_person(found):
        user_type = SERVICE
    key = values.text(record.get("UserKey"))
    uid = found.uid or (key if key and values.is_guid(key) else None)
    return Party(found.name, found.upn, uid, "user", user_type)


def _is_person(party: Party) -> bool:
    """Whether an application acted for somebody: its record then has a user name. `app@sharepoint` is none."""
    return party.upn is not None and "." in party.upn.partition("@")[2]


def _is_guest(record: Record) -> bool:
    """Whether it is somebody of another organisation, as the record itself tells."""
    who = record.get("UserId")
    if isinstance(who, str) and "#" in who:
        spelt = values.word(who[: values.MAX_TEXT])
        if spelt.startswith(_GUESTS) or _EXTERNAL in spelt:
            return True
    return record.get("UserType") in _GUEST_TYPES


def _is_dlp(record_type: str | None, operation: str) -> bool:
    return record_type in _DLP_TYPES or values.word(operation[:16]).startswith("dlp")


@lru_cache(maxsize=1024)
def _log_name(record_type: str | None) -> str:
    named = record_types.name(record_type)
    return f"Unified Audit Log: {named}" if named else "Unified Audit Log"


MAPPER: Final = Mapper("unified", 9, recognises, fill)

"""Azure Monitor diagnostic shape: an envelope whose `properties` hold the record that Graph would list."""

from __future__ import annotations

from typing import Final

from aoc_normalizer.draft import Draft, Party
from aoc_normalizer.fields import times, values
from aoc_normalizer.fields.results import of_word
from aoc_normalizer.mappers import outer
from aoc_normalizer.mappers.base import Mapper, Record, apply_operation, named_party
from aoc_normalizer.mappers.graph import activity, directory, provisioning, risk, signins
from aoc_normalizer.operations.scopes import SCOPES

_INNER: Final = (directory.MAPPER, signins.MAPPER, risk.MAPPER, activity.MAPPER, provisioning.MAPPER)
_SECOND_MS: Final = 1000
_INTUNE: Final = frozenset({"AuditEventId", "ActivityResultStatus", "IntuneDeviceId", "IntuneAccountId"})


def recognises(record: Record) -> bool:
    """An envelope has a category, an operation name and properties; Azure's activity log has them in another way."""
    return (
        "category" in record
        and "properties" in record
        and ("operationName" in record or "resourceId" in record)
        and "eventDataId" not in record
    )


def fill(record: Record, draft: Draft) -> None:
    """Map the inner record where it is one that we know; else read the envelope."""
    inner = dict(values.mapping(record.get("properties")))
    draft.content = inner and {**inner, "operationName": record.get("operationName")}
    for mapper in _INNER:
        if mapper.recognises(inner):
            mapper.fill(inner, draft)
            if mapper is signins.MAPPER:
                signins.by_second(draft)
            draft.used |= {"properties"}
            draft.rest = {name: value for name, value in inner.items() if name not in draft.used}
            break
    else:
        _other(record, inner, draft)
    draft.used |= {"category", "operationName", "callerIpAddress", "resourceId", "time", "properties"}
    outer.complete(record, draft)
    draft.log_name = values.text(record.get("category")) or draft.log_name
    if draft.time_ms is None:
        draft.original_time = values.text(record.get("time"))
        draft.time_ms = times.parse_ms(draft.original_time)


def _other(record: Record, inner: Record, draft: Draft) -> None:
    draft.rest = inner
    intune = not _INTUNE.isdisjoint(inner)
    draft.family = "intune" if intune else "diagnostic"
    draft.product, draft.service = ("Microsoft Intune", "intune") if intune else ("Microsoft Entra ID", "entra")
    draft.record_id = values.first(inner, "AuditEventId", "id", "Id", "requestId", "ReportId") or values.text(
        record.get("id")
    )
    draft.original_time = values.first(
        inner, "ActivityDate", "activityDateTime", "timeGenerated", "Timestamp"
    ) or values.text(record.get("time"))
    draft.time_ms = _precise(times.parse_ms(draft.original_time), times.parse_ms(record.get("time")))
    operation = values.first(record, "operationName") or values.first(inner, "ActionType")
    apply_operation(draft, operation, SCOPES[draft.service])
    draft.correlation_id = values.text(record.get("correlationId"))
    draft.result = of_word(
        values.first(record, "resultType", "resultSignature") or values.first(inner, "ActivityResultStatus")
    )
    actor = values.mapping(inner.get("Actor"))
    who = (
        values.first(actor, "UPN", "Name", "ObjectId")
        or _identity(record)
        or values.first(inner, "userId", "UPN", "UserEmail", "userPrincipalName", "UserDisplayName", "UserName")
    )
    draft.actor = named_party(who)
    draft.app = Party(
        values.first(actor, "ApplicationName"),
        uid=values.first(actor, "Application") or values.text(inner.get("appId")),
        kind="application",
    )
    for target in values.sequence(inner.get("Targets"))[:200]:
        if isinstance(target, dict) and (name := values.first(target, "Name")):
            draft.targets.append(Party(name, kind="object"))
    if not draft.targets and (
        name := values.first(inner, "requestUri", "DeviceHostName", "DeviceName", "ObjectName", "IntuneDeviceId")
    ):
        draft.targets = [Party(name, kind="object")]


def _precise(inner: int | None, envelope: int | None) -> int | None:
    """The envelope's time where it is the inner one with decimals: Intune's ActivityDate ends at seconds."""
    same = inner is not None and envelope is not None and inner % 1000 == 0 and 0 <= envelope - inner < _SECOND_MS
    return envelope if same else inner


def _identity(record: Record) -> str | None:
    """Who the envelope names; Intune only says there where to look."""
    name = values.text(record.get("identity"))
    return None if name is not None and name.startswith("See Actor") else name


MAPPER: Final = Mapper("diagnostics", 4, recognises, fill)

"""Azure Monitor diagnostic shape: an envelope whose `properties` hold the record that Graph would list."""

from __future__ import annotations

from typing import Final

from aoc_normalizer.draft import Draft, Party
from aoc_normalizer.fields import times, values
from aoc_normalizer.fields.results import of_word
from aoc_normalizer.mappers import azure_activity, outer
from aoc_normalizer.mappers.base import Mapper, Record, apply_operation, named_party
from aoc_normalizer.mappers.envelopes import intune, resource_manager
from aoc_normalizer.mappers.graph import activity, directory, provisioning, risk, signins
from aoc_normalizer.operations.scopes import SCOPES

#: What stands in the place of whoever acted.
_SEE_INSIDE: Final = "See Actor details in properties"
_INNER: Final = (directory.MAPPER, signins.MAPPER, risk.MAPPER, activity.MAPPER, provisioning.MAPPER)


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
    if resource_manager.is_streamed(record):
        _resource_manager(record, inner, draft)
        return
    for mapper in _INNER:
        if mapper.recognises(inner):
            mapper.fill(inner, draft)
            if mapper is signins.MAPPER:
                signins.by_second(draft)
            draft.used |= {"properties"}
            draft.rest = {name: value for name, value in inner.items() if name not in draft.used}
            break
    else:
        (intune.fill if intune.recognises(inner) else _other)(record, inner, draft)
    draft.used |= {"category", "operationName", "callerIpAddress", "resourceId", "time", "properties"}
    outer.complete(record, draft)
    draft.search += _beside(record, draft)
    draft.log_name = values.text(record.get("category")) or draft.log_name
    if draft.time_ms is None:
        draft.original_time = values.text(record.get("time"))
        draft.time_ms = times.parse_ms(draft.original_time)


def _beside(record: Record, draft: Draft) -> list[str]:
    """What an envelope names, where the record inside says it otherwise, or not at all."""
    correlation, identity = values.text(record.get("correlationId")), values.text(record.get("identity"))
    named = [correlation] if correlation and correlation != draft.correlation_id else []
    return [*named, identity] if identity and identity not in {_SEE_INSIDE, draft.actor.name} else named


def _resource_manager(record: Record, inner: Record, draft: Draft) -> None:
    """An event of Azure's activity log. Event hubs do not bring its id: it is known by its content."""
    azure_activity.MAPPER.fill(resource_manager.of_stream(record), draft)
    if draft.record_id is None:
        draft.family, draft.record_id = "diagnostic", _own_id(record, inner)
    draft.used |= {"identity", "resultType", "resultSignature", "properties", "time"}
    draft.rest = inner


def _own_id(record: Record, inner: Record) -> str | None:
    return values.first(inner, "id", "Id", "requestId", "ReportId") or values.text(record.get("id"))


def _other(record: Record, inner: Record, draft: Draft) -> None:
    draft.rest = inner
    draft.family, draft.product, draft.service = "diagnostic", "Microsoft Entra ID", "entra"
    draft.record_id = _own_id(record, inner)
    draft.original_time = values.first(inner, "activityDateTime", "timeGenerated", "Timestamp") or values.text(
        record.get("time")
    )
    draft.time_ms = intune.precise(times.parse_ms(draft.original_time), times.parse_ms(record.get("time")))
    operation = values.first(record, "operationName") or values.first(inner, "ActionType")
    apply_operation(draft, operation, SCOPES[draft.service])
    draft.correlation_id = values.text(record.get("correlationId"))
    draft.result = of_word(values.first(record, "resultType", "resultSignature"))
    actor = values.mapping(inner.get("Actor"))
    who = (
        values.first(actor, "UPN", "Name", "ObjectId")
        or values.text(record.get("identity"))
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
    if not draft.targets and (name := values.first(inner, "requestUri", "DeviceHostName", "DeviceName", "ObjectName")):
        draft.targets = [Party(name, kind="object")]


MAPPER: Final = Mapper("diagnostics", 7, recognises, fill)

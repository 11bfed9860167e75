"""Alerts of Privileged Identity Management, with their definition, configuration and incidents.

There is one alert of each kind in a tenant. A state of it, since it was last modified, is an event; what becomes of
that state without a new time is a version. Sources: graph-docs, resources/unifiedrolemanagementalert.md and
unifiedrolemanagementalertincident.md.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.draft import MEDIUM, SYSTEM, Draft, Party
from aoc_normalizer.fields import times, values
from aoc_normalizer.mappers.base import Mapper, Record
from aoc_normalizer.mappers.shared import severity_of
from aoc_normalizer.ocsf_classes import DETECTION_FINDING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_INCIDENTS: Final = 100
#: OCSF: create, close.
_ACTIVE: Final = 1
_RESOLVED: Final = 3
_RAISED_BY: Final = Party("Privileged Identity Management", kind="service", user_type=SYSTEM)


def recognises(record: Record) -> bool:
    """An alert refers to its definition and counts its incidents."""
    return "alertDefinitionId" in record and "isActive" in record and "incidentCount" in record


def fill(record: Record, draft: Draft) -> None:
    """What it warns of, whether it still does, and whom and which roles its incidents name."""
    draft.used |= {"id", "alertDefinitionId", "isActive", "lastModifiedDateTime"}
    draft.product, draft.service, draft.log_name = "Microsoft Entra PIM", "entra", "PIM alerts"
    draft.family, draft.record_id = "pim-alert", values.text(record.get("id"))
    draft.original_time, draft.time_ms = _time(record)
    kind = (draft.record_id or values.text(record.get("alertDefinitionId")) or "").rpartition("_")[2]
    draft.operation = kind or "PIM alert"
    definition = values.mapping(record.get("alertDefinition"))
    title = values.text(definition.get("displayName")) or draft.operation
    active = values.flag(record.get("isActive")) is not False
    draft.class_uid, draft.activity_id = DETECTION_FINDING, _ACTIVE if active else _RESOLVED
    draft.severity = severity_of(values.text(definition.get("severityLevel")), MEDIUM)
    draft.result = "success"
    incidents = values.objects(record.get("alertIncidents"))
    if len(incidents) > _MAX_INCIDENTS:
        draft.tags.append("truncated")
    found = list(dict.fromkeys(party for one in incidents[:_MAX_INCIDENTS] for party in _parties(one)))
    draft.targets = [Party(title, uid=draft.record_id, kind="alert"), *found]
    draft.actor = next((party for party in found if party.kind == "user"), _RAISED_BY)
    draft.search += _types(record, incidents[:_MAX_INCIDENTS])
    count = values.text(record.get("incidentCount"))
    draft.remark = f"{'active' if active else 'not active'}, {count or 'unknown'} incident{'' if count == '1' else 's'}"
    draft.sentence = partial(_sentence, title)


def _time(record: Record) -> tuple[str | None, int | None]:
    """When the state began: when it was modified, else when it was looked at."""
    for name in ("lastModifiedDateTime", "lastScannedDateTime"):
        text = values.text(record.get(name))
        at = times.parse_ms(text)
        if at is not None and at > 0:  # one that never had an incident was modified in the year 1
            return text, at
    return None, None


def _parties(incident: dict[str, Any]) -> Iterator[Party]:
    """Who holds or used a role, and the role."""
    upn = values.text(incident.get("assigneeUserPrincipalName"))
    who = Party(
        values.text(incident.get("assigneeDisplayName")),
        upn.lower() if upn else None,
        values.text(incident.get("assigneeId")),
        "user",
    )
    role = Party(
        values.text(incident.get("roleDisplayName")),
        uid=values.first(incident, "roleTemplateId", "roleDefinitionId"),
        kind="role",
    )
    return (party for party in (who, role) if party.known)


def _types(record: Record, incidents: list[dict[str, Any]]) -> list[str]:
    """Microsoft's names for the kinds of incidents and of the configuration, by which public rules know them."""
    configuration = values.mapping(record.get("alertConfiguration"))
    named = (values.text(one.get("@odata.type")) for one in (configuration, *incidents))
    return list(dict.fromkeys(name.rpartition(".")[2] for name in named if name))


def _sentence(title: str, draft: Draft) -> str:
    about = [target.spoken for target in draft.targets[1:] if target.known]
    more = f" and {len(about) - 1} more" if len(about) > 1 else ""
    return f"PIM alert: {title}" + (f" ({about[0]}{more})" if about else "") + f", {draft.remark}"


MAPPER: Final = Mapper("pim", 1, recognises, fill)

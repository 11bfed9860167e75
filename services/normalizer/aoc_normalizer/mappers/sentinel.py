"""Sentinel's own alerts and incidents: rows of its tables, and incidents as its REST interface and its SDKs list them.

Sources: azure-monitor-docs, tables SecurityAlert and SecurityIncident; azure-rest-api-specs, SecurityInsights,
Incidents (`name` there is `IncidentName` here). Python's SDK spells `createdTimeUtc` as `created_time_utc` and has no
`properties`.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from aoc_normalizer.draft import MEDIUM, Draft, Party
from aoc_normalizer.fields import times, values
from aoc_normalizer.fields.spellings import letters
from aoc_normalizer.mappers.base import Mapper, Record, named_party
from aoc_normalizer.mappers.shared import severity_of
from aoc_normalizer.ocsf_classes import DETECTION_FINDING

INCIDENT: Final = "SecurityIncident"
ALERT: Final = "SecurityAlert"
TABLES: Final = frozenset({ALERT, INCIDENT})
_REST_TYPE: Final = "microsoft.securityinsights/incidents"
#: Letters of a property of the REST interface -> column of the table.
_COLUMNS: Final = {
    "title": "Title",
    "description": "Description",
    "severity": "Severity",
    "status": "Status",
    "classification": "Classification",
    "classificationcomment": "ClassificationComment",
    "owner": "Owner",
    "createdtimeutc": "CreatedTime",
    "lastmodifiedtimeutc": "LastModifiedTime",
    "firstactivitytimeutc": "FirstActivityTime",
    "lastactivitytimeutc": "LastActivityTime",
    "incidentnumber": "IncidentNumber",
    "incidenturl": "IncidentUrl",
}
_CLOSED: Final = frozenset({"closed", "resolved", "dismissed"})


def recognises(record: Record) -> bool:
    """An incident of the REST interface says what type it is."""
    kind = record.get("type")
    return isinstance(kind, str) and kind.casefold() == _REST_TYPE and "name" in record


def fill(record: Record, draft: Draft) -> None:
    """The row that the table would have of it."""
    properties = values.mapping(record.get("properties"))
    row: dict[str, Any] = {"IncidentName": record.get("name")}
    for around in (record, properties):
        row |= {_COLUMNS[key]: value for name, value in around.items() if (key := letters(name)) in _COLUMNS}
    fill_row(row, draft, INCIDENT)
    draft.used = {"name", "type", "properties", *(name for name in record if letters(name) in _COLUMNS)}
    draft.rest = {name: value for name, value in properties.items() if letters(name) not in _COLUMNS}


def fill_row(row: Record, draft: Draft, table: str) -> None:
    """A row of one of the two tables. Each change of an alert or incident is a row, and a version of its event."""
    draft.used |= {"SystemAlertId", "IncidentName", "AlertName", "Title", "Status", "DisplayName", "CompromisedEntity"}
    draft.product, draft.service, draft.log_name = "Microsoft Sentinel", "sentinel", table
    draft.record_id = values.first(row, "SystemAlertId", "IncidentName", "IncidentNumber")
    draft.family = table.casefold()
    if draft.record_id:
        changed = values.first(row, "LastModifiedTime", "ProcessingEndTime", "TimeGenerated")
        draft.former.append((f"{draft.family}@{changed}", draft.record_id))
    draft.original_time = values.first(row, "StartTime", "CreatedTime", "FirstActivityTime", "TimeGenerated")
    draft.time_ms = times.parse_ms(draft.original_time)
    draft.operation = "Incident" if table == INCIDENT else "Alert"
    title = values.first(row, "DisplayName", "Title", "AlertName") or f"Untitled {draft.operation.lower()}"
    status = (values.text(row.get("Status")) or "").casefold()
    draft.class_uid, draft.activity_id = DETECTION_FINDING, 3 if status in _CLOSED else 1
    draft.severity = severity_of(values.first(row, "AlertSeverity", "Severity"), MEDIUM)
    draft.result = "success"
    draft.targets = [Party(title, uid=draft.record_id, kind="alert")]
    if about := values.text(row.get("CompromisedEntity")):
        draft.actor = named_party(about)
        draft.targets.append(draft.actor)
    owner = values.mapping(row.get("Owner"))
    assigned = values.first(owner, "userPrincipalName", "user_principal_name", "email", "assignedTo", "assigned_to")
    verdict = values.text(row.get("Classification"))
    parts = (status, f"assigned to {assigned}" if assigned else None, verdict)
    draft.remark = ", ".join(part for part in parts if part)
    draft.search += [found for name in ("Description", "IncidentNumber") if (found := values.text(row.get(name)))]
    draft.sentence = partial(_sentence, title)


def _sentence(title: str, draft: Draft) -> str:
    about = f" ({draft.actor.spoken})" if draft.actor.known else ""
    return f"{draft.operation}: {title}{about}" + (f", {draft.remark}" if draft.remark else "")


MAPPER: Final = Mapper("sentinel", 1, recognises, fill)

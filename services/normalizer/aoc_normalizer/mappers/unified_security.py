"""The rest of the unified log: Teams, Power Platform, data loss prevention, alerts of Security & Compliance."""

from __future__ import annotations

from aoc_normalizer.draft import MEDIUM, Draft, Party
from aoc_normalizer.fields import values
from aoc_normalizer.mappers.base import Record, named_party
from aoc_normalizer.mappers.shared import severity_of
from aoc_normalizer.ocsf import DETECTION_FINDING


def fill(record: Record, draft: Draft) -> None:
    """The rule, alert, team or message that the record is about."""
    if draft.class_uid == DETECTION_FINDING or "AlertId" in record or "PolicyDetails" in record:
        _finding(record, draft)
        return
    team = values.first(record, "TeamName", "ChannelName", "GroupName", "DisplayName", "WorkSpaceName", "Name")
    members = [
        named_party(found)
        for item in values.objects(record.get("Members"))
        if (found := values.first(item, "UPN", "DisplayName"))
    ]
    if team:
        draft.targets = [Party(name=team, uid=values.first(record, "TeamGuid", "AADGroupId"), kind="group")]
    draft.targets += members[:50]


def _finding(record: Record, draft: Draft) -> None:
    if draft.class_uid != DETECTION_FINDING:
        draft.class_uid, draft.activity_id = DETECTION_FINDING, 2
    policy = next(iter(values.objects(record.get("PolicyDetails"))), {})
    rule = next(iter(values.objects(policy.get("Rules"))), {})
    title = (
        values.first(rule, "RuleName")
        or values.first(record, "Name", "AlertName", "Title")
        or values.first(policy, "PolicyName")
    )
    draft.severity = severity_of(values.first(record, "Severity") or values.first(rule, "Severity"), MEDIUM)
    found = draft.targets
    if title:
        draft.targets = [Party(name=title, uid=values.first(record, "AlertId", "IncidentId"), kind="alert"), *found]
    metadata = values.mapping(record.get("SharePointMetaData")) or values.mapping(record.get("ExchangeMetaData"))
    if subject := values.first(metadata, "FileName", "Subject"):
        draft.targets.append(Party(name=subject, uid=values.first(metadata, "FilePathUrl", "MessageID"), kind="file"))
    entity = values.first(record, "EntityId", "AlertEntityId")
    if entity:
        draft.targets.append(named_party(entity, "entity"))

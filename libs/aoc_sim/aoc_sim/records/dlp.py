"""Unified audit, content type DLP.All: record types 11 (SharePoint), 13 (Exchange) and 63 (endpoints)."""

# ruff: noqa: PLR2004 - the numbers are shares and rates of invented traffic

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_sim.records.base import ual, ual_time
from aoc_sim.vocabulary import FILE_NAMES, SUBJECTS

if TYPE_CHECKING:
    from aoc_sim.records.base import Builder, Json, Scene


def _policy(scene: Scene) -> list[Json]:
    severe = scene.rng.random() < 0.2
    return [
        {
            "PolicyId": "5ee0d1c5-7f0b-4b7e-8f40-51a0c0de0001",
            "PolicyName": "Payment data leaves the house",
            "Rules": [
                {
                    "ActionParameters": ["GenerateIncidentReport:SiteAdmin"] if severe else [],
                    "Actions": ["BlockAccess", "NotifyUser"] if severe else ["NotifyUser"],
                    "ConditionsMatched": {
                        "SensitiveInformation": [
                            {"Confidence": 85, "Count": 12 if severe else 1, "SensitiveType": scene.guid()}
                        ]
                    },
                    "RuleId": scene.guid(),
                    "RuleMode": "Enable",
                    "RuleName": "Many numbers" if severe else "A few numbers",
                    "Severity": "High" if severe else "Low",
                }
            ],
        }
    ]


def _match(scene: Scene, record_type: int, workload: str, operation: str = "DlpRuleMatch") -> Json:
    record = ual(
        scene,
        operation,
        record_type,
        workload,
        user_id="DlpAgent" if record_type == 13 else None,
        user_key="DlpAgent",
        user_type=4,
        object_id=scene.guid(),
    )
    record |= {"IncidentId": scene.guid(), "PolicyDetails": _policy(scene), "SensitiveInfoDetectionIsIncluded": False}
    return record


def file_match(scene: Scene) -> Json:
    """A document matches; one operation name is written in two ways (`DLPRuleMatch`, `DlpRuleMatch`)."""
    record = _match(scene, 11, "SharePoint", scene.rng.choice(("DlpRuleMatch", "DLPRuleMatch")))
    name = scene.rng.choice(FILE_NAMES)
    record["SharePointMetaData"] = {
        "FileName": name,
        "FileOwner": scene.who.name,
        "FilePathUrl": f"{scene.tenant.sites[0].url}/Shared%20Documents/{name.replace(' ', '%20')}",
        "From": scene.who.upn.upper(),
        "ItemCreationTime": ual_time(scene.at),
        "SiteCollectionUrl": scene.tenant.sites[0].url,
    }
    return record


def mail_match(scene: Scene) -> Json:
    """A message matches."""
    record = _match(scene, 13, "Exchange")
    record["ExchangeMetaData"] = {
        "BCC": [],
        "CC": [],
        "FileSize": scene.rng.randrange(3_000, 90_000),
        "From": scene.who.upn,
        "MessageID": f"<{scene.rng.getrandbits(96):024X}@mail.example>",
        "RecipientCount": 1,
        "Sent": ual_time(scene.at),
        "Subject": scene.rng.choice(SUBJECTS),
        "To": ["orders@supplier.example"],
        "UniqueID": scene.guid(),
    }
    return record


def endpoint_match(scene: Scene) -> Json:
    """A file copied to a removable drive."""
    record = _match(scene, 63, "Endpoint")
    record["EndpointMetaData"] = {"DeviceName": scene.device.name, "EnforcementMode": 1, "FileExtension": "xlsx"}
    return record


def undo(match: Json, *, at: str) -> Json:
    """The undo of a match: the *same* Id with another operation, which is why identity needs both."""
    record = dict(match)
    record |= {"CreationTime": at, "Operation": "DlpRuleUndo", "ExceptionInfo": {"Reason": "FalsePositive"}}
    return record


BENIGN: tuple[tuple[float, Builder, bool], ...] = (
    (5, file_match, False),
    (3, mail_match, False),
    (2, endpoint_match, False),
)

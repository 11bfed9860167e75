"""Unified audit, content type Audit.General: Teams, the compliance centre, Power BI, Forms, Yammer, quarantine."""

# ruff: noqa: PLR2004 - the numbers are shares and rates of invented traffic

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import orjson

from aoc_sim.records.base import named, ual, ual_time, us_time
from aoc_sim.vocabulary import TEAMS

if TYPE_CHECKING:
    from aoc_sim.records.base import Builder, Json, Scene


def teams(scene: Scene, operation: str) -> Json:
    """A Teams record; ExtraProperties is a list of Key and Value."""
    record = ual(scene, operation, 25, "MicrosoftTeams", user_key=scene.who.id, ip=scene.ip)
    record["ExtraProperties"] = [
        {"Key": "TimeZone", "Value": str(scene.place.zone)},
        {"Key": "OsName", "Value": scene.device.system.lower()},
        {"Key": "Country", "Value": scene.place.country.lower()},
    ]
    return record


def session_started(scene: Scene) -> Json:
    """`TeamsSessionStarted`; the object is the client."""
    record = teams(scene, "TeamsSessionStarted")
    record["ObjectId"] = "Teams Desktop"
    return record


def message(scene: Scene) -> Json:
    """`MessageSent`, `MessageUpdated`, `MessageRead` or `ReactedToMessage` in a chat."""
    record = teams(
        scene, scene.rng.choice(("MessageSent", "MessageSent", "MessageRead", "MessageUpdated", "ReactedToMessage"))
    )
    other = scene.other()
    record["ChatThreadId"] = f"19:{scene.who.id}_{other.id}@unq.gbl.spaces"
    record["CommunicationType"] = "OneOnOne"
    record["MessageId"] = str(int(scene.at.timestamp() * 1000))
    record["ParticipantInfo"] = {"HasForeignTenantUsers": False, "HasGuestUsers": False, "ParticipatingTenantIds": []}
    record["ItemName"] = record["ChatThreadId"]
    return record


def chat_created(scene: Scene) -> Json:
    """`ChatCreated`."""
    record = teams(scene, "ChatCreated")
    record["ChatThreadId"] = record["ItemName"] = f"19:{scene.rng.getrandbits(128):032x}@thread.v2"
    record["CommunicationType"] = "GroupChat"
    record["ParticipantInfo"] = {"HasForeignTenantUsers": False, "HasGuestUsers": False, "HasOtherGuestUsers": False}
    record["ResourceTenantId"] = scene.tenant.tenant_id
    record["Members"] = [
        {"DisplayName": p.name, "Role": 1, "UPN": p.upn, "OrganizationId": scene.tenant.tenant_id}
        for p in (scene.who, scene.other())
    ]
    return record


def member_added(scene: Scene) -> Json:
    """`MemberAdded` by the synchronisation: the user is a service's name, there is no address."""
    record = ual(
        scene, "MemberAdded", 25, "MicrosoftTeams", user_id="Microsoft Teams Sync", user_key=scene.guid(), user_type=5
    )
    other = scene.other()
    team = scene.rng.choice(TEAMS)
    record |= {
        "AADGroupId": scene.rng.choice(scene.tenant.groups).id,
        "CommunicationType": "Team",
        "ExtraProperties": [],
        "Members": [{"DisplayName": other.name, "Role": 1, "UPN": other.upn}],
        "TeamGuid": f"19:{scene.rng.getrandbits(128):032x}@thread.tacv2",
        "ItemName": team,
        "TeamName": team,
    }
    return record


def meeting(scene: Scene) -> Json:
    """`MeetingParticipantDetail`: times as text."""
    record = teams(scene, "MeetingParticipantDetail")
    record["Attendees"] = [{"UPN": scene.other().upn, "Role": 1}]
    record["JoinTime"] = ual_time(scene.at - timedelta(minutes=30))
    record["LeaveTime"] = ual_time(scene.at)
    record["MeetingDetailId"] = scene.guid()
    return record


def compliance_cmdlet(scene: Scene) -> Json:
    """A cmdlet in the compliance centre: Parameters is *one string*, a command line."""
    operation = scene.rng.choice(("Get-DlpCompliancePolicy", "Get-RetentionCompliancePolicy", "Get-ComplianceTag"))
    record = ual(
        scene,
        operation,
        18,
        "SecurityComplianceCenter",
        user_key=scene.who.upn,
        user_type=2,
        result="Success",
        object_id="",
    )
    record |= {
        "SecurityComplianceCenterEventType": 0,
        "ClientApplication": "EMC",
        "CmdletVersion": "...",
        "EffectiveOrganization": scene.tenant.domain,
        "NonPIIParameters": '-ResultSize "<SNIP>"',
        "Parameters": f'-ResultSize "100" -Identity "{scene.who.alias}"',
        "StartTime": ual_time(scene.at),
        "UserServicePlan": "",
    }
    return record


def alert_generated(scene: Scene) -> Json:
    """`AlertEntityGenerated`: JSON in the string `Data`."""
    upn = scene.who.upn
    record = ual(
        scene,
        "AlertEntityGenerated",
        40,
        "SecurityComplianceCenter",
        user_id="SecurityComplianceAlerts",
        user_key="SecurityComplianceAlerts",
        user_type=4,
        result="Succeeded",
        object_id=upn,
    )
    data = {"etype": "User", "eid": upn, "ts": ual_time(scene.at) + ".0000000Z", "op": "UserSubmission", "ssic": "0"}
    record |= {
        "AlertEntityId": upn,
        "AlertId": scene.guid(),
        "AlertLinks": [{"AlertLinkHref": ""}],
        "AlertType": "System",
        "Category": "ThreatManagement",
        "Comments": "New alert",
        "Data": orjson.dumps(data).decode(),
        "EntityType": "User",
        "Name": "A user reported a message",
        "PolicyId": scene.guid(),
        "Severity": "Low",
        "Source": "Office 365 Security & Compliance",
        "Status": "Active",
    }
    return record


def investigation(scene: Scene) -> Json:
    """`AirInvestigationData`: a list of strings that are JSON each."""
    record = ual(
        scene,
        "AirInvestigationData",
        64,
        "AirInvestigation",
        user_id="AirInvestigation",
        user_key="AirInvestigation",
        user_type=4,
        object_id=scene.guid(),
    )
    action = {"$id": "1", "ActionId": f"urn:EmailZapper:{scene.rng.getrandbits(128):032x}", "ActionStatus": "Pending"}
    data = {"Version": "3.0", "InvestigationStatus": "Running", "Entities": [{"$id": "2", "Recipient": scene.who.upn}]}
    record |= {
        "Actions": [orjson.dumps(action).decode()],
        "Data": orjson.dumps(data).decode(),
        "InvestigationId": f"urn:ZappedUrlInvestigation:{scene.rng.getrandbits(128):032x}",
        "InvestigationName": "Mail with a link that was removed later",
        "InvestigationType": "ZappedUrlInvestigation",
        "StartTimeUtc": ual_time(scene.at - timedelta(minutes=3)),
        "LastUpdateTimeUtc": ual_time(scene.at),
        "Status": "Running",
    }
    return record


def report_viewed(scene: Scene) -> Json:
    """Power BI `ViewReport`."""
    record = ual(scene, "ViewReport", 20, "PowerBI", ip=scene.ip)
    record |= {
        "UserAgent": scene.device.user_agent,
        "Activity": "ViewReport",
        "ItemName": "Margins",
        "WorkSpaceName": "Finance",
        "DatasetName": "Margins",
        "ReportName": "Margins",
        "ReportId": scene.guid(),
        "DatasetId": scene.guid(),
        "WorkspaceId": scene.guid(),
        "CapacityName": "Shared",
        "ReportType": "PowerBIReport",
        "DistributionMethod": "Shared",
        "IsSuccess": True,
        "RequestId": scene.guid(),
        "ActivityId": "00000000-0000-0000-0000-000000000000",
        "ConsumptionMethod": "Power BI Web",
    }
    return record


def form_edited(scene: Scene) -> Json:
    """Forms `EditForm`: parameters are JSON in a string."""
    record = ual(scene, "EditForm", 66, "MicrosoftForms", ip=scene.ip, object_id=scene.guid())
    record |= {"ActivityParameters": '{"ResponseId":""}', "FormName": "Lunch poll", "FormType": 1}
    record["FormsUserType"] = 0
    record |= {"FormId": record["ObjectId"], "SourceApp": "Forms"}
    return record


def yammer_file(scene: Scene) -> Json:
    """Yammer `FileVisited`: the address is a GUID in this workload's odd records."""
    ip = scene.guid() if scene.rng.random() < 0.2 else scene.ip
    record = ual(scene, "FileVisited", 22, "Yammer", result="TRUE", ip=ip, object_id="canteen menu.pdf")
    record |= {"ActorUserId": scene.who.upn, "YammerNetworkId": scene.rng.getrandbits(24)}
    record |= {"ActorYammerUserId": scene.rng.getrandbits(40), "FileId": scene.rng.getrandbits(32), "VersionId": 1}
    record["FileName"] = "canteen menu.pdf"
    return record


def quarantine(scene: Scene) -> Json:
    """`QuarantineReleaseMessage` by the system: ResultStatus is `Successful` here."""
    record = ual(
        scene,
        "QuarantineReleaseMessage",
        65,
        "Quarantine",
        user_id="System release",
        user_key="Quarantine",
        user_type=4,
        result="Successful",
    )
    record |= {"NetworkMessageId": scene.guid(), "ReleaseTo": scene.who.upn, "RequestType": 2}
    return record


def threat_mail(scene: Scene) -> Json:
    """`TIMailData`: a mail that was filtered."""
    record = ual(
        scene,
        "TIMailData",
        28,
        "ThreatIntelligence",
        user_id="ThreatIntel",
        user_key="ThreatIntel",
        user_type=4,
        object_id=scene.guid() + str(scene.rng.getrandbits(60)),
    )
    record |= {
        "AttachmentData": [],
        "NetworkMessageId": scene.guid(),
        "InternetMessageId": f"<{scene.rng.getrandbits(96):024X}@parcels.example>",
        "SenderIp": "203.0.113.9",
        "P2Sender": "Parcels <noreply@parcels.example>",
        "Policy": "Phish",
        "PolicyAction": "MoveToQuarantine",
        "DetectionMethod": "Spoof intra-org",
        "DetectionType": "Inline",
        "MessageTime": ual_time(scene.at - timedelta(seconds=40)),
        "P1Sender": "noreply@parcels.example",
        "Recipients": [scene.who.upn],
        "Subject": "Your parcel",
        "Verdict": "Phish",
    }
    return record


def skype_cmdlet(scene: Scene) -> Json:
    """A Teams cmdlet under the old workload's name: the user is the tenant's GUID, the key a SID."""
    record = ual(
        scene,
        "Get-CsTeamsUpgradeOverridePolicy",
        23,
        "SkypeForBusiness",
        user_id=scene.tenant.tenant_id,
        user_key="S-1-5-20",
        user_type=2,
        result="Succeeded",
    )
    record |= {"SkypeForBusinessEventType": 2, "TenantName": scene.tenant.tenant_id, "CmdletVersion": "7.0.3100.1"}
    record["Parameters"] = named([("Tenant", scene.tenant.tenant_id), ("Identity", "Global")])
    return record


def insights_search(scene: Scene) -> Json:
    """`Search` in the insights service: the user is a GUID, a count is a string."""
    record = ual(scene, "Search", 52, "SecurityComplianceCenter", user_id=scene.who.id)
    record |= {"DataType": "TrialOffer", "DatabaseType": "Directory", "ResultCount": "1"}
    record["RelativeUrl"] = f"/insights/find/TrialOffer?tenantid={scene.tenant.tenant_id}&since={us_time(scene.at)}"
    return record


BENIGN: tuple[tuple[float, Builder, bool], ...] = (
    (20, session_started, False),
    (45, message, False),
    (4, chat_created, False),
    (3, member_added, True),
    (10, meeting, False),
    (4, compliance_cmdlet, True),
    (2, alert_generated, False),
    (0.7, investigation, False),
    (5, report_viewed, False),
    (1, form_edited, False),
    (1, yammer_file, False),
    (1, quarantine, False),
    (2, threat_mail, False),
    (1, skype_cmdlet, True),
    (2, insights_search, True),
)

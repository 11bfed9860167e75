"""Teams, Power Platform, Copilot, data loss prevention in the unified log."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def event(operation: str, workload: str, **more) -> Event:
    record = {
        "Id": "g-1",
        "CreationTime": "2026-11-23T07:30:00",
        "Operation": operation,
        "RecordType": 25,
        "Workload": workload,
        "UserId": "dana@contoso.example",
        **more,
    }
    made = normalise(orjson.dumps(record), RecordContext("contoso", "o365-general", NOW))
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    return made


@each(
    ("operation", "workload", "more", "message"),
    [
        ("TeamCreated", "MicrosoftTeams", {"TeamName": "Plant"}, "created team Plant"),
        (
            "ChannelAdded",
            "MicrosoftTeams",
            {"TeamName": "Plant", "TeamGuid": "t", "ChannelName": "Shifts", "ChannelGuid": "c"},
            "added channel Shifts",
        ),
        (
            "MemberRoleChanged",
            "MicrosoftTeams",
            {"TeamName": "Plant", "Members": [{"UPN": "kim@x.example", "Role": 1}]},
            "changed the role in team Plant of kim@x.example (owner)",
        ),
        ("AppInstalled", "MicrosoftTeams", {"AddOnName": "Polls", "TeamName": "Plant"}, "installed app Polls"),
        ("ExportReport", "PowerBI", {"ReportName": "Sales", "WorkSpaceName": "Board"}, "exported report Sales"),
        (
            "PublishToWebReport",
            "PowerBI",
            {"ItemName": "Sales", "ReportName": "Sales"},
            "published report Sales to the web",
        ),
        (
            "CreateFlow",
            "MicrosoftFlow",
            {"FlowDetailsUrl": "https://make.example/environments/e/flows/f-1/details"},
            "created flow f-1",
        ),
        ("LaunchPowerApp", "PowerApps", {"AppName": "Orders"}, "started app Orders"),
        ("CopilotInteraction", "Copilot", {"CopilotEventData": {"AppHost": "Word"}}, "asked Copilot in Word"),
        ("TeamSettingChanged", "MicrosoftTeams", {"TeamName": "Plant"}, "changed settings of team Plant"),
        ("CreateForm", "MicrosoftForms", {"FormName": "Lunch", "FormId": "f"}, "created form Lunch"),
    ],
)
def test_a_sentence_names_what_it_is_about(operation, workload, more, message, ocsf_faults) -> None:
    made = event(operation, workload, **more)

    assert ocsf_faults(made) == []
    assert made.ocsf["message"] == f"dana@contoso.example {message}"


def test_what_copilot_read_can_be_found(ocsf_faults) -> None:
    asked = {"AppHost": "Word", "AccessedResources": [{"Name": "Salaries.xlsx", "ID": "i-1"}, None, {}]}
    made = event("CopilotInteraction", "Copilot", CopilotEventData=asked)

    assert ocsf_faults(made) == []
    assert {"salaries", "xlsx"} <= set(made.terms)


def test_a_setting_s_old_and_new_value_are_kept(ocsf_faults) -> None:
    made = event(
        "TeamsTenantSettingChanged",
        "MicrosoftTeams",
        Name="AllowGuestAccess",
        ModifiedProperties=[{"Name": "Enabled", "OldValue": "false", "NewValue": "true"}],
    )

    assert ocsf_faults(made) == []
    assert made.ocsf["api"]["request"]["data"]["changes"] == [{"name": "Enabled", "old": "false", "new": "true"}]


def test_more_members_than_are_looked_at_are_said_to_be_missing() -> None:
    made = event(
        "MemberAdded", "MicrosoftTeams", TeamName="All", Members=[{"UPN": f"u{n}@x.example"} for n in range(60)]
    )

    assert "truncated" in made.tags
    assert "u0@x.example, u1@x.example, u2@x.example and 47 more" in made.ocsf["message"]


def test_a_data_loss_match_says_whose_mail_what_was_found_and_what_was_done(ocsf_faults) -> None:
    rule = {
        "RuleName": "Many cards",
        "Severity": "High",
        "Actions": ["BlockAccess", "NotifyUser"],
        "ConditionsMatched": {
            "SensitiveInformation": [{"SensitiveInformationTypeName": "Credit Card Number", "Count": 12}]
        },
    }
    made = event(
        "DlpRuleMatch",
        "Exchange",
        UserId="DlpAgent",
        PolicyDetails=[{"PolicyName": "Cards", "Rules": [rule]}],
        ExchangeMetaData={
            "From": "kim@contoso.example",
            "To": ["out@x.example"],
            "Subject": "List",
            "MessageID": "<1@x>",
        },
    )

    assert ocsf_faults(made) == []
    assert made.actor == "kim@contoso.example"
    assert made.ocsf["message"] == (
        "kim@contoso.example matched data loss rule Many cards with mail List, "
        "found 12 x Credit Card Number; did BlockAccess, NotifyUser"
    )
    assert {"out", "list", "cards"} <= set(made.terms)


def test_an_alert_names_whom_it_is_about(ocsf_faults) -> None:
    made = event(
        "AlertTriggered",
        "SecurityComplianceCenter",
        UserId="SecurityComplianceAlerts",
        AlertId="al-1",
        Name="Creation of forwarding rule",
        Severity="Low",
        Data='{"f3u":"kim@contoso.example"}',
    )

    assert ocsf_faults(made) == []
    assert made.ocsf["message"] == "Alert triggered: Creation of forwarding rule, about kim@contoso.example"
    assert made.actor == "kim@contoso.example"
    assert "kim" in made.terms


@each("odd", [None, 5, "x", [], {}, [None], [{"Rules": 5}], [{"Rules": [{"ConditionsMatched": "x"}]}]])
def test_odd_shapes_cost_nothing_but_themselves(odd, ocsf_faults) -> None:
    for made in (
        event("DlpRuleMatch", "Exchange", PolicyDetails=odd, ExchangeMetaData=odd, SharePointMetaData=odd),
        event("AlertTriggered", "SecurityComplianceCenter", AlertId=odd, Data=odd, Name=odd),
        event("MemberAdded", "MicrosoftTeams", Members=odd, TeamName=odd, ModifiedProperties=odd),
        event("CreateFlow", "MicrosoftFlow", FlowDetailsUrl=odd),
        event("CopilotInteraction", "Copilot", CopilotEventData=odd),
        event("TIMailData", "ThreatIntelligence", Recipients=odd, P2Sender=odd, NetworkMessageId=odd),
    ):
        assert ocsf_faults(made) == []

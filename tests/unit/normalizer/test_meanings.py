"""What operations mean in the service that they are of, and how those that no table has are told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aoc_common.contracts import terms
from aoc_normalizer import operations
from aoc_normalizer.operations import grammar, scopes
from each import each
from made_events import KIM, KIM_ID, SAM, audit, envelope, event_of, message, unified

MEDIUM, HIGH, CRITICAL = 3, 4, 5


def finds(query: str, found: tuple[str, ...]) -> bool:
    return set(terms.query_terms(query)) <= set(found)


# The same operation in another service


@each(
    ("operation", "workload", "record_type", "more", "words"),
    [
        ("MessageDeleted", "Yammer", 22, {}, "deleted a Viva Engage message"),
        ("MessageDeleted", "MicrosoftTeams", 25, {}, "deleted a Teams message"),
        ("MessageUpdated", "Yammer", 22, {}, "edited a Viva Engage message"),
        ("GroupCreation", "Yammer", 22, {"GroupName": "Sales"}, "created Viva Engage community Sales"),
        ("FileDeleted", "Yammer", 22, {"ObjectId": "a.txt"}, "deleted file a.txt from Viva Engage"),
        ("Create", "Exchange", 2, {"MailboxOwnerUPN": SAM}, f"created an item in {SAM}"),
        ("Create", "Dynamics365", 21, {"EntityName": "account", "EntityId": "e-1"}, "created account e-1"),
        ("Update", "Dynamics365", 21, {"EntityName": "contact", "EntityId": "e-1", "PrimaryFieldValue": "Sam"},
         "changed contact Sam"),
        ("Delete", "Dynamics365", 21, {"EntityName": "lead", "EntityId": "e-1", "InstanceUrl": "https://org1.crm.example/"},
         "deleted lead e-1 in org1.crm.example"),
        ("RetrieveMultiple", "Dynamics365", 21, {"EntityName": "account"}, "read rows of account"),
        ("Create", "Dynamics365", 21, {}, "created a row"),
        ("FileDeleted", "SharePoint", 6, {"SourceFileName": "a.txt"}, "deleted file a.txt"),
        ("FileDeleted", "Endpoint", 63, {"ObjectId": "C:\\a.txt"}, "deleted file C:\\a.txt on a device"),
        ("FileCopiedToRemovableMedia", "Endpoint", 63, {"ObjectId": "C:\\a.txt"},
         "copied file C:\\a.txt to removable media"),
    ],
)  # fmt: skip
def test_an_operation_is_that_of_its_service(operation, workload, record_type, more, words, ocsf_faults):
    made = event_of(unified(operation, workload, record_type, **more))

    assert made.ocsf["message"] == f"{KIM} {words}"
    assert ocsf_faults(made) == []


@each(
    ("workload", "record_type", "words"),
    [
        ("Planner", 188, "created {}"),
        ("SecurityComplianceCenter", 52, "created {}"),
        ("Exchange", 2, "created an item in {}"),
        ("Dynamics365", 21, "created row {}"),
        ("Zukunft", 99_999, "created {}"),
    ],
)
def test_a_plain_verb_is_no_other_services_operation(workload, record_type, words):
    made = event_of(unified("Create", workload, record_type, ObjectId="Board", EntityId="Board", EntityName="row"))

    assert (made.ocsf["message"], made.tags) == (f"{KIM} {words.format('Board')}", ())


def test_a_record_type_tells_where_a_workload_does_not():
    record = unified("MessageDeleted", record_type=22)
    del record["Workload"]

    assert message(record) == f"{KIM} deleted a Viva Engage message"


@each("module", operations.MODULES)
def test_every_table_has_a_service_whose_records_are_looked_up_there(module):
    assert any(module in modules for modules in scopes.SCOPES.values())


@each(
    ("name", "meaning"), [(name, meaning) for table in operations.MODULES.values() for name, meaning in table.items()]
)
def test_an_operation_is_listed_as_it_is_looked_up_and_its_words_are_well_formed(name, meaning):
    assert operations.key(name) == name
    for phrase in filter(None, (meaning.phrase, meaning.otherwise)):
        names = dict.fromkeys(
            ("target", "second", "user", "group", "role", "device", "application", "service principal", "permission",
             "administrative unit", "members", "member", "artifact", "workspace", "entity", "level", "read",
             "item"), "X"
        )  # fmt: skip
        assert "{" not in phrase.format_map(names)


# Operations of great weight


def test_whoever_elevates_access_to_azure_is_an_administrator_of_everything(ocsf_faults):
    activity = "User has elevated their access to User Access Administrator for their Azure Resources"
    record = audit(activity, loggedByService="Azure RBAC (Elevated Access)")
    made = event_of(envelope("AuditLogs", record))

    assert (made.class_uid, made.ocsf["severity_id"]) == (3005, CRITICAL)
    assert made.ocsf["message"] == "Kim Vale gave themselves User Access Administrator over all Azure resources"
    assert ocsf_faults(made) == []


@each(("severity", "level"), [("Low", 2), ("Medium", 3), ("High", 4), ("Odd", 3), (None, 3)])
@each("operation", ["MCAS_ALERT_ANUBIS_DETECTION_VELOCITY", "MCAS_ALERT_CABINET_EVENT_MATCH_AUDIT"])
def test_an_alert_of_defender_for_cloud_apps_is_a_finding(operation, severity, level, ocsf_faults):
    made = event_of(
        unified(operation, "MCAS", 98, ResultStatus="New", AlertDisplayName="Impossible travel", AlertSeverity=severity,
                AlertDescription="Two places in one hour", ClientIPs=["203.0.113.9"], ObjectId="a-1",
                Applications=[{"Name": "SharePoint"}])
    )  # fmt: skip

    assert (made.class_uid, made.ocsf["severity_id"]) == (2004, level)
    assert made.ocsf["finding_info"]["title"] == "Impossible travel"
    assert made.ocsf["message"] == f"Alert: Impossible travel ({KIM})"
    assert finds("impossible travel", made.terms)
    assert finds("two places", made.terms)
    assert ocsf_faults(made) == []


def test_an_alert_without_its_fields_is_a_finding_still():
    assert event_of(unified("MCAS_ALERT_X", "MCAS", 98)).class_uid == 2004
    assert event_of(unified("MCAS_ALERT_X", "Yammer", 22)).class_uid == 6003


DATA = {"etype": "User", "eid": SAM, "tsd": "Evil Sender <evil@bad.example>", "sip": "203.0.113.50", "trc": SAM,
        "ms": "Invoice 77 overdue", "op": "UserSubmission"}  # fmt: skip


def alert(data: Any = DATA, **more: Any) -> dict[str, Any]:
    return unified("AlertEntityGenerated", "SecurityComplianceCenter", 40, UserId="SecurityComplianceAlerts",
                   UserType=4, AlertId="a-1", Name="Mail reported as phish", Severity="Low",
                   AlertEntityId="evil@bad.example", EntityType="MalwareFamily", Data=data, **more)  # fmt: skip


def test_an_alert_about_a_mail_names_who_got_it_who_sent_it_and_what_it_was(ocsf_faults):
    made = event_of(alert())
    observed = {one["value"] for one in made.ocsf["observables"]}

    assert (made.class_uid, made.actor, made.ip) == (2004, SAM, "203.0.113.50")
    assert {SAM, "evil@bad.example"} <= observed
    assert finds("invoice 77 overdue", made.terms)
    assert finds("203.0.113.50", made.terms)
    assert "about sam@contoso.example" in made.ocsf["message"]
    assert ocsf_faults(made) == []


@each("data", [None, "", "{", [], 7, {"eid": "https://bad.example/x", "etype": "MaliciousUrl"}])
def test_an_alert_without_people_is_about_its_entity(data):
    made = event_of(alert(data))

    assert made.class_uid == 2004
    assert made.actor == "evil@bad.example"


def test_a_threat_in_a_file_was_not_found_by_who_changed_the_file():
    made = event_of(unified("AtpDetection", "ThreatIntelligence", 47, FileData={"FileName": "a.exe", "SHA256": "0" * 64,
                                                                              "MalwareFamily": "Vortex"}))  # fmt: skip

    assert made.ocsf["message"] == f"Threat found in file a.exe, last changed by {KIM}: Vortex"


def test_an_artifact_of_fabric_is_called_by_its_kind_its_name_and_its_place():
    made = event_of(unified("CreateArtifact", "PowerBI", 20, ResultStatus="InProgress", ObjectDisplayName="Lake 1",
                            ObjectType="Lakehouse", WorkspaceName="Finance", ObjectId="o-1"))  # fmt: skip

    assert made.ocsf["message"] == f"{KIM} created lakehouse Lake 1, in workspace Finance"
    assert made.result == "unknown"
    assert finds("lake finance", made.terms)
    assert message(unified("CreateArtifact", "PowerBI", 20)) == f"{KIM} created an artifact"


# Operations that no table has


@each(
    ("operation", "words", "otherwise"),
    [
        ("Set-MailboxPlan", "changed mailbox plan {target}", "changed the mailbox plan"),
        ("New-OwaMailboxPolicy", "created OWA mailbox policy {target}", "created an OWA mailbox policy"),
        ("Get-DlpCompliancePolicy", "read DLP compliance policy {target}", "read the DLP compliance policy"),
        ("Get-CsTeamsUpgradePolicy", "read Teams upgrade policy {target}", "read the Teams upgrade policy"),
        ("Remove-UnifiedGroup", "removed unified group {target}", "removed a unified group"),
        ("ListUpdated", "changed list {target}", "changed the list"),
        ("SearchDataInsightsSubscription", "searched data insights subscription {target}",
         "searched data insights subscription"),
        ("GroupLifecyclePolicies_Get", "read group lifecycle policies {target}", "read group lifecycle policies"),
        ("Create CloudPcUserSetting", "created cloud PC user setting {target}", "created a cloud PC user setting"),
        ("POST AuthMethod.Callback", "called AuthMethod.Callback for {target}", "called AuthMethod.Callback"),
        ("Approved", "approved {target}", "approved something"),
        ("Enable-AddressListPaging", "enabled address list paging {target}", "enabled address list paging"),
        ("Delete policy", "deleted policy {target}", "deleted a policy"),
    ],
)  # fmt: skip
def test_a_verb_and_a_noun_are_told_in_words(operation, words, otherwise):
    assert grammar.of(operation) == (words, otherwise)


@each(
    "operation",
    ["", "Do a thing", "Compliance", "X", "Set {target}", "Set-{0}", "Add member\nto role", "7 things added",
     "Microsoft.Authorization/policies/audit/action", "A" * 200, "Set-" + "A" * 100, "ist geändert"],
)  # fmt: skip
def test_what_is_no_verb_and_noun_is_told_as_it_is(operation):
    assert grammar.of(operation) is None


@given(st.text(max_size=100) | st.from_regex(r"[A-Za-z -]{0,90}", fullmatch=True))
def test_the_words_of_an_operation_hold_no_names_but_the_target(operation):
    found = grammar.of(operation)
    if found is not None:
        assert "{" not in found.phrase.replace("{target}", "", 1)
        assert "{" not in found.otherwise
        assert len(found.phrase) <= 2 * len(operation) + 40


def test_an_operation_of_another_service_has_no_words():
    made = event_of(unified("Set-TransportRule", "Yammer", 22, ObjectId="x"))

    assert made.ocsf["message"] == f"{KIM} ran Set-TransportRule on x"
    assert "foreign-operation" in made.tags


@pytest.mark.parametrize("target", [{}, {"ObjectId": "Default"}])
def test_a_sentence_of_a_cmdlet_has_its_parameters(target):
    made = message(unified("Set-MailboxPlan", "Exchange", 1, **target, Parameters=[{"Name": "Quota", "Value": "1 GB"}]))

    assert made == f"{KIM} changed {'mailbox plan Default' if target else 'the mailbox plan'}, setting Quota to 1 GB"


# Provisioning and risk, in small letters (Graph) and in capitals (diagnostics)


def capitals(value: Any, names: tuple[str, ...] = ("id", "displayName", "status", "initiatorType")) -> Any:
    spelt = {"displayName": "Name", "id": "Id", "status": "Status", "initiatorType": "Type"}
    if isinstance(value, dict):
        return {spelt[name] if name in names else name: capitals(inner) for name, inner in value.items()}
    return value


def provisioning(status: str, **more: Any) -> dict[str, Any]:
    parts = {
        "servicePrincipal": {"id": "sp-1", "displayName": "Dropbox Business"},
        "sourceSystem": {"id": "s", "displayName": "Entra ID"},
        "targetSystem": {"id": "t", "displayName": "Dropbox"},
        "initiatedBy": {"id": "", "displayName": "Provisioning Service", "initiatorType": "system"},
        "sourceIdentity": {"id": KIM_ID, "displayName": "Kim", "identityType": "User",
                           "details": {"UserPrincipalName": KIM.upper()}},
        "targetIdentity": {"id": "", "displayName": "", "identityType": "User", "details": {}},
        "provisioningStatusInfo": {"status": status, "errorInformation": None},
    }  # fmt: skip
    return {"id": "p-1", "activityDateTime": "2026-11-23T07:30:00Z", "cycleId": "c", "provisioningAction": "create",
            "provisioningSteps": [], "modifiedProperties": [], **parts, **more}  # fmt: skip


@each("large", [False, True])
@each(
    ("status", "more", "result", "sentence"),
    [
        ("success", {}, "success", "Provisioning Service created Kim from Entra ID in Dropbox"),
        ("skipped", {}, "success", "Skipped: Provisioning Service created Kim from Entra ID in Dropbox"),
        ("failure", {"provisioningStatusInfo": {"status": "failure", "errorInformation": {"reason": "twice"}}},
         "failure", "Failed: Provisioning Service created Kim from Entra ID in Dropbox: twice"),
        ("failure", {"provisioningSteps": [{"name": "Export", "description": "no family name"}]},
         "failure", "Failed: Provisioning Service created Kim from Entra ID in Dropbox: no family name"),
    ],
)  # fmt: skip
def test_provisioning_reads_the_same_in_either_spelling(status, more, result, sentence, large, ocsf_faults):
    record = provisioning(status, **more)
    if large:
        record = envelope("ProvisioningLogs", {name: capitals(part) for name, part in record.items()}, resultType="")
    made = event_of(record)

    assert (made.class_uid, made.result) == (3001, result)
    assert made.ocsf["message"] == sentence
    assert (made.ocsf["user"]["name"], made.ocsf["user"]["email_addr"]) == ("Kim", KIM)
    assert made.ocsf["actor"]["app_name"] == "Dropbox Business"
    assert ocsf_faults(made) == []


def test_provisioning_of_somebody_without_a_name_says_so():
    record = provisioning("success", sourceIdentity={"identityType": "User"}, targetIdentity={"identityType": "User"})

    assert message(record) == "Provisioning Service created an unnamed user from Entra ID in Dropbox"


RISK = {"id": "r-1", "riskLevel": "high", "riskState": "atRisk", "detectedDateTime": "2026-11-23T07:30:00Z"}


@each(
    ("more", "who", "uid"),
    [
        ({"riskEventType": "suspiciousSignins", "servicePrincipalId": "sp-1", "servicePrincipalDisplayName": "Ledger"},
         "Ledger", "sp-1"),
        ({"riskEventType": "leakedCredentials", "servicePrincipalId": "sp-1"}, "sp-1", "sp-1"),
        ({"servicePrincipalType": "Application", "displayName": "Ledger", "appId": "a-1"}, "Ledger", "r-1"),
        ({"riskEventType": "unlikelyTravel", "userId": KIM_ID, "userPrincipalName": KIM, "userDisplayName": "Kim Vale"},
         "Kim Vale", KIM_ID),
        ({"riskEventType": "unlikelyTravel"}, "a user", None),
    ],
)  # fmt: skip
@each("wrapped", [False, True])
def test_risk_is_that_of_a_person_or_of_an_application(more, who, uid, wrapped, ocsf_faults):
    record = {**RISK, **more}
    made = event_of(envelope("ServicePrincipalRiskEvents", record) if wrapped else record)

    assert made.ocsf["message"].startswith(f"Risk of {who}: ")
    if uid is not None:
        assert made.ocsf["evidences"][0]["actor"]["user"]["uid"] == uid
        assert finds(uid, made.terms)
    assert ocsf_faults(made) == []

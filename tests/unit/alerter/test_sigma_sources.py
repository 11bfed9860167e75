"""One rule matches the same action whichever interface it came by: records in Microsoft's shapes through our mapper."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from aoc_rules.sigma import log_sources
from aoc_rules.sigma.ruleset import RuleSet
from each import each
from sigma_rules import fires, rule_on

NOW = datetime(2026, 11, 27, tzinfo=UTC)
WHEN = "2026-11-20T10:00:00Z"
ROLE = [{"displayName": "Role.DisplayName", "oldValue": None, "newValue": '"Global Administrator"'}]
CHANGE = {
    "id": "Directory_1_ABC_1", "category": "RoleManagement", "correlationId": "c-1", "result": "success",
    "activityDisplayName": "Add member to role", "activityDateTime": WHEN, "loggedByService": "Core Directory",
    "initiatedBy": {"user": {"userPrincipalName": "admin@contoso.example", "ipAddress": "192.0.2.1"}},
    "targetResources": [{"type": "User", "userPrincipalName": "sam@contoso.example", "modifiedProperties": ROLE}],
}  # fmt: skip
UNIFIED_CHANGE = {
    "CreationTime": "2026-11-20T10:00:00", "Id": "1f0b1f0e-0000-4000-8000-000000000001",
    "Operation": "Add member to role.",
    "RecordType": 8, "ResultStatus": "Success", "UserType": 0, "Workload": "AzureActiveDirectory", "Version": 1,
    "UserId": "admin@contoso.example", "ObjectId": "sam@contoso.example", "AzureActiveDirectoryEventType": 1,
    "ModifiedProperties": [{"Name": "Role.DisplayName", "NewValue": '"Global Administrator"', "OldValue": ""}],
    "Target": [{"ID": "sam@contoso.example", "Type": 5}],
}  # fmt: skip
MONITOR_CHANGE = {
    "time": WHEN, "category": "AuditLogs", "operationName": "Add member to role", "operationVersion": "1.0",
    "resourceId": "/tenants/t/providers/Microsoft.aadiam", "tenantId": "t", "properties": CHANGE,
}  # fmt: skip
SIGN_IN = {
    "id": "s-1", "createdDateTime": WHEN, "userPrincipalName": "sam@contoso.example", "appId": "a-1",
    "appDisplayName": "Azure Portal", "ipAddress": "192.0.2.9", "clientAppUsed": "Browser", "isInteractive": True,
    "conditionalAccessStatus": "failure", "status": {"errorCode": 53003, "failureReason": "Blocked by policy"},
    "location": {"city": "Utrecht", "countryOrRegion": "NL"}, "userAgent": "curl/8",
}  # fmt: skip
MONITOR_SIGN_IN = {
    "time": WHEN, "category": "SignInLogs", "operationName": "Sign-in activity", "resultType": "53003",
    "resultDescription": "Blocked by policy", "callerIpAddress": "192.0.2.9", "location": "NL",
    "resourceId": "/tenants/t/providers/Microsoft.aadiam", "tenantId": "t", "properties": SIGN_IN,
}  # fmt: skip
UNIFIED_SIGN_IN = {
    "CreationTime": "2026-11-20T10:00:00", "Id": "1f0b1f0e-0000-4000-8000-000000000002",
    "Operation": "UserLoginFailed",
    "RecordType": 15, "ResultStatus": "Success", "UserType": 0, "Workload": "AzureActiveDirectory", "Version": 1,
    "UserId": "sam@contoso.example", "ClientIP": "192.0.2.9", "ErrorNumber": "53003", "ApplicationId": "a-1",
    "ExtendedProperties": [{"Name": "UserAgent", "Value": "curl/8"}], "AzureActiveDirectoryEventType": 1,
}  # fmt: skip


def event_of(record, source: str = "import") -> dict:
    made = normalise(json.dumps(record).encode(), RecordContext("t", source, NOW))
    assert isinstance(made, Event)
    return json.loads(made.message())


CHANGES = {"graph": CHANGE, "monitor": MONITOR_CHANGE, "unified": UNIFIED_CHANGE}
SIGN_INS = {"graph": SIGN_IN, "monitor": MONITOR_SIGN_IN, "unified": UNIFIED_SIGN_IN}
DIRECTORY = {"product": "azure", "service": "auditlogs"}
ENTRANCE = {"product": "azure", "service": "signinlogs"}
AUDIT = {"product": "m365", "service": "audit"}


@each("way", CHANGES)
@each(
    ("logsource", "search"),
    [
        (DIRECTORY, {"operationName": "Add member to role"}),
        (DIRECTORY, {"properties.message": "Add member to role", "Status": "Success"}),
        (DIRECTORY, {"ActivityDisplayName|startswith": "add member"}),
        (DIRECTORY, {"OperationName|contains|all": ["Add", "member to role"]}),
        (DIRECTORY, {"properties.targetResources|contains": "sam@contoso"}),
        (DIRECTORY, {"TargetResources.modifiedProperties|contains": "Global Administrator"}),
        (DIRECTORY, {"initiatedBy.user.userPrincipalName": "admin@contoso.example"}),
        (DIRECTORY, {"TargetResources.modifiedProperties.Role.DisplayName|contains": "Global Administrator"}),
        (DIRECTORY, {"TargetResources.modifiedProperties.newValue|contains": "Global Administrator"}),
        (AUDIT, {"ModifiedProperties.Role.DisplayName|contains": "Global Administrator"}),
        (AUDIT, {"Operation": "Add member to role.", "Workload": "AzureActiveDirectory"}),
        (AUDIT, {"Operation": "Add member to role", "UserId": "ADMIN@contoso.example", "ResultStatus": "Success"}),
        ({"product": "azure"}, {"operationName": "Add member to role"}),
        ({"product": "aoc", "service": "ocsf"}, {"metadata.event_code": "Add member to role"}),
    ],
)
def test_a_change_of_the_directory_matches_by_every_interface(way, logsource, search) -> None:
    event = event_of(CHANGES[way])

    assert fires(rule_on(search, logsource=logsource), event)
    assert not fires(rule_on({**search, next(iter(search)): "Remove member from role"}, logsource=logsource), event)


@each("way", SIGN_INS)
@each(
    ("logsource", "search"),
    [
        (ENTRANCE, {"ResultType": 53003}),
        (ENTRANCE, {"resultType": "53003", "userPrincipalName": "sam@contoso.example"}),
        (ENTRANCE, {"properties.status.errorCode": 53003}),
        (ENTRANCE, {"Status": "Failure", "callerIpAddress": "192.0.2.9"}),
        (ENTRANCE, {"userAgent|contains": "curl", "ResultType": 53003}),
        (AUDIT, {"Operation": "UserLoginFailed", "ErrorNumber": "53003"}),
        (AUDIT, {"Operation": "UserLoginFailed", "ClientIP|cidr": "192.0.2.0/24"}),
    ],
)
def test_a_sign_in_matches_by_every_interface(way, logsource, search) -> None:
    event = event_of(SIGN_INS[way])

    assert fires(rule_on(search, logsource=logsource), event)
    assert not fires(
        rule_on({**search, "ResultType" if logsource is ENTRANCE else "Operation": "0"}, logsource=logsource), event
    )


@each(("kind", "category"), [("Role", "RoleManagement"), ("ServicePrincipal", "ApplicationManagement")])
def test_the_category_of_a_change_that_the_unified_log_tells_is_graphs(kind, category) -> None:
    others = [{"Name": f"other{number}", "Value": "Group"} for number in range(20)]
    properties = [*others, {"Name": "extendedAuditEventCategory", "Value": kind}]
    event = event_of(UNIFIED_CHANGE | {"ExtendedProperties": properties, "category": None})

    assert fires(rule_on({"category": category}, logsource=DIRECTORY), event)
    assert not fires(rule_on({"category": "GroupManagement"}, logsource=DIRECTORY), event)


def test_a_protocol_is_found_as_the_portal_shows_it_and_an_operation_without_its_trailing_blank() -> None:
    by_code = rule_on({"properties.message": "Device Code"}, logsource=ENTRANCE)
    secrets = rule_on({"properties.message": "Update application \N{EN DASH} Certificates"}, logsource=DIRECTORY)

    assert fires(by_code, event_of(SIGN_IN | {"authenticationProtocol": "deviceCode"}))
    assert not fires(by_code, event_of(SIGN_IN | {"authenticationProtocol": "oAuth2"}))
    assert fires(secrets, event_of(CHANGE | {"activityDisplayName": "Update application \N{EN DASH} Certificates "}))


@each(
    ("log", "class_uid", "expected"),
    [
        ("Unified Audit Log: Alerts", 2004, ["m365/threat_management", "m365/threat_detection", "m365/audit"]),
        ("SecurityAlert", 2004, ["m365/threat_management", "m365/threat_detection"]),
        ("", 2004, ["m365/threat_management", "m365/threat_detection"]),
        ("", 2003, []),
    ],
)
def test_an_alert_of_somebody_else_is_known_by_its_log_or_its_class(log, class_uid, expected) -> None:
    event = {"class_uid": class_uid, "metadata": {"log_name": log, "product": {"name": "Defender"}}}

    assert [source.name for source in log_sources.of_event(event)] == [*expected, "aoc/ocsf"]


def test_a_rule_of_several_log_sources_tells_the_first_as_which_it_has_found_a_record() -> None:
    cmdlet = {
        "Operation": "Send",
        "Workload": "Exchange",
        "RecordType": 2,
        "CreationTime": "2026-11-20T10:00:00",
        "Id": "1",
    }
    rule = rule_on({"Operation": "Send"}, logsource={"product": "m365"})

    assert fires(rule, event_of(cmdlet))
    assert [one.log_source for one in RuleSet([rule]).match(event_of(cmdlet))] == ["m365/audit"]


def test_the_country_of_a_sign_in_is_found_where_each_interface_has_it() -> None:
    rule = rule_on({"location": "NL"}, logsource=ENTRANCE)

    assert fires(rule, event_of(SIGN_IN))
    assert fires(rule, event_of(MONITOR_SIGN_IN))


def test_a_rule_does_not_see_records_of_other_log_sources() -> None:
    assert not fires(rule_on({"appId": "a-1"}, logsource=DIRECTORY), event_of(SIGN_IN))
    assert not fires(rule_on({"category": "RoleManagement"}, logsource=ENTRANCE), event_of(CHANGE))
    assert not fires(
        rule_on({"category": "RoleManagement"}, logsource={"product": "m365", "service": "intune"}), event_of(CHANGE)
    )


@each(
    ("log", "product", "class_uid", "expected"),
    [
        ("Directory audits", "Microsoft Entra ID", 3001, {"azure/auditlogs", "m365/audit"}),
        ("Sign-ins", "Microsoft Entra ID", 3002, {"azure/signinlogs", "m365/audit"}),
        (
            "Unified Audit Log: AzureActiveDirectoryStsLogon",
            "Microsoft Entra ID",
            3002,
            {"azure/signinlogs", "m365/audit"},
        ),
        ("Unified Audit Log: ExchangeAdmin", "Exchange Online", 6003, {"m365/audit", "m365/exchange"}),
        ("Unified Audit Log: SharePoint", "SharePoint Online", 6006, {"m365/audit"}),
        ("Intune audit events", "Microsoft Intune", 3004, {"m365/intune"}),
        ("Risk", "Microsoft Entra ID Protection", 2004, {"azure/riskdetection"}),
        ("PIM alerts", "Microsoft Entra PIM", 2004, {"azure/pim"}),
        ("Azure activity log: Administrative", "Azure", 6003, {"azure/activitylogs"}),
        ("Security alerts", "Microsoft Defender", 2004, {"m365/threat_detection", "m365/threat_management"}),
        ("", "", 0, set()),
    ],
)
def test_a_record_belongs_to_log_sources_by_its_log_and_product(log, product, class_uid, expected) -> None:
    event = {"class_uid": class_uid, "metadata": {"log_name": log, "product": {"name": product}}}

    assert {source.name for source in log_sources.of_event(event)} == expected | {"aoc/ocsf"}


ALERT = {
    "id": "a-1", "title": "Impossible travel activity", "status": "new", "severity": "medium", "createdDateTime": WHEN,
    "category": "InitialAccess", "serviceSource": "microsoftDefenderForCloudApps", "evidence": [],
}  # fmt: skip


def test_an_alert_of_defender_is_one_of_the_security_centre() -> None:
    search = {"eventSource": "SecurityComplianceCenter", "eventName": "Impossible travel activity", "status": "success"}
    rule = rule_on(search, logsource={"product": "m365", "service": "threat_management"})

    assert fires(rule, event_of(ALERT, "graph-alerts"))
    assert not fires(rule, event_of({**ALERT, "title": "Something else"}, "graph-alerts"))


def test_a_pim_alert_is_known_by_its_definition() -> None:
    rule = rule_on(
        {"riskEventType": "tooManyGlobalAdminsAssignedToTenantAlertIncident"},
        logsource={"product": "azure", "service": "pim"},
    )
    event = {"class_uid": 2004, "metadata": {"log_name": "PIM alerts", "product": {"name": "Microsoft Entra PIM"}}}
    raw = {"alertDefinitionId": "DirectoryRole_0000_TooManyGlobalAdminsAssignedToTenantAlert", "isActive": True}

    assert fires(rule, {**event, "raw_data": json.dumps(raw)})
    assert not fires(
        rule, {**event, "raw_data": json.dumps({"alertDefinitionId": "DirectoryRole_0000_StaleSignInAlert"})}
    )

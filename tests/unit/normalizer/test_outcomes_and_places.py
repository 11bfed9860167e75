"""How something ended, from where, by what agent and through which application: wherever a record says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aoc_common.contracts import terms
from each import each
from made_events import APP, APP_ID, KIM, KIM_ID, SAM, audit, envelope, event_of, message, person, properties, unified

AGENT = "AADInternals"


def logon(**more: Any) -> dict[str, Any]:
    return unified(
        "UserLoggedIn", record_type=15, ClientIP="203.0.113.9", ActorIpAddress="203.0.113.9", ObjectId="r-1", **more
    )


def stated(detail: str) -> list[dict[str, str]]:
    return [{"Name": "ResultStatusDetail", "Value": detail}, {"Name": "UserAgent", "Value": "Mozilla/5.0"}]


# Outcomes of sign-ins, in the order in which they are trusted


@each("word", ["Success", "Failed", "Succeeded", "", None])
@each("detail", ["Success", "UserError", "Redirect"])
def test_a_sign_in_with_an_errors_name_failed_whatever_its_status_words_say(word, detail):
    made = event_of(
        logon(ResultStatus=word, ExtendedProperties=stated(detail), LogonError="DeviceAuthenticationFailed")
    )

    assert made.result == "failure"
    assert made.ocsf["message"] == f"Sign-in of {KIM} from 203.0.113.9 failed: DeviceAuthenticationFailed"


def test_an_error_number_is_trusted_before_an_errors_name():
    assert event_of(logon(ErrorNumber="0", LogonError="Odd", ResultStatus="Failed")).result == "success"
    assert event_of(logon(ErrorNumber="53003", ResultStatus="Success")).result == "failure"
    assert event_of(logon(ErrorNumber="50140", LogonError="KmsiInterrupt")).result == "success"


def test_the_name_of_a_further_step_is_no_failure():
    assert event_of(logon(LogonError="KmsiInterrupt", ResultStatus="Success")).result == "success"


@each(
    ("word", "detail", "result"),
    [
        ("Success", "Success", "success"),
        ("Success", "Redirect", "success"),
        ("Failed", "Failed", "failure"),
        ("Failed", "UserError", "failure"),
        ("Failed", "Success", "unknown"),
        ("Success", "Failed", "unknown"),
    ],
)
def test_status_words_alone_count_where_they_agree(word, detail, result):
    assert event_of(logon(ResultStatus=word, ExtendedProperties=stated(detail))).result == result


# Outcomes of sign-ins in Graph's shape: the record, then what stands around it


def signin(**more: Any) -> dict[str, Any]:
    return {
        "id": "s-1",
        "createdDateTime": "2026-11-23T07:30:00.5Z",
        "userDisplayName": "Kim Vale",
        "userPrincipalName": KIM,
        "userId": KIM_ID,
        "appId": APP_ID,
        "appDisplayName": APP,
        "ipAddress": "203.0.113.9",
        "resourceDisplayName": "Microsoft Graph",
        "isInteractive": False,
        "signInEventTypes": ["nonInteractiveUser"],
        **more,
    }


@each(
    ("outside", "result", "end"),
    [
        ({"resultType": "50126"}, "failure", "failed: wrong password (50126)"),
        ({"resultType": 50126}, "failure", "failed: wrong password (50126)"),
        (
            {"resultType": "999999", "resultDescription": "A strange thing."},
            "failure",
            "failed: A strange thing. (999999)",
        ),
        ({"resultType": "50140"}, "success", "went on: asked to stay signed in (50140)"),
        ({"resultType": "0"}, "success", "succeeded"),
        ({"resultType": "", "resultSignature": "SUCCESS"}, "success", "succeeded"),
        ({"resultType": "Failure", "resultDescription": "Locked."}, "failure", "failed: Locked."),
        ({"resultType": "", "resultSignature": "FAILURE"}, "failure", "failed: no reason given"),
        ({"resultType": ""}, "unknown", "the record does not say how it ended"),
    ],
)
def test_a_sign_in_without_a_status_ended_as_its_envelope_says(outside, result, end, ocsf_faults):
    made = event_of(envelope("NonInteractiveUserSignInLogs", signin(), **outside))

    assert (made.class_uid, made.result) == (3002, result)
    assert made.ocsf["message"].endswith(end)
    assert ocsf_faults(made) == []


def test_a_sign_ins_own_status_is_trusted_before_its_envelope():
    made = event_of(envelope("SignInLogs", signin(status={"errorCode": 0}), resultType="50126"))

    assert made.result == "success"


def test_a_sign_in_that_a_tool_has_left_without_time_and_code_has_those_of_its_envelope():
    record = signin(status={"errorCode": 50053, "failureReason": "Locked."})
    del record["createdDateTime"], record["signInEventTypes"]
    made = event_of(envelope("SignInLogs", record, resultType="Failure"))

    assert (made.class_uid, made.result, made.tags) == (3002, "failure", ())
    assert made.time_ms == 1795419120123


# Outcomes of everything else


@each(
    ("fields", "result"),
    [
        ({"ResultStatus": None, "IsSuccess": False}, "failure"),
        ({"ResultStatus": "InProgress", "IsSuccess": True}, "success"),
        ({"ResultStatus": "Succeeded", "IsSuccess": "false"}, "failure"),
        ({"ResultStatus": None, "Succeeded": "False"}, "failure"),
        ({"ResultStatus": "InProgress"}, "unknown"),
        ({"ResultStatus": "InProgress", "ErrorCode": "Forbidden"}, "failure"),
        ({"ResultStatus": "Success", "ErrorCode": "Forbidden"}, "success"),
        ({"ResultStatus": None, "ErrorMessage": "No."}, "failure"),
        ({"ResultStatus": None, "ErrorCode": 0}, "success"),
        ({"ResultStatus": None}, "success"),
        ({"ResultStatus": "PartiallySucceeded"}, "partial"),
    ],
)
def test_an_action_ended_as_its_flag_its_word_or_its_error_says(fields, result):
    assert event_of(unified("ViewReport", "PowerBI", 20, ReportName="Sales", **fields)).result == result


def test_a_failed_action_tells_why():
    failed = unified(
        "Set-Mailbox", "Exchange", 1, ResultStatus="False", ErrorMessage="No such mailbox.", ObjectId="sam"
    )

    assert message(failed).endswith("changed mailbox sam: No such mailbox.")


@pytest.mark.parametrize("outside", [{"resultType": "Failure"}, {"resultType": "", "resultSignature": "Failed"}])
def test_a_directory_audit_without_a_result_ended_as_its_envelope_says(outside):
    record = audit("Add user", {"id": "u", "type": "User", "userPrincipalName": SAM}, result=None)
    made = event_of(envelope("AuditLogs", record, resultDescription="Too many.", **outside))

    assert (made.result, made.ocsf["status_detail"]) == ("failure", "Too many.")


def test_a_request_to_the_older_graph_tells_all_that_the_newer_ones_do(ocsf_faults):
    request = {
        "actorType": "User",
        "appId": APP_ID,
        "callerIpAddress": "203.0.113.9",
        "httpMethod": "GET",
        "httpStatusCode": 403,
        "requestId": "r-1",
        "requestUri": "/v2/contoso.example/tenantDetails",
        "scopes": "user_impersonation",
        "servicePrincipalId": "",
        "timeGenerated": "2026-11-23T07:30:00.25Z",
        "userAgent": AGENT,
        "userId": KIM_ID,
    }
    made = event_of(envelope("AzureADGraphActivityLogs", request, resultType=""))

    assert (made.result, made.ip, made.operation) == ("failure", "203.0.113.9", "AAD Graph GET")
    assert made.ocsf["http_request"]["user_agent"] == AGENT
    assert made.ocsf["message"] == (
        f"{KIM_ID} read /v2/contoso.example/tenantDetails in Azure AD Graph through {APP_ID}: 403"
    )
    assert len(made.former) == 1  # what an older version called it
    assert ocsf_faults(made) == []


# Addresses, agents, applications


@each("key", ["ipaddr", "IpAddress", "Client IP", "ClientIPAddress", "caller_ip", "IP Address"])
def test_an_address_in_the_details_of_a_directory_audit_is_found(key):
    details = [{"key": "Justification", "value": "T-7"}, {"key": key, "value": "203.0.113.9"}]
    role = {"id": "r", "type": "Role", "displayName": "Helpdesk"}
    made = event_of(audit("Add member to role completed (PIM activation)", role, additionalDetails=details))

    assert made.ip == made.ocsf["src_endpoint"]["ip"] == "203.0.113.9"


def test_a_persons_own_address_is_trusted_before_the_details():
    record = audit("Update user", {"id": "u", "type": "User", "userPrincipalName": SAM},
                   initiatedBy={"user": {"userPrincipalName": KIM, "ipAddress": "203.0.113.9"}},
                   additionalDetails=[{"key": "ipaddr", "value": "198.51.100.1"}])  # fmt: skip

    assert event_of(record).ip == "203.0.113.9"


@each("odd", ["unknown", "", "localhost", "2026", None, {"a": 1}, ["203.0.113.9"]])
def test_what_is_no_address_is_none(odd):
    record = audit("Update user", {"id": "u", "type": "User"}, additionalDetails=[{"key": "ipaddr", "value": odd}])

    assert event_of(record).ip is None


@each("field", ["ClientIP", "ClientIPAddress", "ActorIpAddress", "ClientIp", "UserIp", "CallerIpAddress"])
def test_every_field_that_can_hold_the_address_of_a_unified_record_is_read(field):
    assert event_of(unified("FileAccessed", "SharePoint", 6, **{field: "203.0.113.9:40231"})).ip == "203.0.113.9"


@each("spelt", ["User-Agent", "UserAgent", "user_agent", "User Agent"])
@each("place", ["json", "list"])
def test_agent_and_application_in_the_details_of_a_unified_record_are_found(spelt, place):
    pairs = {spelt: AGENT, "AppId": APP_ID}
    listed = (
        [{"Name": "additionalDetails", "Value": json.dumps(pairs)}]
        if place == "json"
        else [{"Name": name, "Value": value} for name, value in pairs.items()]
    )
    made = event_of(unified("Add owner to group.", Actor=person(), ExtendedProperties=listed, ObjectId=SAM,
                            ModifiedProperties=properties(Group__DisplayName="Finance")))  # fmt: skip

    assert made.ocsf["http_request"]["user_agent"] == AGENT
    assert made.ocsf["actor"]["app_uid"] == APP_ID


def test_the_application_of_a_query_by_a_portal_is_found():
    made = event_of(unified("SearchMtpStatus", "SecurityComplianceCenter", 52, AadAppId=APP_ID, UserType=5))

    assert made.ocsf["actor"]["app_uid"] == APP_ID
    assert made.ocsf["actor"]["user"]["type"] == "User"  # an application asked for a person


def test_a_record_about_several_addresses_has_the_first_and_all_can_be_searched():
    made = event_of(unified("MCAS_ALERT_X", "MCAS", 98, AlertDisplayName="Impossible travel", AlertSeverity="High",
                            ClientIPs=["203.0.113.9", "198.51.100.7", "no address", None]))  # fmt: skip

    assert made.ip == "203.0.113.9"
    assert {*terms.query_terms("198.51.100.7"), *terms.query_terms("203.0.113.9")} <= set(made.terms)

from __future__ import annotations

import re

import orjson
import pytest

from aoc_sim import samples
from aoc_sim.records.base import SOURCES


@pytest.fixture(scope="module")
def pool():
    """Source -> records."""
    by_source = {source: [] for source in SOURCES}
    for source, body in samples.records(7, 12_000):
        by_source[source].append(orjson.loads(body))
    for source in (
        "graph-directory-audits",
        "graph-intune",
        "graph-alerts",
        "graph-risk-detections",
        "graph-risky-users",
        "o365-azuread",
        "o365-general",
        "o365-dlp",
    ):
        by_source[source] = [orjson.loads(body) for _, body in samples.records(8, 600, source)]
    return by_source


def operations(records):
    return {
        r.get("Operation") or r.get("activityDisplayName") or r.get("displayName") or r.get("title") for r in records
    }


def ual(pool):
    return [record for source, records in pool.items() if source.startswith("o365-") for record in records]


def test_there_are_at_least_sixty_operations(pool):
    assert len(set().union(*(operations(records) for source, records in pool.items() if "signins" not in source))) >= 90


def test_every_unified_audit_record_has_the_common_head_with_its_types(pool):
    for record in ual(pool):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", record["CreationTime"])
        assert {"Id", "Operation", "OrganizationId", "UserKey", "Workload", "UserId"} <= record.keys()
        assert all(type(record[name]) is int for name in ("RecordType", "UserType", "Version"))


def test_operation_names_are_as_odd_as_microsofts(pool):
    unified, graph = operations(pool["o365-azuread"]), operations(pool["graph-directory-audits"])

    assert {"Add member to role.", "Update user."} <= unified
    assert {"Add member to role", "Update user"} <= graph
    assert "Update application – Certificates and secrets management " in unified & graph


def test_user_ids_are_often_no_user_names(pool):
    users = {record["UserId"] for record in ual(pool)}

    for odd in (
        "NT AUTHORITY\\SYSTEM (Microsoft.Exchange.ServiceHost)",
        "NT AUTHORITY\\SYSTEM (w3wp)",
        "S-1-5-18",
        "app@sharepoint",
        "Microsoft\\ServiceOperator",
        "SecurityComplianceAlerts",
        "Microsoft Teams Sync",
        "DlpAgent",
    ):
        assert odd in users
    assert any(user.startswith("ServicePrincipal_") for user in users)


def test_one_persons_name_differs_in_case_between_workloads(pool):
    users = {record["UserId"] for record in pool["o365-azuread"] if "@" in record["UserId"]}

    assert any(user != user.lower() and user.lower() in users for user in users)


def test_addresses_have_ports_brackets_and_stranger_forms_or_are_missing(pool):
    addresses = [record.get("ClientIP") for record in ual(pool)]

    for pattern in (r"[\d.]+:\d+", r"\[[0-9a-f:]+\]:\d+", r"::ffff:[\d.]+", "::1", "<null>", "", r"localhost:\d+"):
        assert any(a is not None and re.fullmatch(pattern, a) for a in addresses), pattern
    assert None in addresses


def test_parameters_are_a_list_or_one_string(pool):
    kinds = {type(record["Parameters"]) for record in ual(pool) if "Parameters" in record}

    assert kinds == {list, str}


def test_modified_properties_are_pairs_or_bare_strings(pool):
    items = [item for r in ual(pool) for item in r.get("ModifiedProperties", ())]

    assert {type(item) for item in items} == {dict, str}


def test_json_hides_in_strings_and_some_of_it_is_none(pool):
    values = [p["NewValue"] for r in pool["o365-azuread"] for p in r.get("ModifiedProperties", ()) if p["NewValue"]]

    assert any(value.startswith("[\r\n") and orjson.loads(value) for value in values)
    consent = [
        p["newValue"]
        for r in pool["graph-directory-audits"]
        for t in r["targetResources"]
        for p in t["modifiedProperties"]
        if p["displayName"] == "ConsentAction.Permissions"
    ]
    assert consent
    assert all(orjson.loads(value).startswith("[] => [[") for value in consent)


def test_failed_logins_often_claim_success_and_error_numbers_are_text(pool):
    failed = [r for r in pool["o365-azuread"] if r["Operation"] == "UserLoginFailed"]
    worked = [r for r in pool["o365-azuread"] if r["Operation"] == "UserLoggedIn"]

    assert {r["ResultStatus"] for r in failed} == {"Success", "Failed"}
    assert all(isinstance(r["ErrorNumber"], str) and r["LogonError"] for r in failed)
    assert {"0", "50140"} <= {r["ErrorNumber"] for r in worked}


def test_directory_audits_name_a_user_or_an_app_and_the_other_is_null(pool):
    initiators = [record["initiatedBy"] for record in pool["graph-directory-audits"]]

    assert all((i["user"] is None) != (i["app"] is None) for i in initiators)
    assert {i["user"] is None for i in initiators} == {True, False}
    assert {key for r in pool["graph-directory-audits"] for t in r["targetResources"] for key in t} >= {"type", "Type"}


def test_graph_times_have_up_to_seven_decimals_and_sign_ins_none(pool):
    decimals = {len(r["activityDateTime"].partition(".")[2]) - 1 for r in pool["graph-directory-audits"]}

    assert max(decimals) == 7
    assert len(decimals) > 1
    assert all(re.fullmatch(r"[^.]{19}Z", r["createdDateTime"]) for r in pool["graph-signins"])


def test_intune_resources_can_lack_names_or_be_called_null(pool):
    resources = [item for record in pool["graph-intune"] for item in record["resources"]]

    assert any("displayName" not in item and item["modifiedProperties"] == [] for item in resources)
    assert any(item.get("displayName") == "<null>" for item in resources)
    assert max(len(record["resources"]) for record in pool["graph-intune"]) > 1
    assert {record["actor"]["userPrincipalName"] is None for record in pool["graph-intune"]} == {True, False}


def test_service_sign_ins_have_no_user_and_managed_identities_no_address(pool):
    assert {r["userId"] for r in pool["graph-signins-serviceprincipal"]} == {None}
    assert {r["ipAddress"] for r in pool["graph-signins-managedidentity"]} == {""}


def test_a_dlp_pair_shares_its_id_and_differs_in_operation(pool):
    by_id = {}
    for record in pool["o365-dlp"]:
        by_id.setdefault(record["Id"], []).append(record["Operation"])
    pairs = [names for names in by_id.values() if len(names) > 1]

    assert pairs
    assert all(len(set(names)) == len(names) == 2 for names in pairs)


def test_a_record_is_about_as_large_as_a_real_one(pool):
    sizes = sorted(len(orjson.dumps(record)) for record in ual(pool))

    assert 800 < sizes[len(sizes) // 2] < 2000


def test_ids_of_tokens_are_sixteen_bytes_in_base64(pool):
    ids = {
        token
        for record in ual(pool)
        if isinstance(context := record.get("AppAccessContext"), dict) and (token := context.get("UniqueTokenId"))
    }

    assert len(ids) > 500
    assert all(re.fullmatch(r"[\w+/-]{22}", token) for token in ids)
    assert not any(re.fullmatch(r"[0-9a-f-]+", token) for token in ids)

"""One record has one id, however and however often it arrives; two records have two."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from aoc_common.contracts.event import Event
from aoc_common.contracts.ids import to_ms
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
AT = "2026-11-23T07:30:00"
SIGN_IN = {
    "createdDateTime": f"{AT}.1234567Z",
    "userPrincipalName": "dana@contoso.example",
    "appDisplayName": "Teams",
    "status": {"errorCode": 0},
}


def ual(**more):
    return {
        "CreationTime": AT,
        "Operation": "FileAccessed",
        "RecordType": 6,
        "Workload": "SharePoint",
        "UserId": "dana@contoso.example",
        "ObjectId": "https://contoso.sharepoint.example/a.docx",
    } | more


def event(record, *, tenant="contoso", source="o365-sharepoint", fetched_at=NOW) -> Event:
    text = record if isinstance(record, bytes) else orjson.dumps(record)
    made = normalise(text, RecordContext(tenant, source, fetched_at))
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    return made


def outer(record, **more):
    """A row of Search-UnifiedAuditLog."""
    return {"RecordType": "SharePoint", "CreationDate": "11/23/2026 7:30:00 AM", "Identity": "row-1"} | more | record


WAYS = {
    "Purview row": lambda r: outer({"AuditData": orjson.dumps(r).decode()}),
    "row with the record as an object": lambda r: outer({"AuditData": r}),
    "AuditLogSearch": lambda r: {"id": r.get("Id"), "userId": "key", "clientIp": None, "auditData": r},
    "CloudAppEvents": lambda r: {"category": "x", "time": "2026-11-23T09:00:00Z", "properties": {"RawEventData": r}},
}


@each("way", WAYS)
@each("record", [ual(Id="r1"), ual()], ids=["with an id", "without an id"])
def test_the_same_record_has_the_same_id_through_the_api_and_through_any_export(way, record):
    assert event(WAYS[way](record), source="import").id == event(record).id


def test_the_same_record_sent_again_a_year_later_has_the_same_id():
    later = NOW + timedelta(days=365)

    assert event(ual(Id="r1"), fetched_at=later).id == event(ual(Id="r1")).id
    assert event(ual(), fetched_at=later).id == event(ual()).id


def test_the_same_record_in_two_tenants_is_two_events():
    assert event(ual(Id="r1"), tenant="fabrikam").id != event(ual(Id="r1")).id
    assert event(ual(), tenant="fabrikam").id != event(ual()).id


def test_an_id_carries_the_time_of_the_record_and_not_that_of_its_delivery():
    made = event(ual(Id="r1"))

    assert made.id.int >> 80 == made.time_ms == to_ms(datetime(2026, 11, 23, 7, 30, tzinfo=UTC))


def test_records_equal_in_all_but_their_id_are_two_events():
    assert event(ual(Id="r1")).id != event(ual(Id="r2")).id


@each("odd", [None, "", "<null>", [], {}, "-"])
def test_a_record_without_a_usable_id_is_known_by_its_content_and_says_so(odd):
    made = event(ual(Id=odd))

    assert "no-id" in made.tags
    assert made.id == event(ual(Id=odd)).id
    assert made.id != event(ual(Id=odd, ItemType="File")).id
    assert len(made.ocsf["metadata"]["uid"]) == 32


@each(
    ("field", "value"),
    [("Operation", "FileDeleted"), ("UserId", "sam@contoso.example"), ("ObjectId", "b.docx"), ("ClientIP", "::1")],
)
@each("way", WAYS)
def test_wrapped_records_without_an_id_differ_by_any_field_of_theirs(way, field, value):
    wrap = WAYS[way]

    assert event(wrap(ual())).id != event(wrap(ual(**{field: value}))).id


def test_the_order_of_keys_does_not_change_what_a_record_without_an_id_is_known_by():
    record = ual(A={"x": 1, "y": [{"p": 1, "q": 2}]})
    turned = dict(reversed(ual(A={"y": [{"q": 2, "p": 1}], "x": 1}).items()))

    assert list(record) != list(turned)
    assert event(record).id == event(turned).id


def test_the_spelling_of_the_json_does_not_change_what_a_record_is_known_by():
    assert event(b'{"x":"\\u00e9", "y":[ 1 ]}').id == event('{"y":[1],"x":"é"}'.encode()).id


def test_the_order_of_a_list_is_content():
    assert event({"x": [1, 2]}).id != event({"x": [2, 1]}).id


def test_a_diagnostic_delivered_twice_with_other_envelope_times_is_one_event():
    def delivered(time, inner):
        return {"time": time, "category": "SignInLogs", "operationName": "Sign-in activity", "properties": inner}

    for inner in (SIGN_IN, SIGN_IN | {"id": "s1"}):
        first, second = (event(delivered(f"2026-11-23T07:3{minute}:00Z", inner)) for minute in (1, 3))

        assert first.id == second.id


@pytest.mark.parametrize(
    ("field", "value"), [("userPrincipalName", "sam@contoso.example"), ("status", {"errorCode": 50126})]
)
def test_diagnostics_without_an_id_differ_by_any_field_of_the_record_inside(field, value):
    def delivered(inner):
        return {"category": "SignInLogs", "operationName": "Sign-in activity", "properties": inner}

    assert event(delivered(SIGN_IN)).id != event(delivered(SIGN_IN | {field: value})).id


def test_a_sign_in_is_one_event_through_graph_and_through_diagnostics():
    record = SIGN_IN | {"id": "s1"}
    delivered = {"category": "SignInLogs", "operationName": "Sign-in activity", "time": NOW, "properties": record}

    assert event(record, source="graph-signins").id == event(delivered, source="import").id


def test_a_match_and_its_undo_share_an_id_and_are_two_events():
    match = ual(Id="d1", Operation="DlpRuleMatch", RecordType=11)

    assert event(match).id != event(match | {"Operation": "DlpRuleUndo"}).id
    assert event(match).id == event(match | {"Operation": "DLPRuleMatch"}).id


def test_a_record_type_by_name_is_that_of_its_number():
    match = ual(Id="d1", Operation="FileUploadedToCloud", RecordType=63)

    assert event(match).id == event(match | {"RecordType": "DLPEndpoint"}).id
    assert event(match).id != event(match | {"RecordType": 6}).id


def test_each_update_of_an_alert_is_a_version_of_its_event():
    alert = {"id": "a1", "severity": "low", "title": "Odd", "createdDateTime": f"{AT}Z", "status": "new"}
    updated = alert | {"lastUpdateDateTime": "2026-11-23T08:00:00Z", "status": "resolved"}

    assert event(alert).id == event(dict(alert)).id
    assert event(alert).id == event(updated).id
    assert event(updated).former


def test_each_risk_state_of_a_user_is_an_event_of_its_own():
    risk = {"id": "u1", "riskLevel": "high", "riskState": "atRisk", "riskLastUpdatedDateTime": f"{AT}Z"}

    assert event(risk).id != event(risk | {"riskLastUpdatedDateTime": f"{AT}.5Z", "riskState": "remediated"}).id


def test_traces_of_one_message_differ_by_recipient_and_status():
    trace = {"MessageTraceId": "m1", "SenderAddress": "a@contoso.example", "RecipientAddress": "b@contoso.example"}
    trace |= {"Received": AT, "Status": "Pending", "Subject": "Lunch"}
    changes = [{}, {"RecipientAddress": "c@contoso.example"}, {"Status": "Delivered"}, {"MessageTraceId": "m2"}]

    assert len({event(trace | change).id for change in changes}) == 4


def test_traces_without_the_trace_s_id_are_known_by_their_content():
    trace = {"SenderAddress": "a@contoso.example", "RecipientAddress": "b@contoso.example", "Status": "Delivered"}

    assert event(trace | {"Subject": "Lunch"}).id != event(trace | {"Subject": "Dinner"}).id


def test_ids_that_differ_only_far_behind_are_two_events():
    assert event(ual(Id="x" * 2000 + "1")).id != event(ual(Id="x" * 2000 + "2")).id


def test_ids_of_different_families_do_not_meet():
    audit = {"id": "1", "activityDisplayName": "Add user", "activityDateTime": f"{AT}Z", "targetResources": []}
    sign_in = SIGN_IN | {"id": "1", "createdDateTime": f"{AT}Z"}

    assert event(audit).time_ms == event(sign_in).time_ms
    assert event(audit).id != event(sign_in).id

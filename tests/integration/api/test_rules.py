"""Rules over HTTP: seen, changed, tried on stored events, and excepted from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aoc_common.contracts.alert import AlertRule, FieldValue
from aoc_common.contracts.alert_message import AlertMessage
from aoc_common.store.alerts import AlertWrite
from aoc_common.store.mongo.alerts import MongoAlerts
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.rules import MongoRules
from aoc_rules.exceptions import exceptions_of, written
from made_alerts import KEEP, NOW, alert_event, alert_of
from microsoft_records import event_of, records

URL = "/api/rules"
OWN = "5f0b3c1e-8a4d-4f5e-9b0a-2c7d1e6f3a90"
SHIPPED = "9336f81c-7c0e-511c-9167-3a946c3503e6"
TEXT = f"""title: The audit of a mailbox was switched off here
id: {OWN}
logsource: {{product: m365, service: exchange}}
detection:
  selection:
    Operation: Set-Mailbox
    Parameters.AuditEnabled: 'False'
  condition: selection
level: high
aoc:
  window: 1h
"""


async def test_a_rule_is_added_changed_by_its_etag_and_removed_and_a_shipped_one_keeps_its_text(gateway) -> None:
    call = gateway.client.request
    added = await call("POST", URL, json={"text": TEXT})
    assert (added.status_code, added.headers["ETag"], added.json()["source"]) == (201, '"1"', "own")
    assert (await call("POST", URL, json={"text": TEXT})).status_code == 409
    wrong = await call(
        "POST",
        URL,
        json={"text": TEXT.replace(OWN, OWN[::-1].replace("0", "1", 1)).replace("Operation:", "Operation|bogus:")},
    )
    assert (wrong.status_code, wrong.json()["detail"][:41]) == (422, "line 6, detection.selection.Operation|bog")

    body = {"text": TEXT.replace("high", "low"), "enabled": False}
    answers = [
        await call("PUT", f"{URL}/{OWN}", json=body),
        await call("PUT", f"{URL}/{OWN}", json=body, headers={"If-Match": '"7"'}),
        await call("PUT", f"{URL}/{OWN}", json=body, headers={"If-Match": '"1"'}),
        await call("PUT", f"{URL}/{SHIPPED}", json={"enabled": False}, headers={"If-Match": '"0"'}),
        await call("PUT", f"{URL}/{SHIPPED}", json={"text": TEXT}, headers={"If-Match": '"1"'}),
    ]
    assert [one.status_code for one in answers] == [428, 412, 200, 200, 422]

    shipped = (await call("GET", f"{URL}/{SHIPPED}")).json()
    assert (shipped["enabled"], shipped["source"], shipped["difference"]) == (False, "overlaid", "+aoc.enabled: false")
    assert [(one["revision"], one["what"]) for one in shipped["history"]] == [(1, "switched off")]
    assert shipped["runbook"].startswith("# ")
    listed = (await gateway.get(URL, origin="own", enabled="false", text="MAILBOX")).json()["items"]
    assert [(one["id"], one["level"], one["revision"]) for one in listed] == [(OWN, "low", 2)]
    assert len((await gateway.get(URL, tag="t1566", level="medium")).json()["items"]) >= 1

    statuses = [(await call("DELETE", f"{URL}/{one}")).status_code for one in (OWN, OWN, SHIPPED, SHIPPED)]
    assert statuses == [204, 404, 204, 409]


@pytest.fixture
async def mailbox(gateway, store, database):
    """A gateway with the rule, ten times what it finds, and an alert of one."""
    record = {"cmdlet": {"Operation": "Set-Mailbox", "Parameters": {"Identity": "sam", "AuditEnabled": "False"}}}
    [(_, made)] = [*records(record)]
    at = datetime(2026, 11, 23, 7, tzinfo=UTC)
    events = [
        event_of(
            {**made, "Id": f"{number:08}-0000-4000-8000-000000000000", "CreationTime": f"{when:%Y-%m-%dT%H:%M:%S}"},
            tenant="contoso",
        )
        for number in range(10)
        for when in [at - timedelta(minutes=number)]
    ]
    await store(*events)
    await gateway.client.post(URL, json={"text": TEXT})
    await ensure_indexes(database, ("alerts",))
    event = replace(
        alert_event(),
        id=events[0].id,
        matched=(FieldValue("Operation", "Set-Mailbox"), FieldValue("UserId", made["UserId"])),
    )
    alert = alert_of(event, rule=AlertRule(OWN, "The audit of a mailbox was switched off here"))
    await MongoAlerts(database, KEEP).write([AlertWrite(alert, None, AlertMessage.of(alert))])
    return gateway, alert, events


async def test_a_rule_is_tried_on_what_is_stored_and_an_alert_is_excepted_in_one_call(mailbox, database) -> None:
    gateway, alert, events = mailbox
    call = gateway.client.request
    tried = (await call("POST", f"{URL}/test", json={"text": TEXT})).json()
    assert (tried["events"], tried["matches"], tried["alerts"], tried["complete"]) == (10, 10, 1, True)
    assert [one["matches"] for one in tried["hours"]] == [9, 1]
    assert tried["examples"][0]["id"] == str(events[0].id)

    path = f"/api/alerts/{alert.id}/exception"
    asked = {"values": [{"field": "UserId", "value": alert.events[0].matched[1].value}], "reason": "her job"}
    refused = [
        await call("POST", path, json=asked | {"values": [{"field": "UserId", "value": "nobody"}]}),
        await call("POST", path, json=asked | {"until": "2026-11-23T07:00:00Z"}),
    ]
    assert [one.status_code for one in refused] == [422, 422]
    made = await call("POST", path, json=asked | {"until": "2126-11-23T07:00:00Z"})
    assert (made.status_code, made.json()["tenants"]) == (201, ["contoso"])
    [stored] = await MongoRules(database).of([OWN])
    assert exceptions_of(written(stored.exceptions[0]), "file", "x", NOW)[OWN] == stored.exceptions

    shown = (await gateway.get(f"{URL}/{OWN}")).json()
    assert [one["id"] for one in shown["exceptions_in_force"]] == [made.json()["id"]]
    assert shown["fired"]["alerts"] == 1
    assert (await gateway.get(f"{URL}/{OWN}", tenant="fabrikam")).json()["exceptions"] == 1  # who may see everything
    gone = f"{URL}/{OWN}/exceptions/{made.json()['id']}"
    assert [(await call("DELETE", gone)).status_code for _ in range(2)] == [204, 404]

    linted = (await gateway.get(f"{URL}/lint", rule=OWN, days="30")).json()
    assert linted["events"] == 10
    assert (await gateway.get(f"{URL}/lint", rule="none")).status_code == 404

"""Rules over HTTP: seen, changed, tried on stored events, and excepted from."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from aoc_api import rule_texts, rule_trials
from aoc_api.access.principal import Principal
from aoc_api.problems import Problem
from aoc_api.rule_work import RuleWork
from aoc_cli.rules import printing
from aoc_common.contracts.alert import AlertRule, FieldValue
from aoc_common.contracts.alert_message import AlertMessage
from aoc_common.gateway.rule_tests import RuleTest
from aoc_common.store.alerts import AlertWrite
from aoc_common.store.mongo.alerts import MongoAlerts
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.rules import MongoRules
from aoc_rules.circumstances.tenants import UNKNOWN, KnownTenant
from aoc_rules.exceptions import exceptions_of, written
from made_alerts import KEEP, NOW, alert_event, alert_of
from manual_clock import ManualClock
from microsoft_records import event_of, records

if TYPE_CHECKING:
    from aoc_common.contracts.alert import Severity
    from aoc_common.store.rules import StoredRule

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
EXCEPTION_ID = "7c1d6c39-7a3a-4f0f-9d1a-0f5a3c1e8a4d"
EXCEPTION = f"""title: Not him
id: {EXCEPTION_ID}
logsource: {{product: m365, service: exchange}}
filter:
  rules: [{OWN}]
  him: {{UserId: sam}}
  condition: not him
"""


@pytest.mark.slow
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

    # What is said of attributes lies over the rule's own, shipped or not, and what is wrong is named with its place.
    for attributes, status in (({"working_hours": "after"}, 422), ({"runbook": 2**70}, 422), ({"suppress": "7d"}, 200)):
        said = {"attributes": attributes}
        answer = await call("PUT", f"{URL}/{SHIPPED}", json=said, headers={"If-Match": '"0"'})
        assert answer.status_code == status, answer.text
    shown = (await gateway.get(f"{URL}/{SHIPPED}")).json()
    assert (shown["overlay"]["attributes"], shown["difference"]) == ({"suppress": "7d"}, '+aoc.suppress: "7d"')
    refused = await call("PUT", f"{URL}/{SHIPPED}", json={"attributes": {"window": 1}}, headers={"If-Match": '"1"'})
    assert refused.json()["detail"].startswith("aoc.window: expected a time")
    assert (await call("DELETE", f"{URL}/{SHIPPED}")).status_code == 204

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


@pytest.mark.usefixtures("no_pack")
async def test_of_two_administrators_at_two_gateways_one_changes_a_rule_and_the_other_is_told(
    gateway, database
) -> None:
    await gateway.client.post(URL, json={"text": TEXT})
    dana, kim = Principal("person", "d/dana", "Dana", ()), Principal("person", "d/kim", "Kim", ())
    works = [RuleWork(MongoRules(database), ManualClock(NOW), home=False) for _ in range(2)]
    read = [(await work.entry(OWN)).stored for work in works]

    async def change(work: RuleWork, by: Principal, stored: StoredRule, level: Severity) -> str:
        try:
            await work.save(replace(stored, severity=level), by, f"severity {level}", "changed")
        except Problem as problem:
            return problem.slug
        return level

    told = await asyncio.gather(change(works[0], dana, read[0], "low"), change(works[1], kim, read[1], "critical"))
    assert "changed" in told
    [won] = {*told} - {"changed"}
    shown = (await gateway.get(f"{URL}/{OWN}")).json()
    assert (shown["level"], shown["revision"], len(shown["history"])) == (won, 2, 2)

    # An exception is no change of what is read: it is added whatever others change meanwhile.
    made = [replace(exceptions_of(EXCEPTION, "file", "x", NOW)[OWN][0], id=f"{number}{OWN[1:]}") for number in range(6)]
    adding = [partial(lambda one, held: (*held, one), one) for one in made]
    await asyncio.gather(
        *(work.change_exceptions(OWN, add, dana, "x") for work, add in zip(works * 3, adding, strict=True))
    )
    assert (await gateway.get(f"{URL}/{OWN}")).json()["exceptions"] == 6


@pytest.mark.usefixtures("no_pack")
async def test_a_correlation_that_the_alerter_would_leave_out_is_refused(gateway) -> None:
    await gateway.client.post(URL, json={"text": TEXT})
    counted = f"correlation: {{type: event_count, rules: [{OWN}], timespan: 1h, condition: {{gte: 2}}}}\n"
    text = f"title: In many tenants\nid: {EXCEPTION_ID}\n{counted}"
    across = await gateway.client.post(URL, json={"text": f"{text}aoc: {{across_tenants: true}}\n"})
    assert (across.status_code, "AOC_ALERTER__HOME_TENANT" in across.json()["detail"]) == (422, True)
    assert (await gateway.client.post(URL, json={"text": text})).status_code == 201


@pytest.fixture
async def mailbox(gateway, store, database, no_pack):
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


async def test_of_more_events_than_are_tried_the_newest_are_and_that_is_said(mailbox, monkeypatch, capsys) -> None:
    gateway, _, events = mailbox
    made = []

    def known(tenant) -> KnownTenant:
        made.append(threading.current_thread())
        return UNKNOWN if tenant is None else KnownTenant.of(tenant)

    monkeypatch.setattr(rule_texts, "known", known)
    monkeypatch.setattr(rule_trials, "MOST_TRIED", 4)
    tried = (await gateway.client.post(f"{URL}/test", json={"rule": OWN})).json()
    assert (tried["events"], tried["matches"], tried["complete"]) == (4, 4, False)
    assert datetime.fromisoformat(tried["start"]) == datetime.fromtimestamp(events[3].time_ms / 1000, UTC)
    printing.print_test(RuleTest.model_validate(tried))
    assert "incomplete: stopped at the newest events" in " ".join(capsys.readouterr().out.split())
    monkeypatch.setattr(rule_trials, "MOST_TRIED", 10)
    assert (await gateway.client.post(f"{URL}/test", json={"rule": OWN})).json()["complete"] is True
    monkeypatch.setattr(rule_trials, "MOST_S", -1)
    monkeypatch.setattr(rule_trials, "_PAGE", 3)
    tried = (await gateway.client.post(f"{URL}/test", json={"rule": OWN})).json()
    assert (tried["events"], tried["complete"], tried["stopped"]) == (3, False, "time")
    await gateway.get(f"{URL}/lint", rule=OWN, days="1")
    assert len(made) == 4
    assert threading.main_thread() not in made  # a tenant's lists can be long: others are served meanwhile


async def test_a_rule_is_tried_on_what_is_stored_and_an_alert_is_excepted_in_one_call(mailbox, database) -> None:
    gateway, alert, events = mailbox
    call = gateway.client.request
    tried = (await call("POST", f"{URL}/test", json={"text": TEXT})).json()
    assert (tried["events"], tried["matches"], tried["alerts"], tried["complete"]) == (10, 10, 1, True)
    assert [one["matches"] for one in tried["hours"]] == [9, 1]
    assert tried["examples"][0]["id"] == str(events[0].id)

    # Of what its actor does for the first time within an hour that is the oldest, and the tenant is in no registry.
    for aoc, matches in (("first_seen: {of: operation, within: 1h}", 1), ("working_hours: inside", 0)):
        tried = (await call("POST", f"{URL}/test", json={"text": f"{TEXT}  {aoc}\n"})).json()
        assert (tried["events"], tried["matches"]) == (10, matches)
    assert tried["examples"] == []

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

"""Correlations tried on stored events over HTTP: with rules of a text, or that are there, and within bounds."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from aoc_api import rule_trials
from aoc_cli.rules import printing
from aoc_common.gateway.rule_tests import RuleTest
from aoc_rules.evaluation.trial import CorrelationTest
from microsoft_records import event_of, records

URL = "/api/rules"
BASE_ID = "5f0b3c1e-8a4d-4f5e-9b0a-2c7d1e6f3a90"
OTHER_ID = "6f0b3c1e-8a4d-4f5e-9b0a-2c7d1e6f3a91"
ID = "7f0b3c1e-8a4d-4f5e-9b0a-2c7d1e6f3a92"
BASE = f"""title: The audit of a mailbox was switched off here
id: {BASE_ID}
name: audit_off
logsource: {{product: m365, service: exchange}}
detection:
  selection: {{Operation: Set-Mailbox, Parameters.AuditEnabled: 'False'}}
  condition: selection
level: high
"""
OTHER = BASE.replace(BASE_ID, OTHER_ID).replace("audit_off", "audit_on").replace("'False'", "'True'")
MANY = f"""title: The audit of mailboxes was switched off
id: {ID}
correlation:
  type: event_count
  rules: [audit_off]
  group-by: [UserId]
  timespan: 5m
  condition: {{gte: 3}}
level: high
aoc: {{window: 5m}}
"""
MISSING = MANY.replace("event_count", "temporal").replace("[audit_off]", "[audit_off, audit_on]")
MISSING = MISSING.replace("{gte: 3}", "audit_off and not audit_on")


def at(hour: int, minute: int, number: int, enabled: str = "False"):
    record = {"cmdlet": {"Operation": "Set-Mailbox", "Parameters": {"Identity": "sam", "AuditEnabled": enabled}}}
    [(_, made)] = [*records(record)]
    when = datetime(2026, 11, 23, hour, minute, tzinfo=UTC)
    identity = {"Id": f"{number:08}-0000-4000-8000-000000000000", "CreationTime": f"{when:%Y-%m-%dT%H:%M:%S}"}
    return event_of({**made, **identity}, tenant="contoso")


@pytest.fixture
async def mailboxes(gateway, store, no_pack):
    """A gateway, and what was switched off in two bursts: four times before six, and three before eight."""
    events = [at(5, 50 + minute, minute) for minute in range(4)] + [
        at(7, 50 + minute, 10 + minute) for minute in range(3)
    ]
    await store(*events, at(7, 1, 20), at(7, 2, 21, "True"))
    return gateway, events


async def answered(gateway, **asked) -> dict:
    answer = await gateway.client.post(f"{URL}/test", json=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_it_counts_the_rules_of_its_text_and_those_that_are_there_also_while_it_is_off(mailboxes) -> None:
    gateway, events = mailboxes
    alone = await gateway.client.post(f"{URL}/test", json={"text": MANY})
    assert (alone.status_code, "there is no rule 'audit_off'" in alone.json()["detail"]) == (422, True)
    found = await answered(gateway, text=f"{BASE}---\n{MANY}")

    assert (found["events"], found["matches"], found["alerts"], found["alerts_a_day"]) == (9, 7, 2, 0.29)
    assert (found["complete"], found["stopped"], found["correlation"]) == (True, None, True)
    [rule] = found["rules"]
    assert (rule["id"], rule["matches"], [one["matches"] for one in rule["hours"]]) == (BASE_ID, 8, [4, 4])
    assert [(one["matches"], one["alerts"]) for one in found["hours"]] == [(4, 1), (3, 1)]
    newest, first = found["raised"]
    assert [one["id"] for one in first["events"]] == [str(one.id) for one in events[:3]]
    assert (first["count"], first["common"][0]["field"], newest["at"]) == (4, "UserId", "2026-11-23T07:52:00Z")

    assert (await gateway.client.post(URL, json={"text": BASE})).status_code == 201
    assert (await gateway.client.post(URL, json={"text": MANY, "enabled": False})).status_code == 201
    assert await answered(gateway, text=MANY) == await answered(gateway, rule=ID) == found
    other = await answered(gateway, rule=ID, start="2026-11-23T05:51:30Z", end="2026-11-23T07:52:00Z")
    assert (other["rules"][0]["matches"], other["alerts"]) == (5, 0)
    # An exception of the tenant holds for what is counted, too.
    who = first["events"][0]["actor"]
    excepted = (
        f"title: x\nid: {OTHER_ID}\nlogsource: {{product: m365, service: exchange}}\nfilter:\n  rules: [{BASE_ID}]\n"
    )
    excepted += f"  him: {{UserId: {who}}}\n  condition: not him\n"
    exception = {"id": OTHER_ID, "text": excepted, "reason": "his job", "until": None, "tenants": ["contoso"]}
    body = {"text": BASE, "exceptions": [exception]}
    answer = await gateway.client.put(f"{URL}/{BASE_ID}", json=body, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    assert (await answered(gateway, rule=ID))["rules"][0]["matches"] == 0


async def test_what_is_missing_is_decided_where_its_time_and_what_may_be_late_are_over(mailboxes, capsys) -> None:
    gateway, _ = mailboxes
    text = f"{BASE}---\n{OTHER}---\n{MISSING}"
    found = await answered(gateway, text=text)  # it is eight, and events are late by an hour at most

    assert (found["alerts"], found["undecided"]) == (1, 3)
    assert [one["at"] for one in found["raised"]] == ["2026-11-23T05:55:00Z"]
    gateway.app.state.services.rules.lateness = timedelta()
    assert (await answered(gateway, text=text))["alerts"] == 2
    ended = await answered(gateway, text=text, end="2026-11-23T07:55:30Z")
    assert (ended["alerts"], ended["undecided"]) == (2, 2)
    printing.print_test(RuleTest.model_validate(ended))
    shown = capsys.readouterr().out
    assert "not decided: 2 windows, whose time was not over at the end" in shown
    assert "The audit of a mailbox was switched off here: 8 matches" in shown


async def test_of_more_than_is_tried_it_says_how_far_it_looked(mailboxes, monkeypatch) -> None:
    gateway, _ = mailboxes
    text = f"{BASE}---\n{MANY}"
    with monkeypatch.context() as patch:
        patch.setattr(rule_trials, "MOST_TRIED", 4)
        found = await answered(gateway, text=text)
        assert (found["events"], found["alerts"], found["stopped"]) == (4, 1, "events")
        assert found["start"] == "2026-11-23T07:02:00Z"
    with monkeypatch.context() as patch:
        patch.setattr(rule_trials, "_PAGE", 3)
        patch.setattr(CorrelationTest, "full", property(lambda self: len(self._kept) >= 4))
        found = await answered(gateway, text=text)
        assert (found["events"], found["complete"], found["stopped"]) == (6, False, "hits")
        patch.setattr(rule_trials, "MOST_S", -1)
        found = await answered(gateway, text=text)
        assert (found["events"], found["alerts"], found["stopped"]) == (3, 1, "time")
        patch.setattr("aoc_rules.evaluation.trial._AT_ONCE", 2)
        found = await answered(gateway, text=text)
        assert (found["end"], found["alerts"], found["stopped"]) == ("2026-11-23T07:52:00Z", 0, "time")


async def test_a_client_that_hangs_up_ends_what_is_looked_for(mailboxes, monkeypatch) -> None:
    gateway, _ = mailboxes
    monkeypatch.setattr("aoc_rules.evaluation.trial._AT_ONCE", 1)
    going, gone = asyncio.Event(), asyncio.Event()
    loop, evaluate = asyncio.get_running_loop(), CorrelationTest.evaluate

    async def slow(self, until, go_on):
        loop.call_soon_threadsafe(going.set)
        while go_on():
            await asyncio.sleep(0.01)
        loop.call_soon_threadsafe(gone.set)
        return await evaluate(self, until, go_on)

    monkeypatch.setattr(CorrelationTest, "evaluate", slow)
    asked = asyncio.create_task(gateway.client.post(f"{URL}/test", json={"text": f"{BASE}---\n{MANY}"}))
    await asyncio.wait_for(going.wait(), 10)
    asked.cancel()
    await asyncio.wait_for(gone.wait(), 10)

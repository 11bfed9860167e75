"""Alerts at the gateway: found, summed up, worked on, and hidden as their events are."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from aoc_api.access.principal import Principal
from aoc_api.parts.services import make_services
from aoc_api.settings import ApiOptions, ApiSettings, AuditOptions
from aoc_common.clock import SystemClock
from aoc_common.contracts.access import Grant, Hidden
from aoc_common.contracts.alert import MOST_NOTES, FieldValue
from aoc_common.contracts.alert_changes import joined
from aoc_common.contracts.alert_message import AlertMessage
from aoc_common.settings import NatsSettings
from aoc_common.store.alerts import AlertWrite
from aoc_common.store.mongo.alerts import MongoAlertOutbox, MongoAlerts
from aoc_common.store.mongo.client import ensure_indexes
from each import each
from made_alerts import KEEP, NOW, RULE, alert_event, alert_of

URL = "/api/alerts"


def as_(gateway, role, hidden=None):
    """Who asks from now on."""

    async def authenticate(_):
        return Principal("person", "d/kim", "Kim", (Grant(role, tenants=frozenset({"contoso"})),))

    async def hidden_from(*_):
        return hidden or Hidden()

    services = gateway.app.state.services
    policy = type(services.policy)(services.policy.groups_of, hidden_from)
    gateway.app.state.services = replace(services, authenticate=authenticate, policy=policy)


@pytest.fixture
async def alerting(gateway, database):
    """A gateway whose caller is an analyst, the store of alerts, and three alerts of contoso."""
    await ensure_indexes(database, ("alerts",))
    alerts = MongoAlerts(database, KEEP)
    made = [
        alert_of(alert_event(0)),
        alert_of(alert_event(1, 10, service="Teams", operation="ChatCreated"), severity="low"),
        alert_of(alert_event(2, 20), rule=replace(RULE, id="other", title="Another"), severity="low"),
    ]
    other = alert_of(tenant="fabrikam")
    await alerts.write([AlertWrite(one, None, AlertMessage.of(one)) for one in (*made, other)])
    as_(gateway, "analyst")
    return gateway, alerts, made


async def test_what_people_do_is_dated_by_the_databases_clock(
    mongo_settings, database, tmp_path, monkeypatch, eventually
):
    await ensure_indexes(database, ("grants",))
    monkeypatch.setattr(SystemClock, "now", lambda _: datetime.now(UTC) + timedelta(hours=6))
    options = ApiOptions(audit=AuditOptions(spool=tmp_path))
    settings = ApiSettings(mongo=mongo_settings, nats=NatsSettings(url="nats://127.0.0.1:1"), api=options)
    async with make_services(settings)() as services:
        await eventually(lambda: abs(services.clock.now() - datetime.now(UTC)) < timedelta(minutes=1), 20)


async def listed(gateway, **asked):
    answer = await gateway.client.get(URL, params=asked)
    assert answer.status_code == 200, (answer.text, gateway.logged[-3:])
    return [one["id"] for one in answer.json()["items"]]


async def test_alerts_are_listed_newest_first_and_page_by_page_and_filtered(alerting) -> None:
    gateway, _, made = alerting
    ids = [str(one.id) for one in reversed(made)]

    assert await listed(gateway) == ids
    first = (await gateway.client.get(URL, params={"page_size": 2})).json()
    rest = await listed(gateway, page_size=2, cursor=first["next_cursor"])
    assert [*(one["id"] for one in first["items"]), *rest] == ids
    foreign = await gateway.client.get(URL, params={"cursor": first["next_cursor"], "severity": "low"})
    assert foreign.json()["type"] == "/problems/cursor-foreign"
    assert await listed(gateway, severity=["low", "critical"]) == ids[:2]
    assert await listed(gateway, rule="other") == ids[:1]
    assert await listed(gateway, event=str(made[1].events[0].id)) == ids[1:2]
    assert await listed(gateway, start="2026-11-23T08:05:00", end="2026-11-23T08:15:00") == ids[1:2]
    assert await listed(gateway, status=["resolved"]) == await listed(gateway, assignee="me") == []
    for wrong in ({"status": "open"}, {"nothing": 1}, {"start": "2026-11-23", "end": "2026-11-22"}):
        assert (await gateway.client.get(URL, params=wrong)).status_code == 422


async def test_an_alert_is_shown_whole_and_of_its_tenant_alone(alerting) -> None:
    gateway, _, made = alerting
    shown = (await gateway.client.get(f"{URL}/{made[0].id}")).json()

    assert shown["message"] == "Inbox rule forwards mail: 1 event of kim@contoso.example"
    assert shown["events"][0]["matched"] == [{"field": "Parameters.ForwardTo|exists", "value": "mallory0@evil.example"}]
    assert shown["attacks"][0]["sub_technique"] == {"uid": "T1114.003"}
    assert shown["history"][0]["by"]["id"] == "alerter"
    for absent in (UUID(int=1), alert_of(tenant="fabrikam").id):
        assert (await gateway.client.get(f"{URL}/{absent}")).status_code == 404
    assert (await gateway.client.get(f"{URL}/x")).status_code == 422


async def test_what_people_do_is_a_revision_that_is_published(alerting, database) -> None:
    gateway, _alerts, made = alerting
    url = f"{URL}/{made[0].id}"
    person = {"id": "d/kim", "name": "Kim"}
    change = {"status": "in_progress", "assignee": person, "note": "Asked her.", "revision": 1}
    changed = (await gateway.client.patch(url, json=change)).json()
    assert (changed["revision"], changed["status"], changed["assignee"]) == (2, "in_progress", person)
    assert [one["text"] for one in changed["notes"]] == ["Asked her."]
    assert (changed["acknowledged_s"], changed["resolved_s"]) == (0.0, None)
    assert await listed(gateway, assignee="me") == [str(made[0].id)]

    conflict = await gateway.client.patch(url, json={"severity": "low", "revision": 1})
    assert (conflict.status_code, conflict.json()["type"]) == (409, "/problems/conflict")
    gateway.app.state.services.clock.advance(60)
    body = {"status": "resolved", "verdict": "false_positive"}
    done = (await gateway.client.post(f"{url}/status", json=body)).json()
    assert (done["verdict"], done["resolved_s"], done["assignee"]) == ("false_positive", 60.0, person)
    again = (await gateway.client.post(f"{url}/status", json=body)).json()
    assert again["revision"] == done["revision"] == 3
    taken = (await gateway.client.patch(url, json={"assignee": None, "verdict": None, "status": "new"})).json()
    assert (taken["assignee"], taken["verdict"], taken["resolved_s"]) == (None, None, None)

    waiting = {one.alert: [message.revision for message in one.messages]
               for one in await MongoAlertOutbox(database).waiting(10)}  # fmt: skip
    assert waiting[made[0].id] == [1, 2, 3, 4]
    (entry, *_) = await gateway.noted("alerts.status")
    assert '"verdict":"false_positive"' in entry.event["unmapped"]["about"]


async def test_an_alert_has_a_ticket_that_people_set_find_and_take_away(alerting) -> None:
    gateway, _, made = alerting
    url, ticket = f"{URL}/{made[0].id}", {"id": "SEC-1 <b>", "url": "https://tickets.example/1", "system": "tickets"}
    changed = (await gateway.client.patch(url, json={"ticket": ticket, "revision": 1})).json()
    assert (changed["ticket"], changed["revision"]) == (ticket, 2)
    (said,) = changed["history"][-1]["fields"]
    assert said == {"field": "ticket", "old": None, "new": "tickets SEC-1 <b> https://tickets.example/1"}
    assert changed["history"][-1]["by"]["name"] == "Kim"

    assert await listed(gateway, ticket="SEC-1 <b>") == [str(made[0].id)]
    assert await listed(gateway, ticket="SEC-1") == []
    plain = {"id": "SEC-1", "url": None, "system": None}
    assert (await gateway.client.patch(url, json={"ticket": {"id": "SEC-1"}})).json()["ticket"] == plain
    assert (await gateway.client.patch(url, json={"ticket": plain})).json()["revision"] == 3
    assert (await gateway.client.patch(url, json={"ticket": None})).json()["ticket"] is None
    assert await listed(gateway, ticket="SEC-1") == []
    (entry, *_) = await gateway.noted("alerts.change")
    assert '"ticket"' in entry.event["unmapped"]["about"]


async def test_people_and_the_alerter_change_an_alert_at_once_and_lose_nothing(alerting) -> None:
    gateway, alerts, made = alerting
    url = f"{URL}/{made[0].id}"

    async def more(number: int) -> None:
        event = alert_event(100 + number)
        while True:
            stored = (await alerts.of([made[0].id]))[made[0].id]
            after = joined(stored.alert, [event], 0, NOW)
            if await alerts.write([AlertWrite(after, stored, AlertMessage.of(after))]):
                return

    notes = [gateway.client.patch(url, json={"note": f"note {number}"}) for number in range(4)]
    answers = await asyncio.gather(*notes, *(more(number) for number in range(4)))
    assert [one.status_code for one in answers[:4]] == [200] * 4
    shown = (await gateway.client.get(url)).json()
    assert (len(shown["notes"]), len(shown["events"]), shown["revision"]) == (4, 5, 9)


@each(
    "body",
    [{}, {"revision": 1}, {"status": None}, {"status": "open"}, {"note": " "}, {"note": "a\x00b"}, {"x": 1},
     {"assignee": {"id": "d/kim"}}, {"verdict": "guilty"}, {"ticket": {"id": " "}}, {"ticket": {"url": "https://x"}},
     {"ticket": {"id": "1", "url": "javascript:alert(1)"}}, {"ticket": {"id": "1", "system": "A b"}}],
)  # fmt: skip
async def test_what_cannot_be_changed_is_refused(alerting, body) -> None:
    gateway, _, made = alerting

    assert (await gateway.client.patch(f"{URL}/{made[0].id}", json=body)).status_code == 422


async def test_an_alert_has_so_many_notes_and_no_more(alerting) -> None:
    gateway, alerts, made = alerting
    url = f"{URL}/{made[0].id}"
    await gateway.client.patch(url, json={"note": "one"})
    stored = (await alerts.of([made[0].id]))[made[0].id]
    full = replace(stored.alert, notes=stored.alert.notes * MOST_NOTES)
    await alerts.write([AlertWrite(full, stored, None)])

    answer = await gateway.client.patch(url, json={"note": "more"})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/notes-full")


async def test_alerts_are_summed_up(alerting) -> None:
    gateway, _, made = alerting
    gateway.app.state.services.clock.advance(120)
    await gateway.client.post(f"{URL}/{made[0].id}/status", json={"status": "resolved"})
    summary = (await gateway.client.get(f"{URL}/summary")).json()

    assert (summary["alerts"], summary["open"], summary["complete"]) == (3, 2, True)
    assert (summary["by_status"]["new"], summary["by_status"]["resolved"]) == (2, 1)
    assert summary["open_by_severity"]["low"] == 2
    assert [(one["title"], one["alerts"], one["open"]) for one in summary["rules"]] == [
        ("Inbox rule forwards mail", 2, 1),
        ("Another", 1, 1),
    ]
    assert summary["resolved"] == {"alerts": 1, "mean_s": 120.0, "median_s": 120.0, "longest_s": 120.0}
    assert (await gateway.client.get(f"{URL}/summary", params={"rule": "none"})).json()["acknowledged"][
        "mean_s"
    ] is None


async def test_many_are_counted_first_and_then_changed(alerting) -> None:
    gateway, _, _made = alerting
    body = {"status": "resolved", "verdict": "benign", "note": "of the migration"}
    counted = (await gateway.client.post(f"{URL}/bulk", params={"severity": "low"}, json=body)).json()
    assert (counted["count"], counted["changed"]) == (2, None)
    assert await listed(gateway, status="resolved") == []

    other = await gateway.client.post(f"{URL}/bulk", json={**body, "token": counted["token"]})
    assert (other.status_code, other.json()["type"]) == (409, "/problems/bulk-changed")
    with_token = {**body, "token": counted["token"]}
    done = (await gateway.client.post(f"{URL}/bulk", params={"severity": "low"}, json=with_token)).json()
    assert (done["count"], done["changed"], done["full"]) == (2, 2, [])
    assert len(await listed(gateway, status="resolved")) == 2


async def test_a_reader_sees_alerts_and_an_analyst_changes_them(alerting) -> None:
    gateway, _, made = alerting
    as_(gateway, "reader")

    assert len(await listed(gateway)) == 3
    url = f"{URL}/{made[0].id}"
    asked = [
        gateway.client.patch(url, json={"severity": "low"}),
        gateway.client.post(f"{url}/status", json={"status": "resolved"}),
        gateway.client.post(f"{URL}/bulk", json={"status": "resolved"}),
    ]
    assert [one.status_code for one in await asyncio.gather(*asked)] == [403] * 3


async def test_what_is_hidden_of_events_is_hidden_of_their_alerts(alerting) -> None:
    gateway, alerts, made = alerting
    as_(gateway, "analyst", Hidden(services=frozenset({"teams"})))
    assert str(made[1].id) not in await listed(gateway)
    for answer in await asyncio.gather(
        gateway.client.get(f"{URL}/{made[1].id}"), gateway.client.patch(f"{URL}/{made[1].id}", json={"note": "x"})
    ):
        assert answer.status_code == 404
    assert (await gateway.client.get(f"{URL}/summary")).json()["alerts"] == 2

    event = alert_event(
        9,
        90,
        matched=(
            FieldValue("Parameters.SubjectContainsWords|contains", "payroll"),
            FieldValue("ClientIP", "192.0.2.7"),
        ),
        evidence={"src_endpoint": {"ip": "192.0.2.7"}, "actor": {"user": {"name": "kim"}}},
    )
    private = replace(alert_of(event), group=(FieldValue("ip", "192.0.2.7"), FieldValue("actor", "kim")))
    await alerts.write([AlertWrite(private, None, None)])
    as_(gateway, "analyst", Hidden(fields=frozenset({"subject", "address"})))
    changed = await gateway.client.patch(f"{URL}/{private.id}", json={"note": "payroll from 192.0.2.7"})
    for answer in (changed, await gateway.client.get(f"{URL}/{private.id}")):
        assert answer.status_code == 200
        assert "192.0.2.7" not in answer.text
        assert "payroll" not in answer.text
        assert [one["value"] for one in answer.json()["group"]][1] == "kim"
    as_(gateway, "analyst")
    shown = await gateway.client.get(f"{URL}/{private.id}")
    assert "payroll from 192.0.2.7" in shown.text


@pytest.mark.slow
async def test_the_link_between_alert_and_event_leads_both_ways(alerting) -> None:
    gateway, _, made = alerting
    event = (await gateway.client.get(f"{URL}/{made[0].id}")).json()["events"][0]["id"]

    assert await listed(gateway, event=event) == [str(made[0].id)]

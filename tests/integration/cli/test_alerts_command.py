"""`aoc alerts` as an analyst uses it, against a gateway."""

from __future__ import annotations

import asyncio
import json

import pytest

from aoc_common.contracts.access import Grant
from aoc_common.contracts.alert_message import AlertMessage
from aoc_common.store.alerts import AlertWrite
from aoc_common.store.mongo.alerts import MongoAlerts
from aoc_common.store.mongo.client import connect, ensure_indexes
from made_alerts import KEEP, alert_event, alert_of
from signing_in import make_key

ALERTS = [alert_of(), alert_of(alert_event(1, 5), alert_event(2, 6), severity="low")]


@pytest.fixture
def gateway(command_line, mongo_settings, asking_as):
    """A gateway process over two alerts, and the environment of an analyst of contoso."""

    async def fill() -> str:
        async with connect(mongo_settings) as database:
            await ensure_indexes(database, ("alerts",))
            await MongoAlerts(database, KEEP).write([AlertWrite(one, None, AlertMessage.of(one)) for one in ALERTS])
            return await make_key(database, Grant("analyst", frozenset({"contoso"})))

    with asking_as(asyncio.run(fill())):
        yield lambda *arguments: command_line("alerts", *arguments, "--tenant", "contoso")


@pytest.mark.slow
def test_alerts_are_listed_shown_and_set(gateway) -> None:
    listed = gateway("list", "--json")
    low = gateway("list", "--severity", "low", "--since", "2026-11-01T00:00Z")
    first = str(ALERTS[0].id)
    assert [json.loads(line)["id"] for line in listed.out.splitlines()] == [str(one.id) for one in reversed(ALERTS)]
    assert "2 events of kim@contoso" in low.out
    assert first not in low.out

    done = gateway("set", first, "--status", "resolved", "--verdict", "benign", "--assign", "me", "--note", "hers")
    assert (done.status, done.out.strip()) == (0, f"{first}: resolved, revision 2")
    shown = gateway("show", first)
    assert all(
        part in shown.out for part in ("resolved, benign", "mallory0@evil.example", "hers", "T1114", "status new")
    )
    assert first not in gateway("list").out
    url = ("--ticket-url", "https://tickets.example/1")
    assert gateway("set", first, "--ticket", "SEC-1", *url, "--ticket-system", "jira").status == 0
    assert "SEC-1 (jira) https://tickets.example/1" in gateway("show", first).out
    assert json.loads(gateway("list", "--status", "all", "--ticket", "SEC-1", "--json").out)["id"] == first
    assert json.loads(gateway("list", "--status", "resolved", "--json").out)["assignee"]["name"]
    assert gateway("list", "--severity", "critical").status == 1
    wrong = [
        gateway("set", first),
        gateway("set", first, "--status", "open"),
        gateway("list", "--status", "x"),
        gateway("set", first, "--ticket", "1", "--ticket-url", "ftp://x"),
        gateway("set", first, *url),
    ]
    assert [one.status for one in wrong] == [2] * 5
    assert gateway("show", "0b1c5e0f-7a4d-4c4c-9c1c-5d1f7e6a3b21").status == 1

"""Tickets both ways: the ticket system of docs/howto/tickets.md, over real HTTP, and what it must not be able to do."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from standardwebhooks import Webhook
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aoc_alerter.notifying.destination import WebhookOptions
from aoc_alerter.notifying.webhook import SignedWebhook
from aoc_common.clock import SystemClock
from aoc_common.contracts.alert_changes import AlertChange, changed
from aoc_common.contracts.tickets import MOST_HEARD, Ticket, TicketMessage
from aoc_common.store.alerts import AlertWrite
from aoc_common.store.mongo.client import ensure_indexes
from listening import listening
from made_alerts import DANA, alert_event, alert_of
from notified import Telling, route
from receiving import LOCAL, SECRET, serving

if TYPE_CHECKING:
    from aoc_common.contracts.alert import Alert

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "tickets.md"
TO_AOC = "whsec_cXdlcnR5dWlvcGFzZGZnaGprbHp4Y3Zibm0xMjM0NTY="
PATH = "/api/webhooks/tickets/tickets"
NEWS = {"ticket": {"id": "SEC-1"}, "status": "resolved"}


def a_ticket(system: str | None = "tickets") -> Ticket:
    return Ticket("SEC-1", None, system)


def signed(said: Any, identity: str = "msg_1", late_s: float = 0, secret: str = TO_AOC) -> dict[str, Any]:
    """What a request of the ticket system is made of."""
    body, at = said if isinstance(said, str) else json.dumps(said), datetime.now(UTC) - timedelta(seconds=late_s)
    headers = {
        "webhook-id": identity,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(identity, at, body),
    }
    return {"content": body, "headers": headers}


@pytest.fixture
async def gateway(serving_tickets):
    return await serving_tickets(["contoso"])


@pytest.fixture
async def serving_tickets(serving, mongo_settings, store, database, monkeypatch):
    """`await serving_tickets(tenants)`: a gateway, by the time of today, that knows the system `tickets`."""
    monkeypatch.setenv("AOC_TEST_TICKETS", TO_AOC)
    await ensure_indexes(database, ("alerts", "notifications"))

    async def start(tenants):
        systems = {"tickets": {"secret": "env:AOC_TEST_TICKETS", "tenants": tenants}}
        made = await serving(mongo_settings, ticket_systems=systems)
        made.app.state.services = replace(made.app.state.services, clock=SystemClock())
        return made

    return start


class Stand:
    """The alerts as they are stored, and a route to the ticket system."""

    def __init__(self, database: Any) -> None:
        self.telling = Telling(database, route(name="tickets", resolved=True))

    async def alert(self, made: Alert) -> Alert:
        return (await self.telling.alerts.of([made.id]))[made.id].alert

    async def has(self, made: Alert, change: AlertChange) -> None:
        """A person changes it, and the revision is published."""
        stored = (await self.telling.alerts.of([made.id]))[made.id]
        after = changed(stored.alert, change, DANA, self.telling.clock.now())
        await self.telling.alerts.write([AlertWrite(after, stored, None)])
        await self.goes_on(made)

    async def goes_on(self, made: Alert) -> None:
        """What is stored is published, and told."""
        await self.telling.taken_in(await self.alert(made))
        await self.telling.goes_on(600)


async def test_a_ticket_is_made_of_an_alert_and_closes_it(gateway, database) -> None:
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    example: dict[str, Any] = {}
    exec(code[1], example)  # our own page
    told: list[dict[str, Any]] = []

    async def hook(request: Any) -> Response:
        body = (await request.body()).decode()
        answer = example["take"](body, dict(request.headers))
        told.append(json.loads(body))
        return JSONResponse(answer)

    stand, made = Stand(database), alert_of()
    async with listening(gateway.app) as address, serving([Route("/hook", hook, methods=["POST"])]) as url:
        example |= {"FROM_AOC": SECRET, "TO_AOC": TO_AOC, "GATEWAY": address}
        webhook = SignedWebhook(WebhookOptions(url=f"{url}/hook", secret=SECRET, http=LOCAL), SystemClock())

        async def make(_: object) -> Any:
            return webhook

        stand.telling.tools = replace(stand.telling.tools, make=make)
        stand.telling.restart()
        await stand.telling.comes(made)
        await stand.telling.goes_on()
        held = await stand.alert(made)
        assert (held.ticket.id, held.ticket.system, held.revision) == ("SEC-1", "tickets", 2)
        await stand.goes_on(made)
        assert [one["type"] for one in told] == ["aoc.alert.new"], "that it has a ticket is told nobody"
        said = told[0]["data"]["alert"]
        assert [said[name] for name in ("id", "revision", "severity", "status", "ticket")] == [
            str(made.id), 1, "high", "new", None,
        ]  # fmt: skip

        [ticket] = example["tickets"].values()
        answer = await asyncio.to_thread(example["close"], ticket, "Her own rule.")
        assert (answer.status_code, answer.json()) == (
            200, {"tenant": "contoso", "alerts": [str(made.id)], "changed": 1},
        )  # fmt: skip
        closed = await stand.alert(made)
        assert (closed.status, closed.history[-1].by.id, closed.notes[-1].text) == (
            "resolved", "ticket:tickets", "Her own rule.",
        )  # fmt: skip
        await stand.goes_on(made)
        assert len(told) == 1, "the ticket knows what it has said"
        async with httpx.AsyncClient(base_url=address, timeout=30) as system:
            await system.post(PATH, **signed({"ticket": {"id": "SEC-1"}, "status": "In Progress"}))
        await stand.goes_on(made)
        assert ((await stand.alert(made)).status, len(told)) == ("in_progress", 1)

        await stand.has(made, AlertChange("suppressed"))
        await stand.has(made, AlertChange("new"))
        assert [one["type"] for one in told[1:]] == ["aoc.alert.resolved", "aoc.alert.new"], "people's changes are told"
        assert told[-1]["data"]["alert"]["ticket"]["id"] == (await stand.alert(made)).ticket.id == "SEC-1"
        await webhook.close()
    (entry, *_) = await gateway.noted("alerts.ticket")
    assert entry.event["actor"]["user"]["uid"] == "ticket:tickets"


async def test_what_is_forged_old_or_sent_again_changes_nothing(gateway, database) -> None:
    stand, made = Stand(database), alert_of()
    await stand.telling.comes(made)
    await stand.has(made, AlertChange(ticket=a_ticket()))
    good = signed(NEWS)
    other = {"content": good["content"].replace("resolved", "suppressed"), "headers": good["headers"]}
    forged = [
        {"content": good["content"]},
        other,
        signed(NEWS, secret=SECRET),
        signed(NEWS, late_s=400),
        signed(NEWS, late_s=-400),
        {"content": good["content"], "headers": {**good["headers"], "webhook-id": "msg_2"}},
        {"content": good["content"], "headers": {**good["headers"], "webhook-timestamp": "soon"}},
    ]
    answers = [await gateway.client.post(PATH, **one) for one in forged]
    assert [one.json()["type"] for one in answers] == ["/problems/webhook-refused"] * len(forged)
    assert (await gateway.client.post(f"{PATH}-2", **good)).status_code == 404
    assert (await stand.alert(made)).revision == 2

    assert (await gateway.client.post(PATH, **good)).json()["changed"] == 1
    await stand.has(made, AlertChange("new"))
    again = [await gateway.client.post(PATH, **one) for one in (good, signed(NEWS, late_s=200))]
    assert [(one.status_code, one.json()["changed"]) for one in again] == [(200, 0)] * 2
    assert (await stand.alert(made)).status == "new"


async def test_a_system_reaches_alerts_with_its_tickets_in_its_tenants(serving_tickets, database) -> None:
    gateway, stand = await serving_tickets(["contoso", "fabrikam"]), Stand(database)
    mine, theirs = alert_of(), alert_of(alert_event(1, 5))
    await stand.telling.comes(mine, theirs)
    await stand.has(mine, AlertChange(ticket=a_ticket(system=None)))
    await stand.has(theirs, AlertChange(ticket=a_ticket(system="jira")))

    async def status(said: Any, identity: str) -> tuple[int, Any]:
        answer = (await gateway.client.post(PATH, **signed(said, identity))).json()
        return answer.get("status", 200), [one["name"] for one in answer.get("errors", ())] or answer.get("alerts")

    here = {**NEWS, "tenant": "contoso"}
    refused = {
        "no tenant": (NEWS, (422, ["tenant"])),
        "not its own": ({**NEWS, "tenant": "tailspin"}, (403, None)),
        "no such ticket": ({**here, "ticket": {"id": "SEC-2"}}, (404, None)),
        "another tenant's": ({**NEWS, "tenant": "fabrikam"}, (404, None)),
        "no status": ({**here, "status": "done"}, (422, ["status"])),
        "no id": ({**here, "ticket": {"id": ""}}, (422, ["ticket.id"])),
        "nothing said": ({"ticket": {"id": "SEC-1"}, "tenant": "contoso"}, (422, ["body"])),
        "misspelt": ({**here, "verdit": "benign"}, (422, ["verdit"])),
        "no JSON": ("{", (400, None)),
        "twice": ('{"status": "new", "status": "resolved"}', (400, None)),
    }
    found = {name: await status(said, f"msg_{name.replace(' ', '_')}") for name, (said, _) in refused.items()}
    assert found == {name: expected for name, (_, expected) in refused.items()}
    assert await status({**here, "verdict": "false-positive"}, "msg_good") == (200, [str(mine.id)])
    assert ((await stand.alert(mine)).verdict, (await stand.alert(theirs)).status) == ("false_positive", "new")

    stored = (await stand.telling.alerts.of([mine.id]))[mine.id]
    full = tuple(TicketMessage(str(number), datetime.now(UTC)) for number in range(MOST_HEARD))
    await stand.telling.alerts.write([AlertWrite(replace(stored.alert, heard=full), stored, None)])
    assert (await status({**here, "status": "new"}, "msg_more"))[0] == 503

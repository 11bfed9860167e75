"""What a tenant hides from a role is in no answer of any route, and what break-glass does to that."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pyarrow import BufferReader
from pyarrow.parquet import read_table

import access_table
from aoc_api.access.policy import AccessPolicy
from aoc_api.access.principal import Principal, PrincipalKind
from aoc_api.access.privacy import Privacy
from aoc_api.access.recent import FRESH_S
from aoc_common.contracts import terms
from aoc_common.contracts.access import Grant, Role
from aoc_common.contracts.rows import FIELDS
from aoc_common.store.mongo.break_glass import MongoBreakGlass
from aoc_common.store.mongo.privacy_rules import MongoPrivacyRules
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.quarantine import QuarantineEntry
from aoc_common.tenants.file_registry import FileTenants
from aoc_common.tenants.privacy import PrivacyRule
from aoc_common.tenants.tenant import Tenant

ROWS = [row for row in access_table.rows() if row.over == "tenant" and row.method == "GET"]
GUID = "00000000-0000-0000-0000-000000000001"
#: Stand in what is hidden, and nowhere else.
SERVICE, OPERATION, SUBJECT = "quokka", "zanzibar", "walrus"
#: What all of these events are found by: who did it, and from where.
DANA = tuple(term for text in ("dana@contoso.example", "203.0.113.9") for term in terms.name_terms(text))
RULES = (
    PrivacyRule(services=(SERVICE,), operations=(f"New-{OPERATION}",), fields=("subject",)),
    PrivacyRule(hidden_from="reader", fields=("address",), break_glass=None),
)


#: Routes that count what the same filters leave.
COUNTING = {"/api/facets", "/api/histogram", "/api/summary", "/api/filter-options"}


class Hiding:
    """A gateway whose tenant contoso has rules, and who calls it."""

    def __init__(self, gateway, database, events: dict[str, str]) -> None:
        self.events = events
        self.gateway, self.clock, self.rules = gateway, gateway.app.state.services.clock, RULES
        self.there = True
        registry = FileTenants(self.tenants, self.clock, 0)
        self.lifts = MongoBreakGlass(database)
        self.privacy = Privacy(registry, MongoPrivacyRules(database), self.lifts, self.clock)
        self.as_("reader")

    def tenants(self) -> tuple[Tenant, ...]:
        tenant = Tenant(name="contoso", tenant_id=GUID, client_id=GUID, privacy=self.rules)
        return (tenant,) if self.there else ()

    def as_(self, role: Role, identity: str = "d/kim", kind: PrincipalKind = "person") -> None:
        async def authenticate(_: Any) -> Principal:
            return Principal(kind, identity, "Kim Vale", (Grant(role, tenants=frozenset({"contoso"})),))

        self.gateway.app.state.services = replace(
            self.gateway.app.state.services,
            authenticate=authenticate,
            privacy=self.privacy,
            break_glass=self.lifts,
            policy=AccessPolicy(self.privacy.groups_of, self.privacy.hidden_from),
        )

    async def sees(self) -> set[str]:
        """Which of the marks are in the list and the facets."""
        text = ""
        for path in ("/api/events?page_size=50", "/api/facets?start=2026-11-01T00:00:00Z"):
            text += (await self.gateway.client.get(path)).text
        return {mark for mark in (SERVICE, OPERATION, SUBJECT) if mark in text}

    async def lift(self, **changes: Any):
        body = {"tenant": "contoso", "reason": "case 4711, who read it", "minutes": 60} | changes
        return await self.gateway.client.post("/api/break-glass", json=body)


@pytest.fixture
async def hiding(gateway, store, event, database) -> Hiding:
    message = f"Dana read {SUBJECT}"
    mail = event(
        "mail",
        hours=1,
        operation="MailItemsAccessed",
        terms=(*DANA, *terms.name_terms(SUBJECT)),
        raw=json.dumps({"Id": "mail", "Subject": SUBJECT}),
        unmapped={"Subject": SUBJECT},
        ocsf={"metadata": {"uid": "mail"}, "class_uid": 6003, "message": message,
              "resources": [{"name": SUBJECT, "type": "message"}]},
    )  # fmt: skip
    made = [
        mail,
        event("service", hours=2, service=SERVICE, operation="x", terms=(*DANA, SERVICE), raw=f'{{"{SERVICE}":1}}'),
        event("operation", hours=3, operation=f"New-{OPERATION}", terms=(*DANA, OPERATION)),
        event("plain", hours=4, terms=DANA),
    ]
    await store(*made)
    return Hiding(gateway, database, {one.ocsf["metadata"]["uid"]: str(one.id) for one in made})


QUERIES = ["", f"&q={SUBJECT}", f"&q={SUBJECT[:4]}*", f"&q={OPERATION}", f"&q=raw:{SUBJECT}", f"&q=-{SUBJECT}",
           f"&service={SERVICE}", "&q=dana", "&twins=out", f"&operation=new-{OPERATION}", "&ip=203.0.113.9",
           f"&q={SUBJECT}s", "&q=-raw:dana"]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_no_route_tells_what_is_hidden(hiding, row) -> None:
    for event in hiding.events.values():
        for query in QUERIES if "{" not in row.path else [""]:
            asked = access_table.request(row, "contoso", event)
            url = asked["url"] + "?tenant=contoso" + (query if "/events" in row.path or row.path in COUNTING else "")
            text = (await hiding.gateway.client.get(url)).text.replace(event, "")

            # What was asked for is named again where it is wrong, or not found.
            told = [mark for mark in (SERVICE, OPERATION, SUBJECT) if mark in text and mark not in query]
            assert told == [], f"{url}: {text}"
            assert '"203.0.113.9"' not in text


async def test_what_waits_for_a_decision_is_named_and_counted_without_what_it_holds(hiding, database) -> None:
    text, at = f'{{"Subject":"{SUBJECT}', hiding.clock.now()
    await MongoQuarantine(database).put(
        [QuarantineEntry("contoso/x#1", "contoso", "o365-exchange", "s", "p", f"not JSON: {text}", text, at)]
    )
    paths = ("/api/quarantine", "/api/quarantine/counts", "/api/quarantine/content?id=contoso%2Fx%231")

    hidden = [(await hiding.gateway.client.get(path)).text for path in paths]
    oracle = await hiding.gateway.client.get(f"/api/quarantine?reason={SUBJECT[:3]}")
    hiding.as_("superadmin")
    hiding.rules = ()
    shown = [(await hiding.gateway.client.get(path)).text for path in paths]

    assert [SUBJECT in answer for answer in hidden] == [False, False, False]
    assert [json.loads(hidden[0])["items"][0]["withheld"], json.loads(hidden[2])["content"]] == [True, None]
    assert oracle.status_code == 422
    assert [SUBJECT in answer for answer in shown] == [True, False, True]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["csv", "jsonl", "ocsf", "parquet"])
async def test_an_export_holds_only_what_its_reader_sees(hiding, form: str) -> None:
    every = ",".join([*FIELDS, "event.resources.0.name", "unmapped.Subject"])
    asked = {"format": form} | ({} if form == "ocsf" else {"fields": every})
    hidden = await exported(hiding, **asked)
    hiding.as_("admin")
    whole = await exported(hiding, **asked)

    # These events' own OCSF has neither operation nor address.
    there = (SERVICE, SUBJECT) if form == "ocsf" else (SERVICE, OPERATION, SUBJECT, "203.0.113.9")
    assert [mark for mark in there if mark not in whole] == []
    assert [mark for mark in (SERVICE, OPERATION, SUBJECT, "203.0.113.9") if mark in hidden] == []
    assert "[hidden]" in hidden


async def exported(hiding: Hiding, **parameters: str) -> str:
    """The text of an export."""
    answer = await hiding.gateway.get("/api/events/export", **parameters)
    if parameters["format"] == "parquet":
        return str(read_table(BufferReader(answer.content)).to_pylist())
    return str(answer.text)


async def test_what_is_hidden_as_a_whole_is_not_found_and_values_are_marked(hiding) -> None:
    get = hiding.gateway.client.get
    answers = {name: await get(f"/api/events/{event}") for name, event in hiding.events.items()}

    assert {name: answer.status_code for name, answer in answers.items()} == {
        "mail": 200, "service": 404, "operation": 404, "plain": 200,
    }  # fmt: skip
    assert "[hidden]" in answers["mail"].json()["raw"]
    assert answers["plain"].json()["ip"] is None
    listed = (await get("/api/events", params={"q": "dana"})).json()["items"]
    assert {one["id"] for one in listed} == {hiding.events["mail"], hiding.events["plain"]}


async def test_a_role_above_those_that_a_rule_names_sees_all(hiding) -> None:
    hiding.as_("admin")

    assert await hiding.sees() == {SERVICE, OPERATION, SUBJECT}
    assert (await hiding.gateway.get(f"/api/events/{hiding.events['plain']}")).json()["ip"] == "203.0.113.9"


async def test_what_belongs_to_an_event_is_what_its_reader_sees(hiding) -> None:
    related = f"/api/events/{hiding.events['plain']}/related"
    seen = {}
    for role in ("reader", "admin"):
        hiding.as_(role)
        groups = (await hiding.gateway.get(related)).json()["groups"]
        seen[role] = {group["reason"]: len(group["items"]) for group in groups}

    # Three others have its actor, two of which are hidden as a whole from a reader, as all addresses are.
    assert seen == {"reader": {"actor": 1}, "admin": {"actor": 3, "address": 3}}


async def test_an_entity_is_what_its_reader_sees_of_it(hiding) -> None:
    seen = {}
    for role in ("reader", "admin"):
        hiding.as_(role)
        user = await hiding.gateway.get("/api/entities/user/dana@contoso.example")
        address = await hiding.gateway.get("/api/entities/address/203.0.113.9")
        [acted, _upon] = user.json()["activities"]
        seen[role] = acted["events"], len(acted["addresses"]), address.status_code

    assert seen == {"reader": (2, 0, 404), "admin": (4, 1, 200)}


async def test_the_text_of_a_search_that_others_share_tells_nobody_more_than_its_owner_may_see(hiding) -> None:
    hiding.as_("admin")
    body = {"name": SUBJECT, "shared": True, "parameters": {"q": SUBJECT, "service": SERVICE}}
    kept = (await hiding.gateway.client.post("/api/saved-searches", json=body)).json()["id"]
    for path in ("/api/saved-searches", f"/api/saved-searches/{kept}"):
        hiding.as_("reader", "d/lee")
        assert SUBJECT not in (await hiding.gateway.get(path)).text
        hiding.as_("admin", "d/ann")
        assert SUBJECT in (await hiding.gateway.get(path)).text


async def test_a_cursor_of_other_rights_is_refused(hiding) -> None:
    hiding.as_("admin")
    cursor = (await hiding.gateway.get("/api/events", page_size=1)).json()["next_cursor"]
    hiding.as_("reader")
    refused = await hiding.gateway.get("/api/events", page_size=1, cursor=cursor)

    assert refused.json()["type"] == "/problems/cursor-foreign"


async def test_who_breaks_the_glass_sees_until_the_last_second_and_is_on_record(hiding) -> None:
    hiding.as_("analyst")
    assert await hiding.sees() == set()
    lift = await hiding.lift(minutes=5)

    assert lift.status_code == 201
    assert await hiding.sees() == {SERVICE, OPERATION, SUBJECT}
    hiding.as_("analyst", "d/lee")
    assert await hiding.sees() == set()
    hiding.as_("analyst")
    hiding.clock.advance(299)
    assert await hiding.sees() == {SERVICE, OPERATION, SUBJECT}
    hiding.clock.advance(1)
    assert await hiding.sees() == set()
    [entry] = await hiding.gateway.noted("glass.broken")
    assert (entry.actor, entry.chain.tenant) == ("d/kim", "contoso")
    assert "case 4711, who read it" in entry.event["unmapped"]["about"]


async def test_it_is_ended_by_who_broke_it_or_by_an_administrator_and_by_nobody_else(hiding) -> None:
    for ends, role, status in (("d/lee", "analyst", 404), ("d/kim", "analyst", 200), ("d/lee", "admin", 200)):
        hiding.as_("analyst")
        lift = (await hiding.lift()).json()["id"]
        hiding.as_(role, ends)
        answer = await hiding.gateway.client.delete(f"/api/break-glass/{lift}")
        assert answer.status_code == status
        hiding.as_("analyst")
        assert (await hiding.sees() == set()) is (status == 200)
        if status == 404:
            await hiding.gateway.client.delete(f"/api/break-glass/{lift}")
    assert (await hiding.gateway.client.delete(f"/api/break-glass/{lift}")).status_code == 404


async def test_an_administrator_sees_who_broke_the_glass_and_others_see_their_own(hiding) -> None:
    for identity in ("d/kim", "d/lee"):
        hiding.as_("analyst", identity)
        await hiding.lift()
    names = {}
    for identity, role in (("d/kim", "analyst"), ("d/ann", "admin"), ("d/ann", "reader")):
        hiding.as_(role, identity)
        items = (await hiding.gateway.get("/api/break-glass")).json()["items"]
        names[identity, role] = {one["principal"] for one in items}

    assert names == {
        ("d/kim", "analyst"): {"d/kim"},
        ("d/ann", "admin"): {"d/kim", "d/lee"},
        ("d/ann", "reader"): set(),
    }


async def test_a_role_that_no_rule_lets_do_it_cannot_break_the_glass(hiding) -> None:
    assert (await hiding.lift()).status_code == 403
    hiding.as_("admin")
    assert (await hiding.lift()).json()["type"] == "/problems/nothing-hidden"
    for kind in ("application", "api-key"):
        hiding.as_("analyst", kind=kind)
        assert (await hiding.lift()).status_code == 403
    hiding.as_("analyst")
    assert (await hiding.lift(reason="because")).status_code == 422
    assert (await hiding.lift(reason=" " * 40)).status_code == 422
    assert (await hiding.lift(minutes=0)).status_code == 422
    assert (await hiding.lift(minutes=8 * 60 + 1)).status_code == 422
    assert (await hiding.lift(tenant="fabrikam")).status_code == 403
    assert (await hiding.gateway.get("/api/break-glass")).json()["items"] == []


async def test_what_cannot_be_recorded_is_not_lifted(hiding) -> None:
    hiding.as_("analyst")

    async def full(_: Any) -> None:
        raise OSError("the disk is full")

    services = hiding.gateway.app.state.services
    hiding.gateway.app.state.services = replace(services, record_change=full)

    assert (await hiding.lift()).status_code == 500
    assert await hiding.sees() == set()


async def test_rules_hold_on_when_their_tenant_leaves_the_registry(hiding) -> None:
    await hiding.privacy.remember()
    hiding.there = False
    assert await hiding.sees() == set()

    hiding.there, hiding.rules = True, ()
    assert await hiding.sees() == {SERVICE, OPERATION, SUBJECT}
    await hiding.privacy.remember()
    hiding.there = False
    hiding.clock.advance(FRESH_S)
    assert await hiding.sees() == {SERVICE, OPERATION, SUBJECT}

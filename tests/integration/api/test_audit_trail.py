"""What a request leaves behind in the audit trail, through the whole gateway."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.responses import StreamingResponse
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from aoc_api.access.note import Note  # noqa: TC001  # FastAPI reads annotations
from aoc_api.access.principal import Principal
from aoc_api.audit.acts import Act, Action, action_of, audited, ocsf_of
from aoc_api.audit.sign_in_failures import ALL, EACH, SignInFailures
from aoc_api.deps import Noted, ReaderScope, principal_of
from aoc_api.problems import Problem
from aoc_common.store.audit_trail import AuditQuery
from aoc_common.store.mongo.audit_trail import MongoAuditTrail
from each import each
from manual_clock import ManualClock

from .conftest import NOW, noted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aoc_common.store.mongo.client import Database

    from .conftest import Gateway


@pytest.fixture
async def gateway(unstored: None, serving, mongo_settings, store) -> Gateway:
    return await serving(mongo_settings)


async def test_a_search_is_noted_with_who_what_from_where_and_how_many(gateway, store, event) -> None:
    await store(event("a"), event("b"))
    answer = await gateway.get("/api/events", q="service:exchange", tenant="contoso")

    [entry] = noted(gateway)
    assert (entry["class_uid"], entry["status"], entry["unmapped"]["rows"]) == (6005, "Success", 2)
    assert entry["query_info"]["query_string"] == "GET /api/events?q=service%3Aexchange&tenant=contoso"
    assert entry["metadata"]["correlation_uid"] == answer.headers["x-request-id"]
    assert entry["metadata"]["tenant_uid"] == "contoso"
    assert entry["src_endpoint"] == {"ip": "127.0.0.1"}
    assert entry["actor"]["user"]["uid"]


async def test_each_request_is_one_entry_and_what_is_refused_is_one_too(gateway, store, event) -> None:
    await store(event("a"))
    requests = {
        "/api/events": 200,
        "/api/events/00000000-0000-8000-8000-000000000000": 404,
        "/api/events?nonsense=1": 422,
        "/api/facets": 200,
        "/api/completeness": 200,
        "/api/source-health": 200,
        "/api/audit-trail": 200,
        "/api/audit-trail/installation": 200,
    }
    for path, status in requests.items():
        assert (await gateway.client.get(path)).status_code == status

    assert [int(entry["status_code"]) for entry in noted(gateway)] == list(requests.values())


@pytest.mark.parametrize("path", ["/health", "/livez", "/readyz", "/metrics", "/problems/busy"])
async def test_what_is_open_to_everybody_is_not_noted(gateway, path: str) -> None:
    await gateway.get(path)

    assert noted(gateway) == []


async def test_a_request_that_cannot_be_noted_is_not_answered_and_nothing_is_done(gateway, store, event) -> None:
    await store(event("a"))
    asked: list[object] = []

    async def publish(jobs: object) -> list[bool]:
        asked.append(jobs)
        return [True]

    services = gateway.app.state.services
    gateway.app.state.services = replace(services, publish_jobs=publish)
    services.audit._spool._most = 0  # full
    backfill = {"source": "o365-exchange", "start": "2026-11-20T00:00:00Z", "end": "2026-11-21T00:00:00Z"}
    for answer in (await gateway.get("/api/events"), await gateway.client.post("/api/fetch-audit-logs", json=backfill)):
        assert answer.status_code == 503
        assert answer.json()["type"] == "/problems/not-noted"
        assert answer.headers["retry-after"]

    assert asked == []
    assert (await gateway.get("/livez")).status_code == 200
    services.audit._spool._most = 64 << 20
    assert (await gateway.get("/api/events")).status_code == 200


async def test_an_answer_whose_entry_finds_no_room_does_not_leave(gateway, store, event, monkeypatch) -> None:
    await store(event("a"))
    monkeypatch.setattr("aoc_api.audit.trail.AuditTrail.admitted", lambda _: nullcontext(enter_result=True))
    gateway.app.state.services.audit._spool._most = 0  # full

    answer = await gateway.get("/api/events")
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/not-noted"
    assert "items" not in answer.text


async def test_refusals_of_people_who_are_not_signed_in_are_noted_as_sign_ins_and_do_not_fill_the_trail(
    gateway,
) -> None:
    async def nobody(_: object) -> Principal:
        raise Problem("forbidden", "Who are you?")

    services = gateway.app.state.services
    gateway.app.state.services = replace(services, authenticate=nobody)
    answers = {(await gateway.get("/api/events")).status_code for _ in range(5)}
    assert len(noted(gateway)) == 5
    assert answers == {403}


def test_a_flood_of_refusals_is_noted_in_part_and_the_rest_is_counted() -> None:
    clock = ManualClock(NOW)
    failures = SignInFailures(clock)

    first = [failures.left_out("203.0.113.1") for _ in range(50)]
    others = [failures.left_out(f"198.51.100.{number}") for number in range(250)]
    assert first == [0] * EACH + [None] * (50 - EACH)
    assert others[0] == 50 - EACH
    assert sum(count is not None for count in others) == ALL - EACH
    clock.advance(61)
    assert failures.left_out("203.0.113.1") == 250 - (ALL - EACH)
    assert failures.left_out("203.0.113.1") == 0


@pytest.mark.parametrize("ending", ["whole", "broken off"])
async def test_an_answer_that_streams_is_noted_at_its_beginning_and_at_its_end(gateway, ending: str) -> None:
    @gateway.app.get("/api/streams")  # type: ignore[untyped-decorator]
    @audited("events.export", "read")
    async def streams(_: ReaderScope, note: Noted) -> StreamingResponse:
        note.streamed = True
        return StreamingResponse(rows(note))

    async def rows(note: Note) -> AsyncIterator[bytes]:
        for number in range(3):
            note.rows = number + 1
            yield b"row\n"
            if ending == "broken off" and number == 1:
                raise ConnectionResetError
        note.digest = "ab" * 32

    if ending == "whole":
        assert (await gateway.get("/api/streams")).text == "row\n" * 3
    else:
        with pytest.raises(ConnectionResetError):
            await gateway.get("/api/streams")

    begun, ended = noted(gateway)
    assert (begun["unmapped"]["ended"], begun["status"]) == ("begun", "Success")
    assert ended["unmapped"]["ended"] == ending
    assert ended["unmapped"]["rows"] == (3 if ending == "whole" else 2)
    assert ended["unmapped"].get("sha256") == ("ab" * 32 if ending == "whole" else None)
    assert ended["status"] == ("Success" if ending == "whole" else "Failure")


async def test_entries_reach_the_store_by_themselves_and_are_served(
    serving, mongo_settings, store, database: Database, eventually
) -> None:
    gateway = await serving(mongo_settings)
    await gateway.get("/api/events", q="first")

    async def there() -> bool:
        return len(await MongoAuditTrail(database).search(AuditQuery("contoso"))) > 0

    await eventually(there, 10)
    page = (await gateway.get("/api/audit-trail", action="events.search", page_size=1)).json()
    assert [item["action"] for item in page["items"]] == ["events.search"]
    assert page["next_before"] is None
    assert (await gateway.get("/api/audit-trail", actor="nobody")).json()["items"] == []


@pytest.mark.slow
@each("kind", ["sign-in", "sign-out", "read", "create", "change", "delete"])
@each("status", [200, 403])
def test_entries_are_valid_by_the_official_schema(kind: Any, status: int) -> None:
    kim = Principal("person", "d/kim", "Kim Vale", (), "72f988bf-86f1-41af-91ab-2d7cd011db47")
    for principal in (kim, replace(kim, kind="api-key", directory_id=None), None):
        act = Act(
            action=Action("tenants.change", kind),
            at=NOW + timedelta(milliseconds=5),
            status=status,
            request_id="r",
            tenant="contoso",
            principal=principal,
            address="203.0.113.9",
            asked="PUT /api/tenants/contoso?",
            rows=1,
            about="sources: all to o365-exchange",
        )
        event = ocsf_of(act)
        schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0"))
        name = schema.lookup_class_name_from_uid(class_uid=event["class_uid"])
        faults = list(_validator(schema.get_class_schema(class_name=name)).iter_errors(event))
        assert faults == []


def _validator(schema: dict[str, Any]) -> Any:
    return Draft202012Validator(schema)


def test_every_route_that_takes_a_principal_is_noted(gateway) -> None:
    def takes(dependant: Any) -> bool:
        return dependant.call is principal_of or any(map(takes, dependant.dependencies))

    routes = [route for route in gateway.app.state.addresses if hasattr(route, "dependant") and takes(route.dependant)]

    assert "/api/events" in {route.path for route in routes}
    assert [route.path for route in routes if action_of(route.endpoint) is None] == []


async def test_many_requests_at_once_find_room_and_are_noted_each(gateway, store, event) -> None:
    await store(event("a"))
    answers = await asyncio.gather(*(gateway.get("/api/source-health") for _ in range(16)))

    assert {answer.status_code for answer in answers} == {200}
    assert len(noted(gateway)) == 16

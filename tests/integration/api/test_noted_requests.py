"""What a request's entry in the audit trail says of it, and what is noted that is no answer of a route."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from threading import get_ident
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import pytest

from aoc_api.access.principal import Grant, Principal
from aoc_api.audit.sign_in_failures import EACH
from aoc_api.audit.spool import Spool
from aoc_common.store.mongo.tenant_settings import MongoTenantSettings
from aoc_common.tenants.records import TenantRecord, TenantRevision
from tenant_registry import SIMULATED, settings_of

from .conftest import NOW, noted

if TYPE_CHECKING:
    from .conftest import Gateway


@pytest.fixture
async def gateway(unstored: None, serving, mongo_settings, store) -> Gateway:
    return await serving(mongo_settings)


def of_somebody(gateway: Gateway, *grants: Grant) -> Principal:
    """From now on requests are sent by a person who holds these."""
    lee = Principal("person", "d/lee", "Lee", grants)

    async def authenticate(_: object) -> Principal:
        return lee

    gateway.app.state.services = replace(gateway.app.state.services, authenticate=authenticate)
    return lee


@pytest.mark.parametrize("path", ["/metrics", "/health", "/api/events?secret=1"])
async def test_credentials_that_are_refused_are_noted_also_where_anybody_may_ask(gateway, path: str) -> None:
    await gateway.client.get(path, headers={"Authorization": "Bearer aoc_guessed"})

    [entry] = noted(gateway)
    assert (entry["class_uid"], entry["status"], entry["status_code"]) == (3002, "Failure", "401")
    assert entry["unmapped"]["asked"] == f"GET {path.partition('?')[0]}"


async def test_a_key_that_may_not_see_how_the_gateway_does_is_noted_by_name(gateway) -> None:
    lee = of_somebody(gateway, Grant("reader", tenants=frozenset({"contoso"})))
    assert (await gateway.get("/metrics")).status_code == 403

    [entry] = noted(gateway)
    assert (entry["status_code"], entry["actor"]["user"]["uid"]) == ("403", lee.id)


async def test_strangers_cannot_fill_the_trail(gateway) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(gateway.app), base_url="http://127.0.0.1:8080"
    ) as client:
        for _ in range(5):
            assert (await client.get("/health")).status_code == 200
            assert (await client.post("/auth/logout")).status_code == 204
        assert noted(gateway) == []
        for _ in range(3 * EACH):
            assert (await client.put("/auth/logout")).status_code == 405

    assert len(noted(gateway)) == EACH


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/events?tenant=contoso&tenant=contoso", None),
        ("GET", "/api/events?page_size=none", None),
        ("POST", "/api/grants", b"{"),
        ("POST", "/api/grants", b'{"role": "owner"}'),
    ],
)
async def test_who_asks_is_noted_also_where_the_request_cannot_be_read(gateway, method, path, body) -> None:
    lee = of_somebody(gateway, Grant("superadmin", everything=True))
    assert (await gateway.client.request(method, path, content=body)).status_code in {400, 422}

    [entry] = noted(gateway)
    assert entry["actor"]["user"]["uid"] == lee.id


async def test_what_failed_unexpectedly_is_noted_since_it_may_be_done(gateway, monkeypatch) -> None:
    async def failing(*_: object) -> None:
        raise RuntimeError("half done")

    monkeypatch.setattr(type(gateway.app.state.services.grant_store), "listed", failing)
    assert (await gateway.get("/api/grants")).status_code == 500

    [entry] = noted(gateway)
    assert (entry["status_code"], entry["unmapped"]["action"]) == ("500", "grants.list")


async def test_changes_of_a_tenant_are_noted_about_it_with_what_was_changed(gateway) -> None:
    of_somebody(gateway, Grant("superadmin", everything=True))
    unchecked = {"check": "false"}
    settings = settings_of("fabrikam", **SIMULATED)
    assert (await gateway.client.post("/api/tenants", json=settings, params=unchecked)).status_code == 201
    match, patch = {"If-Match": '"1"'}, {"groups": ["retail"], "authority": "nonsense"}
    path = "/api/tenants/fabrikam"
    assert (await gateway.client.patch(path, json=patch, params=unchecked, headers=match)).status_code == 422
    del patch["authority"]
    assert (await gateway.client.patch(path, json=patch, params=unchecked, headers=match)).status_code == 200

    added, refused, changed = noted(gateway)
    assert {entry["metadata"]["tenant_uid"] for entry in (added, refused, changed)} == {"fabrikam"}
    assert "added as revision 1" in added["unmapped"]["about"]
    assert refused["unmapped"]["about"] == "authority, groups"
    assert changed["unmapped"]["about"] == "changed as revision 2: groups (not checked)"


async def test_the_rights_of_a_new_key_are_noted_with_its_id_also_when_they_are_refused(gateway) -> None:
    of_somebody(gateway, Grant("admin", tenants=frozenset({"contoso"})))
    wish = {"name": "nightly", "grants": [{"role": "reader", "tenants": ["contoso"]}], "days": 9}
    made = (await gateway.client.post("/api/api-keys", json=wish)).json()
    wish["grants"] = [{"role": "superadmin", "everything": True}]
    assert (await gateway.client.post("/api/api-keys", json=wish)).status_code == 403

    done, refused = noted(gateway)
    assert done["unmapped"]["about"] == f"key/{made['key']['id']}: nightly, for 9 days: reader over contoso"
    assert refused["unmapped"]["about"] == "nightly, for 9 days: superadmin over everything"


async def test_a_grant_is_noted_about_each_tenant_without_the_others(gateway) -> None:
    of_somebody(gateway, Grant("superadmin", everything=True))
    wish = {"kind": "person", "grantee": f"{uuid4()}/{uuid4()}", "role": "reader", "groups": ["retail"]}
    answer = await gateway.client.post("/api/grants", json=wish | {"tenants": ["contoso", "fabrikam"]})
    assert answer.status_code == 201

    entries = {
        entry["metadata"]["tenant_uid"]: entry
        for entry in noted(gateway)
        if entry["unmapped"]["action"] == "grant.added"
    }
    assert set(entries) == {"_installation", "contoso", "fabrikam"}
    texts = {tenant: str(entry) for tenant, entry in entries.items()}
    assert all(word in texts["_installation"] for word in ("contoso", "fabrikam", "retail"))
    assert not any(word in texts["contoso"] for word in ("fabrikam", "retail"))
    for entry in entries.values():
        assert entry["src_endpoint"] == {"ip": "127.0.0.1"}
        assert entry["metadata"]["correlation_uid"] == answer.headers["x-request-id"]


async def test_who_has_the_name_of_a_deleted_tenant_does_not_read_what_was_done_with_that(
    serving, mongo_settings, database
) -> None:
    gateway = await serving(mongo_settings)
    await gateway.get("/api/events", tenant="contoso")
    assert await gateway.noted("events.search")
    later = NOW + timedelta(hours=1)
    steps = (TenantRevision(4, later, "kim", "added"), TenantRevision(3, later, "kim", "deleted"))
    record = TenantRecord("contoso", "active", 1, later, later, settings_of("contoso"), steps)
    await MongoTenantSettings(database).put(record)

    assert (await gateway.get("/api/audit-trail", tenant="contoso")).json()["items"]
    of_somebody(gateway, Grant("admin", tenants=frozenset({"contoso"})))
    assert (await gateway.get("/api/audit-trail", tenant="contoso")).json()["items"] == []


async def test_requests_that_come_at_once_use_the_spool_one_by_one(gateway, monkeypatch) -> None:
    threads: set[int] = set()
    make_room = Spool.make_room

    def noting(spool: Spool, line: int) -> None:
        threads.add(get_ident())
        make_room(spool, line)

    monkeypatch.setattr(Spool, "make_room", noting)
    answers = await asyncio.gather(*(gateway.get("/api/me") for _ in range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert threads == {get_ident()}

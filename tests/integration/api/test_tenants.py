"""The registry of tenants over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aoc_api.access.principal import Grant, Principal
from aoc_common.tenants.tenant import Tenant
from tenant_registry import SIMULATED, settings_of

UNCHECKED = {"check": "false"}


@pytest.fixture
def call(gateway):
    async def request(method: str, path: str, **more: Any):
        return await gateway.client.request(method, path, **more)

    return request


@pytest.fixture
def as_one(gateway):
    def become(*grants: Grant) -> None:
        async def authenticate(_: Any) -> Principal:
            return Principal("person", "directory/kim", "Kim Vale", grants)

        gateway.app.state.services = replace(gateway.app.state.services, authenticate=authenticate)

    return become


async def test_a_tenant_is_added_changed_by_its_etag_paused_and_deleted(call):
    added = await call("POST", "/api/tenants", json=settings_of("contoso"), params=UNCHECKED)
    assert (added.status_code, added.headers["ETag"]) == (201, '"1"')
    assert added.json()["history"][0]["check"] == "not checked"

    patch = {"json": {"display_name": "Contoso Works"}}
    without = await call("PATCH", "/api/tenants/contoso", **patch)
    stale = await call("PATCH", "/api/tenants/contoso", **patch, headers={"If-Match": '"7"'})
    wrong = await call("PATCH", "/api/tenants/contoso", **patch, headers={"If-Match": "never"})
    done = await call("PATCH", "/api/tenants/contoso", **patch, headers={"If-Match": '"1"'})
    again = await call("PATCH", "/api/tenants/contoso", **patch, headers={"If-Match": '"1"'})
    assert [one.status_code for one in (without, stale, wrong, done, again)] == [428, 412, 412, 200, 412]
    assert done.headers["ETag"] == '"2"'

    paused = await call("POST", "/api/tenants/contoso/pause")
    assert paused.json()["state"] == "paused"
    assert (await call("GET", "/api/tenants/contoso")).headers["ETag"] == '"3"'
    assert (await call("POST", "/api/tenants/contoso/resume")).json()["state"] == "active"

    assert (await call("DELETE", "/api/tenants/contoso", params={"confirm": "fabrikam"})).status_code == 422
    deleted = await call("DELETE", "/api/tenants/contoso", params={"confirm": "contoso"})
    assert (deleted.status_code, deleted.json()["state"]) == (202, "deleting")
    assert (await call("POST", "/api/tenants", json=settings_of("contoso"), params=UNCHECKED)).status_code == 409


async def test_the_second_tenant_takes_a_licence_and_the_list_says_so(call):
    await call("POST", "/api/tenants", json=settings_of("contoso"), params=UNCHECKED)
    second = await call("POST", "/api/tenants", json=settings_of("fabrikam"), params=UNCHECKED)
    simulated = await call("POST", "/api/tenants", json=settings_of("adatum", **SIMULATED), params=UNCHECKED)
    listed = (await call("GET", "/api/tenants")).json()

    assert (second.status_code, second.json()["type"]) == (403, "/problems/not-allowed")
    assert simulated.status_code == 201
    assert [one["name"] for one in listed["items"]] == ["adatum", "contoso"]
    assert (listed["licence"]["state"], listed["licence"]["tenants"], listed["licence"]["max_tenants"]) == (
        "none",
        1,
        1,
    )


async def test_settings_that_cannot_be_are_named_and_no_secret_comes_back(call):
    answer = await call(
        "POST", "/api/tenants", json=settings_of("contoso") | {"client_secret": "hunter2"}, params=UNCHECKED
    )

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/bad-settings")
    assert "client_secret" in answer.json()["detail"]
    assert "hunter2" not in answer.text


async def test_without_a_collector_nothing_is_saved_unseen(call):
    answer = await call("POST", "/api/tenants", json=settings_of("contoso"))

    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/not-now")
    assert "check=false" in answer.json()["detail"]
    assert (await call("GET", "/api/tenants/contoso")).status_code == 404


async def test_a_tenants_own_administrator_changes_what_aoc_does_and_not_whose_records_are_read(call, as_one):
    await call("POST", "/api/tenants", json=settings_of("contoso"), params=UNCHECKED)
    as_one(Grant("admin", tenants=frozenset({"contoso"})))
    own = {"headers": {"If-Match": '"1"'}, "params": UNCHECKED}
    for field, value in (
        ("client_secret", "file:/run/secrets/fabrikam"),
        ("authority", "https://login.example"),
        ("tenant_id", settings_of("fabrikam")["tenant_id"]),
        ("groups", ["retail"]),
        ("retention", {"*": 1}),
        ("retention", None),
    ):
        answer = await call("PATCH", "/api/tenants/contoso", json={field: value}, **own)
        assert (field, answer.status_code) == (field, 403)

    assert (await call("PATCH", "/api/tenants/contoso", json={"holidays": ["2026-12-25"]}, **own)).status_code == 200


async def test_a_reader_sees_no_reference_source_or_change_and_no_tenant_of_others(call, as_one):
    for name in ("contoso", "fabrikam"):
        await call(
            "POST", "/api/tenants", json=settings_of(name, **SIMULATED, sources=["graph-alerts"]), params=UNCHECKED
        )
    as_one(Grant("reader", tenants=frozenset({"contoso"})))

    listed = (await call("GET", "/api/tenants")).json()["items"]
    shown = (await call("GET", "/api/tenants/contoso")).json()

    assert [one["name"] for one in listed] == ["contoso"]
    assert (
        listed[0]["settings"]
        .keys()
        .isdisjoint({"client_secret", "client_certificate", "sources", "graph", "management"})
    )
    assert shown["history"] == []
    assert (await call("GET", "/api/tenants/fabrikam")).status_code == 403


async def test_who_may_see_a_group_of_tenants_sees_those_that_join_it_at_once(call, as_one, gateway):
    services = gateway.app.state.services
    await call("POST", "/api/tenants", json=settings_of("contoso", groups=["retail"]), params=UNCHECKED)
    as_one(Grant("reader", groups=frozenset({"retail"})))
    inside = (await call("GET", "/api/events", params={"tenant": "contoso"})).status_code
    gateway.app.state.services = services
    await call("PATCH", "/api/tenants/contoso", json={"groups": None}, params=UNCHECKED, headers={"If-Match": '"1"'})
    as_one(Grant("reader", groups=frozenset({"retail"})))

    assert (inside, (await call("GET", "/api/events", params={"tenant": "contoso"})).status_code) == (200, 403)


async def test_a_tenant_of_the_file_is_shown_as_such_and_is_not_changed(call, gateway):
    tenant = Tenant.model_validate(settings_of("contoso"))
    gateway.app.state.services.registry.file._read = lambda: (tenant,)
    gateway.app.state.services.registry.file._tenants = (tenant,)

    shown = (await call("GET", "/api/tenants/contoso")).json()
    refused = [
        await call(
            "PUT", "/api/tenants/contoso", json=settings_of("contoso"), params=UNCHECKED, headers={"If-Match": '"1"'}
        ),
        await call("PATCH", "/api/tenants/contoso", json={"time_zone": "UTC"}, headers={"If-Match": '"1"'}),
        await call("POST", "/api/tenants/contoso/pause"),
        await call("DELETE", "/api/tenants/contoso", params={"confirm": "contoso"}),
    ]

    assert (shown["origin"], shown["revision"]) == ("file", None)
    assert [one.json()["type"] for one in refused] == ["/problems/not-allowed"] * 4


async def test_who_is_administrator_of_a_tenant_does_not_lift_its_privacy_rules_by_changing_them(call, as_one):
    rules = [{"hidden_from": "admin", "services": ["exchange"], "break_glass": None}]
    settings = settings_of("contoso") | {"privacy": rules}
    assert (await call("POST", "/api/tenants", json=settings, params=UNCHECKED)).status_code == 201

    etag = {"headers": {"If-Match": '"1"'}}
    as_one(Grant("admin", tenants=frozenset({"contoso"})))
    assert (await call("PATCH", "/api/tenants/contoso", json={"privacy": []}, **etag)).status_code == 403
    as_one(Grant("superadmin", everything=True))
    assert (await call("PATCH", "/api/tenants/contoso", json={"privacy": []}, **etag)).status_code == 200


async def test_the_sources_of_a_paused_tenant_are_paused_and_not_stalled(call, gateway, database):
    await call("POST", "/api/tenants", json=settings_of("contoso"), params=UNCHECKED)
    await database["sources"].insert_one(
        {"_id": "contoso/o365-exchange", "tenant": "contoso", "source": "o365-exchange"}
    )
    await call("POST", "/api/tenants/contoso/pause")

    source = (await call("GET", "/api/source-health", params={"tenant": "contoso"})).json()["sources"][0]

    assert source["state"] == "yellow"
    assert source["reasons"] == ["the tenant is paused: nothing is collected"]
    assert "resume" in source["next_action"]


async def test_how_many_tenants_there_are_is_nobodys_business_who_sees_some(call, as_one):
    await call("POST", "/api/tenants", json=settings_of("contoso"), params=UNCHECKED)
    as_one(Grant("admin", tenants=frozenset({"contoso"})))
    listed = (await call("GET", "/api/tenants")).json()

    assert [one["name"] for one in listed["items"]] == ["contoso"]
    assert listed["licence"] is None

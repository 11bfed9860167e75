"""Grants over HTTP: given, listed, taken back, put on record, and in force at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aoc_api.access.principal import Principal, PrincipalKind
from aoc_api.access.tokens.identity import Identity
from aoc_common.contracts.access import Grant
from each import each
from making import NOW

DIRECTORY = "00000000-0000-0000-0000-000000000001"
KIM = "10000000-0000-0000-0000-000000000001"
REQUEST = {"kind": "person", "grantee": f"{DIRECTORY}/{KIM}", "role": "reader", "tenants": ["contoso"]}
ROOT = Grant("superadmin", everything=True)


@pytest.fixture
def as_(gateway):
    """`as_(grant, ...)`: from now on requests are sent by somebody who holds these."""

    def become(*grants: Grant, identity: str = "d/lee", kind: PrincipalKind = "person") -> None:
        async def authenticate(_: Any) -> Principal:
            return Principal(kind, identity, "Lee", grants)

        services = gateway.app.state.services
        services.grants._home = frozenset({DIRECTORY})
        gateway.app.state.services = replace(services, authenticate=authenticate)

    return become


async def kims(gateway) -> set[str]:
    kim = Identity("person", DIRECTORY, KIM, "Kim", (), (), NOW)
    found = await gateway.app.state.services.grants.of_identity(kim)
    return {grant.role for grant in found}


async def test_a_grant_counts_at_once_and_so_does_its_end(gateway, as_) -> None:
    as_(ROOT)
    assert await kims(gateway) == set()
    given = await gateway.client.post("/api/grants", json=REQUEST | {"reason": "on duty", "name": "Kim Vale"})

    assert given.status_code == 201
    assert (given.json()["given_by"], given.json()["in_force"]) == ("d/lee", True)
    assert await kims(gateway) == {"reader"}
    assert (await gateway.get("/api/grants")).json()["items"] == [given.json()]
    assert (await gateway.client.delete(f"/api/grants/{given.json()['id']}")).status_code == 204
    assert await kims(gateway) == set()
    for change in ("grant.added", "grant.removed"):
        assert [entry.actor for entry in await gateway.noted(change)] == ["d/lee"]


async def test_an_administrator_sees_and_takes_back_what_is_over_his_own_tenants_only(gateway, as_) -> None:
    as_(ROOT)
    ids = {}
    for tenant in ("contoso", "fabrikam"):
        answer = await gateway.client.post("/api/grants", json=REQUEST | {"tenants": [tenant]})
        ids[tenant] = answer.json()["id"]
    root = (await gateway.client.post("/api/grants", json=REQUEST | {"role": "superadmin"})).json()["id"]
    as_(Grant("admin", tenants=frozenset({"contoso"})))

    assert [one["id"] for one in (await gateway.get("/api/grants")).json()["items"]] == [ids["contoso"]]
    assert (await gateway.client.delete(f"/api/grants/{ids['fabrikam']}")).status_code == 404
    assert (await gateway.client.delete(f"/api/grants/{root}")).status_code == 404
    assert (await gateway.client.delete(f"/api/grants/{ids['contoso']}")).status_code == 204


async def test_the_last_superadmin_cannot_be_taken_back(gateway, as_) -> None:
    as_(ROOT)
    everything = {"role": "superadmin", "tenants": [], "everything": True}
    first = (await gateway.client.post("/api/grants", json=REQUEST | everything)).json()["id"]
    refused = await gateway.client.delete(f"/api/grants/{first}")

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/last-superadmin")
    assert (await gateway.client.post("/api/grants", json=REQUEST | everything)).status_code == 201
    assert (await gateway.client.delete(f"/api/grants/{first}")).status_code == 204


@each(
    ("changes", "name"),
    [
        ({"grantee": "kim@contoso.example"}, "grantee"),
        ({"grantee": KIM}, "grantee"),
        ({"role": "owner"}, "role"),
        ({"tenants": []}, "body"),
        ({"everything": True}, "body"),
        ({"tenants": ["Contoso!"]}, "tenants.0"),
        ({"until": "2026-11-23T08:00:00Z"}, "until"),
        ({"until": "soon"}, "until"),
        ({"color": "red"}, "color"),
    ],
)
async def test_a_grant_that_is_wrong_is_refused_with_the_name_of_what_is(gateway, as_, changes, name) -> None:
    as_(ROOT)
    refused = await gateway.client.post("/api/grants", json=REQUEST | changes)

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["name"] == name
    assert (await gateway.get("/api/grants")).json()["items"] == []


async def test_a_grant_that_could_not_be_recorded_is_not_given(gateway, as_) -> None:
    as_(ROOT)

    async def full(_: Any) -> None:
        raise OSError("the disk is full")

    gateway.app.state.services = replace(gateway.app.state.services, record_change=full)

    assert (await gateway.client.post("/api/grants", json=REQUEST)).status_code == 500
    assert (await gateway.get("/api/grants")).json()["items"] == []


async def test_pages_of_grants_end(gateway, as_, monkeypatch) -> None:
    monkeypatch.setattr("aoc_api.routes.grants._READ", 2)
    as_(ROOT)
    for _ in range(5):
        await gateway.client.post("/api/grants", json=REQUEST)
    ids, after = [], ""
    while after is not None:
        page = (await gateway.get("/api/grants", after=after)).json()
        ids += [one["id"] for one in page["items"]]
        after = page["next_after"]

    assert len(ids) == len(set(ids)) == 5


async def test_an_ended_grant_is_shown_as_one(gateway, as_) -> None:
    as_(ROOT)
    now = gateway.app.state.services.clock.now()
    until = (now + timedelta(hours=1)).isoformat()
    await gateway.client.post("/api/grants", json=REQUEST | {"until": until})
    gateway.app.state.services.clock.advance(3600)

    assert [one["in_force"] for one in (await gateway.get("/api/grants")).json()["items"]] == [False]


async def test_an_api_key_gives_no_roles_and_an_application_does(gateway, as_) -> None:
    as_(ROOT, kind="api-key")
    assert (await gateway.client.post("/api/grants", json=REQUEST)).status_code == 403
    as_(ROOT, kind="application")
    assert (await gateway.client.post("/api/grants", json=REQUEST)).status_code == 201


async def test_who_holds_many_tenants_is_told_so(gateway, as_) -> None:
    many = frozenset(f"t-{number}" for number in range(1_000))
    as_(Grant("reader", tenants=many))
    answer = await gateway.get("/api/me")

    assert answer.status_code == 200
    assert set(answer.json()["grants"][0]["tenants"]) == many


async def test_a_grant_over_nothing_any_more_is_nobodys_and_hides_no_other(gateway, as_, database) -> None:
    as_(ROOT)
    for tenant in ("contoso", "fabrikam"):
        await gateway.client.post("/api/grants", json=REQUEST | {"tenants": [tenant]})
    await database["grants"].update_one({"tenants": "contoso"}, {"$set": {"tenants": []}})
    answer = await gateway.get("/api/grants")

    assert answer.status_code == 200
    assert [one["tenants"] for one in answer.json()["items"]] == [["fabrikam"]]

"""Searches that are kept, over HTTP: whose they are, who sees them, and what is refused."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

import pytest

from aoc_api import filters
from aoc_api.access.policy import AccessPolicy
from aoc_api.access.principal import Principal
from aoc_api.routes import saved_searches
from aoc_common.contracts.access import Grant, Hidden
from aoc_common.gateway.saved_searches import SearchParameters
from aoc_common.store.mongo.client import ensure_indexes

RULES = {"name": "Rules", "parameters": {"service": "exchange", "q": "inbox rule -dana"}}


@pytest.fixture
def people(gateway):
    """`people("kim", "reader", hidden=Hidden(...))`: from now on Kim asks, from whom that is hidden."""

    def become(name: str, role: str = "reader", kind: str = "person", hidden: Hidden | None = None) -> None:
        async def authenticate(_: Any) -> Principal:
            grant = Grant(role, tenants=frozenset({"contoso"}))
            return Principal(kind, f"d/{name}", name.title(), (grant,))

        async def none(*_: Any) -> frozenset[str]:
            return frozenset()

        async def hidden_from(*_: Any) -> Hidden:
            return hidden or Hidden()

        gateway.app.state.services = replace(
            gateway.app.state.services, authenticate=authenticate, policy=AccessPolicy(none, hidden_from)
        )

    become("kim")
    return become


@pytest.fixture
def ask(gateway):
    async def send(method: str, path: str = "", body: Any = None, **parameters: Any):
        url = f"/api/saved-searches{path and '/' + path}"
        return await gateway.client.request(method, url, json=body, params=parameters or None)

    return send


async def kept(ask, **changes) -> str:
    answer = await ask("POST", body=RULES | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def names(ask) -> list[str]:
    return [one["name"] for one in (await ask("GET")).json()["items"]]


async def test_a_search_is_kept_changed_and_removed_by_its_owner(people, ask, gateway) -> None:
    made = (await ask("POST", body=RULES)).json()
    assert (made["owner"], made["owner_name"], made["yours"], made["shared"]) == ("d/kim", "Kim", True, False)
    assert {name: text for name, text in made["parameters"].items() if text} == RULES["parameters"]
    assert (await ask("GET", made["id"])).json() == made

    patched = (await ask("PATCH", made["id"], {"name": "Mine"})).json()
    assert (patched["name"], patched["parameters"]) == ("Mine", made["parameters"])
    put = (await ask("PUT", made["id"], {"name": "Others", "parameters": {"twins": "out"}})).json()
    assert (put["name"], put["parameters"]["twins"], put["parameters"]["q"]) == ("Others", "out", None)
    assert put["created_at"] == made["created_at"]
    assert (await ask("GET")).json()["items"] == [put]
    assert (await ask("DELETE", made["id"])).json() == put
    for method, body in (("GET", None), ("PUT", RULES), ("PATCH", {"name": "x"}), ("DELETE", None)):
        assert (await ask(method, made["id"], body)).status_code == 404
    assert await names(ask) == []

    told = {
        action: (await gateway.noted(f"saved-searches.{action}"))[-1].event["unmapped"].get("about", "")
        for action in ("make", "change", "remove")
    }
    assert told["make"] == f"{made['id']}, private, 'Rules': " + '{"q":"inbox rule -dana","service":"exchange"}'
    assert "'Mine'" in told["change"]
    assert "'Others'" in told["remove"]


async def test_a_kept_search_is_asked_as_it_is(people, ask, gateway, store, event) -> None:
    await store(event("a"), event("b", terms=("eve",)))
    made = (await ask("POST", body={"name": "x", "parameters": {"q": "-dana", "start": "2026-11-01T00:00:00"}})).json()
    asked = {name: text for name, text in made["parameters"].items() if text is not None}
    found = (await gateway.get("/api/events", **asked)).json()["items"]

    assert [one["message"] for one in found] == ["b"]


async def test_a_private_one_is_nobody_elses_and_a_shared_one_is_seen_by_all(people, ask) -> None:
    private, shared = await kept(ask, name="private"), await kept(ask, name="shared", shared=True)
    for name, role in (("lee", "reader"), ("ann", "superadmin")):
        people(name, role)
        assert await names(ask) == ["shared"]
        assert (await ask("GET", private)).status_code == 404
        seen = (await ask("GET", shared)).json()
        assert (seen["yours"], seen["owner"]) == (False, "d/kim")


async def test_only_its_owner_changes_one_and_administrators_remove_what_is_shared(people, ask) -> None:
    private, shared = await kept(ask, name="Mine"), await kept(ask, shared=True)
    for name, role, status in (("lee", "analyst", 403), ("ann", "admin", 200)):
        people(name, role)
        assert (await ask("PUT", shared, RULES)).status_code == 403
        assert (await ask("PATCH", shared, {"name": "x"})).status_code == 403
        for method, body in (("PUT", RULES), ("PATCH", {"name": "x"}), ("DELETE", None)):
            assert (await ask(method, private, body)).status_code == 404
        assert (await ask("DELETE", shared)).status_code == status
    people("kim")
    assert [one["id"] for one in (await ask("GET")).json()["items"]] == [private]


MAIL, SUBJECT = Hidden(services=frozenset({"exchange"})), Hidden(fields=frozenset({"subject"}))
BOTH = Hidden(services=frozenset({"exchange"}), fields=frozenset({"subject"}))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("owner", "reader", "seen"),
    [
        (Hidden(), Hidden(), True),
        (Hidden(), MAIL, False),
        (Hidden(), SUBJECT, False),
        (MAIL, Hidden(), True),
        (MAIL, MAIL, True),
        (MAIL, SUBJECT, False),
        (MAIL, BOTH, False),
        (BOTH, SUBJECT, True),
        (Hidden(operations=frozenset({"x"})), Hidden(operations=frozenset({"x", "y"})), False),
    ],
)
async def test_a_shared_one_is_seen_by_whom_no_more_is_hidden_from_than_from_its_owner(
    people, ask, owner, reader, seen
) -> None:
    people("kim", hidden=owner)
    shared = await kept(ask, shared=True)
    people("lee", "admin", hidden=reader)

    assert await names(ask) == (["Rules"] if seen else [])
    assert (await ask("GET", shared)).status_code == (200 if seen else 404)
    assert (await ask("PATCH", shared, {"name": "x"})).status_code == (403 if seen else 404)
    assert (await ask("DELETE", shared)).status_code == (200 if seen else 404)


async def test_what_was_written_when_less_was_hidden_stays_hidden_when_a_part_of_it_is_changed(people, ask) -> None:
    shared = await kept(ask, shared=True)
    people("kim", hidden=SUBJECT)
    assert (await ask("PATCH", shared, {"name": "Others"})).status_code == 200
    people("lee", hidden=SUBJECT)
    assert await names(ask) == []

    people("kim", hidden=SUBJECT)
    assert (await ask("PUT", shared, RULES | {"shared": True})).status_code == 200
    people("lee", hidden=SUBJECT)
    assert await names(ask) == ["Rules"]


async def test_an_api_key_keeps_its_own(people, ask) -> None:
    people("script", kind="api-key")
    await kept(ask, name="of the script")
    assert await names(ask) == ["of the script"]
    people("kim")
    assert await names(ask) == []


async def test_no_more_than_so_many_are_kept(people, ask, monkeypatch) -> None:
    monkeypatch.setattr(saved_searches, "MOST", 2)
    first = await kept(ask)
    await kept(ask, name="Others")
    refused = await ask("POST", body=RULES | {"name": "One too many"})

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/too-many-kept")
    assert len(await names(ask)) == 2
    people("lee")
    await kept(ask)
    people("kim")
    await ask("DELETE", first)
    await kept(ask)


async def test_one_keeps_one_search_of_a_name_and_is_told_so(people, ask, database) -> None:
    await ensure_indexes(database, ("saved_searches",))
    first, other = await kept(ask), await kept(ask, name="Others")
    for refused in (
        await ask("POST", body=RULES | {"name": " rULES "}),
        await ask("PUT", other, RULES),
        await ask("PATCH", other, {"name": "rules"}),
    ):
        problem = refused.json()
        assert (refused.status_code, problem["type"]) == (409, "/problems/name-taken")
        assert problem["detail"].lower().startswith("you keep a search called 'rules' of tenant contoso already.")

    assert sorted(await names(ask)) == ["Others", "Rules"]
    assert (await ask("PATCH", first, {"name": "RULES"})).status_code == 200
    assert (await ask("PUT", first, RULES)).status_code == 200
    people("lee")
    await kept(ask, shared=True)
    people("kim")
    assert sorted(await names(ask)) == ["Others", "Rules", "Rules"]


async def test_all_shared_ones_are_listed_page_by_page(people, ask, monkeypatch) -> None:
    monkeypatch.setattr(saved_searches, "_PAGE", 2)
    for number in range(5):
        people(f"p{number}")
        await kept(ask, name=f"{number}", shared=True)
    people("p2")
    found, answer = [], (await ask("GET")).json()
    while True:
        found += [one["name"] for one in answer["items"]]
        if answer["next_after"] is None:
            break
        answer = (await ask("GET", after=answer["next_after"])).json()

    assert found[0] == "2"
    assert sorted(found) == ["0", "1", "2", "3", "4"]


async def test_another_tenant_has_its_own(gateway, ask) -> None:
    made = await ask("POST", body=RULES | {"shared": True}, tenant="fabrikam")

    assert made.json()["tenant"] == "fabrikam"
    assert await names(ask) == []
    assert (await ask("GET", made.json()["id"])).status_code == 404
    assert (await ask("DELETE", made.json()["id"])).status_code == 404
    assert (await ask("GET", made.json()["id"], tenant="fabrikam")).status_code == 200


def test_what_can_be_kept_is_what_a_list_takes() -> None:
    taken = set(inspect.signature(filters.asked).parameters) | set(inspect.signature(filters.described).parameters)

    assert set(SearchParameters.model_fields) == taken - {"request", "parameters"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"q": "actr:dana"}, "q"),
        ({"q": ""}, "parameters.q"),
        ({"q": "x" * 2_001}, "parameters.q"),
        ({"q": 7}, "parameters.q"),
        ({"result": "lost"}, "parameters.result"),
        ({"ip": "dana"}, "ip"),
        ({"twins": "off"}, "parameters.twins"),
        ({"start": "yesterday"}, "parameters.start"),
        ({"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00"}, "end"),
        ({"cursor": "x"}, "parameters.cursor"),
        ({"$where": "x"}, "parameters.$where"),
    ],
)
async def test_parameters_that_a_list_refuses_are_not_kept(people, ask, parameters, name) -> None:
    made = await kept(ask)
    body = {"name": "x", "parameters": parameters}
    for answer in (
        await ask("POST", body=body),
        await ask("PUT", made, body),
        await ask("PATCH", made, {"parameters": parameters}),
    ):
        assert answer.status_code == 422
        [error] = answer.json()["errors"]
        assert (error["location"], error["name"].removeprefix("body.")) == ("body", name)
    assert await names(ask) == ["Rules"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 121, None, 7])
async def test_a_name_is_a_text_of_reasonable_length(people, ask, name) -> None:
    assert (await ask("POST", body=RULES | {"name": name})).status_code == 422


@pytest.mark.parametrize("search_id", ["x", "a" * 65, "a$"])
async def test_what_is_no_id_is_refused(people, ask, search_id) -> None:
    assert (await ask("GET", search_id)).status_code == 422

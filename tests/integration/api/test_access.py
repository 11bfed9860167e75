"""Who may call what: the table of docs/reference/access.md, the code, and what the gateway really does."""

from __future__ import annotations

from dataclasses import replace
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import TYPE_CHECKING, Any, get_args

import pytest

import access_table
from aoc_api.access.guard import is_public
from aoc_api.access.needs import declared
from aoc_api.access.principal import Grant, Principal
from aoc_api.app import ROUTES, create_app
from aoc_api.parameters import refuse_repeated
from aoc_api.settings import ApiSettings
from aoc_common.contracts import terms
from aoc_common.contracts.access import ROLES, Role, includes
from each import each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi.dependencies.models import Dependant

ROWS = access_table.rows()
MINE, THEIRS = "contoso", "fabrikam"
#: What is asked for here is not there, or its sender's own proof is missing; tested in files of their own.
ELSEWHERE = ("/api/webhooks/", "/auth/", "/api/sessions/", "/api/api-keys/")
#: Stands in every text of the other tenant's events, and nowhere else.
MARK = "zanzibar"


def dependants(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for part in dependant.dependencies:
        yield from dependants(part)


def asked_by(route: Any) -> tuple[str, str]:
    """What the code of a route asks of its callers, as the table says it."""
    calls = [part.call for part in dependants(route.dependant)] if hasattr(route, "dependant") else []
    needs = [need for need in map(declared, calls) if need is not None]
    if not needs:
        return ("public" if is_public(route.path) else "signed in"), "-"
    highest = max(needs, key=lambda need: ROLES.index(need.role))
    return highest.role, highest.over


def test_nothing_is_run_in_a_thread() -> None:
    """FastAPI runs what is not `async` in a thread each: dearer than what it does, and out of the spool's thread."""
    app = create_app(ApiSettings())
    parts = [
        part for route in app.state.addresses if hasattr(route, "dependant") for part in dependants(route.dependant)
    ]
    calls = {part.call for part in parts} | {depends.dependency for depends in ROUTES.whole.dependencies}

    assert refuse_repeated in calls
    assert [call for call in calls if not (iscoroutinefunction(call) or isasyncgenfunction(call))] == []


def test_the_table_is_what_the_code_says() -> None:
    """A route that is new needs a row in docs/reference/access.md, and an example in tests/support/access_table.py."""
    routes = create_app(ApiSettings()).state.addresses
    code = {
        (method, route.path): asked_by(route)
        for route in routes
        for method in (route.methods or ())
        if method != "HEAD"
    }

    assert {(row.method, row.path): (row.needs, row.over) for row in ROWS} == code
    assert len(ROWS) == len(code)
    assert {name for name in access_table.EXAMPLES if name not in {row.name for row in ROWS}} == set()
    assert {row.needs for row in ROWS} <= {"public", "signed in", *get_args(Role.__value__)}


def holder(*grants: Grant) -> Principal:
    return Principal("person", "directory/kim", "Kim Vale", grants)


def over(role: Role, *tenants: str) -> Principal:
    return holder(Grant(role, tenants=frozenset(tenants)))


@pytest.fixture
async def marked(gateway, store, event):
    """Events of two tenants; each text of the other tenant's is marked. Tenant -> id of its event."""
    mine = event("mine", terms=("dana", "rule"))
    theirs = event(
        MARK,
        tenant=THEIRS,
        actor=f"{MARK}@fabrikam.example",
        service=MARK,
        operation=f"New-{MARK}",
        correlation_id=MARK,
        source=f"o365-{MARK}",
        terms=("dana", *terms.name_terms(MARK)),
        ocsf={"metadata": {"uid": MARK}, "class_uid": 3004, "message": MARK},
        raw=f'{{"Id":"{MARK}"}}',
        tags=(MARK,),
    )
    await store(mine, theirs)
    return {MINE: str(mine.id), THEIRS: str(theirs.id)}


@pytest.fixture
def calling(gateway, marked):
    """`await calling(principal, row, tenant)`: the answer to a row's request."""

    async def call(principal: Principal, row: access_table.Row, tenant: str, event: str | None = None):
        async def authenticate(_: Any) -> Principal:
            # Somebody else for each row: one caller may ask only so often.
            return replace(principal, id=f"{principal.id} {row.name}")

        gateway.app.state.services = replace(gateway.app.state.services, authenticate=authenticate)
        return await gateway.client.request(**access_table.request(row, tenant, event or marked[tenant]))

    return call


def may(row: access_table.Row, role: Role | None, *, covered: bool, everywhere: bool = False) -> bool:
    """Whether the table lets somebody through who has a role, over the tenant that is asked for or not."""
    if row.needs in {"public", "signed in"}:
        return True
    if role is None or not includes(role, row.needs):
        return False
    if row.over == "everything":
        return everywhere
    return covered or not access_table.EXAMPLES.get(row.name, access_table.Example()).about_tenant


@pytest.mark.slow
@each("row", ROWS, ids=lambda row: row.name)
async def test_every_route_lets_exactly_those_through_whom_the_table_names(calling, row) -> None:
    for role in ROLES:
        for principal, everywhere in ((over(role, MINE), False), (holder(Grant(role, everything=True)), True)):
            for tenant in (MINE, THEIRS):
                answer = await calling(principal, row, tenant)
                covered = everywhere or tenant == MINE

                expected = may(row, role, covered=covered, everywhere=everywhere)
                assert (answer.status_code not in {401, 403}) is expected, f"{role} {tenant} {answer.text}"
                assert everywhere or MARK not in answer.text
                if expected:
                    assert answer.status_code < 500 or answer.json()["type"] == "/problems/not-now", answer.text
                    absent = {404} if access_table.EXAMPLES.get(row.name, access_table.Example()).absent else set()
                    wrong = {400, 404, 405, 422} - absent
                    assert answer.status_code not in wrong or row.path.startswith(ELSEWHERE), answer.text

    assert ((await calling(holder(), row, MINE)).status_code == 403) is not may(row, None, covered=False)


@each("row", [row for row in ROWS if "{event" in row.path], ids=lambda row: row.name)
async def test_an_id_of_another_tenant_is_nowhere_in_ones_own(calling, marked, row) -> None:
    for principal in (over("admin", MINE), holder(Grant("superadmin", everything=True))):
        theirs = await calling(principal, row, MINE, marked[THEIRS])
        nobodys = await calling(principal, row, MINE, "019ab0c4-2f40-8a1b-9c2d-0123456789ab")

        assert theirs.status_code == nobodys.status_code
        assert MARK not in theirs.text
        if row.method == "GET":
            assert theirs.status_code == 404


async def test_a_search_that_finds_nothing_names_no_tenant_that_its_sender_may_not_see(gateway, calling) -> None:
    events = next(row for row in ROWS if row.name == "GET /api/events")
    for principal, names in (
        (over("reader", MINE, "nowhere"), [MINE]),
        (holder(Grant("reader", everything=True)), [MINE, THEIRS]),
    ):
        await calling(principal, events, MINE)
        hint = (await gateway.get("/api/events", tenant="nowhere")).json()["hint"]

        assert hint["tenants"] == names


async def test_every_filter_of_the_gateway_on_what_is_a_tenants_names_the_tenant(gateway, calling) -> None:
    """Every test of this folder watches; this one shows that there is something to see."""
    for row in ROWS:
        await calling(over("admin", MINE), row, MINE)

    assert gateway.filters.nameless == []
    assert {"events", "event_outline", "break_glass", "event_versions"} <= gateway.filters.seen


async def test_a_filter_without_a_tenant_is_noticed(gateway) -> None:
    lifts = gateway.app.state.services.break_glass._lifts
    await lifts.find_one({"principal": "d/kim"})
    await lifts.aggregate([{"$match": {"_id": "a"}}]).to_list(None)
    await lifts.update_one({"_id": "contoso a"}, {"$set": {"reason": "x"}})
    await lifts.delete_many({"tenant": {"$gte": ""}})
    noticed = [name for name, _, _ in gateway.filters.nameless]
    gateway.filters.nameless.clear()

    assert noticed == ["find", "aggregate", "update", "delete"]

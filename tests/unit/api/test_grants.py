"""Whose grants count, over what, and from when until when."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aoc_api.access.granting import may_give, may_take_back
from aoc_api.access.grants import Grants
from aoc_api.access.principal import Principal
from aoc_api.access.recent import FRESH_S
from aoc_api.access.tokens.identity import Identity
from aoc_common.contracts.access import Grant
from aoc_common.store.grants import Grantee, StoredGrant
from aoc_common.tenants.file_registry import FileTenants
from aoc_common.tenants.tenant import Tenant
from each import each
from making import NOW
from manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Collection

HOME, CUSTOMER, STRANGER = (f"00000000-0000-0000-0000-{number:012}" for number in (1, 2, 3))
KIM, TEAM = "10000000-0000-0000-0000-000000000001", "20000000-0000-0000-0000-000000000002"
APP = "30000000-0000-0000-0000-000000000003"
TENANTS = (
    Tenant(name="contoso", tenant_id=CUSTOMER, client_id=APP, groups=("retail",)),
    Tenant(name="fabrikam", tenant_id=HOME, client_id=APP, groups=("retail", "north")),
)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


class Stored:
    """The one method of `GrantStore` that is used, and how often it was."""

    def __init__(self) -> None:
        self.grants: list[StoredGrant] = []
        self.asked = 0

    async def of(self, grantees: Collection[Grantee]) -> list[StoredGrant]:
        self.asked += 1
        return [one for one in self.grants if one.grantee in grantees]


class Given:
    """Grants, a clock and a registry."""

    def __init__(self) -> None:
        self.stored, self.clock = Stored(), ManualClock(NOW)
        self.tenants = TENANTS
        registry = FileTenants(lambda: self.tenants, self.clock, 0)
        self.grants = Grants(self.stored, registry, [HOME], self.clock)

    def give(self, grant: Grant, directory: str = HOME, kind: str = "person", **changes: object) -> None:
        who = Grantee(kind, f"{directory}/{KIM if kind == 'person' else TEAM}")
        stored = StoredGrant(f"{len(self.stored.grants)}", who, grant, "x", "x", NOW)
        self.stored.grants.append(replace(stored, **changes))

    async def of(self, directory: str = HOME, groups: tuple[str, ...] = ()) -> tuple[Grant, ...]:
        return await self.grants.of_identity(Identity("person", directory, KIM, "Kim", (), groups, NOW))


@pytest.fixture
def given() -> Given:
    return Given()


EVERYTHING = Grant("superadmin", everything=True)


async def test_grants_of_a_person_and_of_his_groups_count(given) -> None:
    given.give(Grant("reader", tenants=frozenset({"contoso"})))
    given.give(Grant("analyst", groups=frozenset({"north"})), kind="group")

    assert {grant.role for grant in await given.of(groups=(TEAM,))} == {"reader", "analyst"}
    assert {grant.role for grant in await given.of()} == {"reader"}
    assert {grant.role for grant in await given.of(groups=(TEAM.upper(),))} == {"reader", "analyst"}
    assert await given.of(CUSTOMER, groups=(TEAM,)) == ()


async def test_across_tenants_only_people_of_a_home_directory_hold_roles(given) -> None:
    """Each customer's administrator decides who is in his groups, and who has which app role."""
    for directory in (HOME, CUSTOMER, STRANGER):
        given.give(EVERYTHING, directory, "group")
        given.give(Grant("admin", groups=frozenset({"retail"})), directory)

    assert EVERYTHING in await given.of(HOME, (TEAM,))
    assert set(await given.of(CUSTOMER, (TEAM,))) == {Grant("admin", frozenset({"contoso"}))}
    assert await given.of(STRANGER, (TEAM,)) == ()


async def test_a_grant_ends_at_the_second_however_fresh_it_is(given) -> None:
    given.give(Grant("reader", everything=True, until=NOW + 3 * SECOND))
    assert len(await given.of()) == 1

    given.clock.advance(2.9)
    assert len(await given.of()) == 1
    given.clock.advance(0.1)
    assert await given.of() == ()
    assert given.stored.asked == 1


async def test_a_change_counts_within_seconds_and_at_once_where_it_was_made(given) -> None:
    assert await given.of() == ()
    given.give(Grant("reader", everything=True))
    assert await given.of() == ()

    given.clock.advance(FRESH_S)
    assert len(await given.of()) == 1
    given.stored.grants.clear()
    given.grants.forget()
    assert await given.of() == ()


async def test_a_thousand_grants_are_asked_for_once(given) -> None:
    for number in range(1_000):
        given.give(Grant("reader", tenants=frozenset({f"t{number}"})))

    assert len(await given.of()) == 1_000
    assert len(await given.of()) == 1_000
    assert given.stored.asked == 1


async def test_another_tenant_that_gets_a_name_later_is_not_meant(given) -> None:
    given.give(Grant("reader", tenants=frozenset({"contoso", "case-7"})), directories={"contoso": CUSTOMER})
    assert (await given.of())[0].tenants == {"contoso", "case-7"}

    given.tenants = ()
    assert (await given.of())[0].tenants == {"contoso", "case-7"}
    given.tenants = (TENANTS[0].model_copy(update={"tenant_id": STRANGER}),)
    assert (await given.of())[0].tenants == {"case-7"}


async def test_groups_that_a_token_does_not_name_by_their_ids_grant_nothing(given) -> None:
    given.give(Grant("reader", everything=True), kind="group")

    assert await given.of(groups=("Security team", "", TEAM + "0")) == ()
    assert len(await given.of(groups=("Security team", TEAM))) == 1


async def groups_of(tenant: str) -> frozenset[str]:
    return frozenset({"contoso": {"retail"}, "fabrikam": {"retail", "north"}}.get(tenant, set()))


def holder(*grants: Grant) -> Principal:
    return Principal("person", "d/kim", "Kim", grants)


CONTOSO, RETAIL = frozenset({"contoso"}), frozenset({"retail"})


@each(
    ("held", "wanted", "may"),
    [
        (Grant("admin", groups=RETAIL), Grant("admin", tenants=CONTOSO), True),
        (Grant("admin", groups=RETAIL), Grant("reader", groups=RETAIL), True),
        (Grant("admin", groups=RETAIL), Grant("superadmin", tenants=CONTOSO), False),
        (Grant("admin", groups=RETAIL), Grant("reader", tenants=frozenset({"tailspin"})), False),
        (Grant("admin", groups=RETAIL), Grant("reader", tenants=frozenset({"contoso", "tailspin"})), False),
        (Grant("admin", groups=RETAIL), Grant("reader", everything=True), False),
        (Grant("admin", tenants=frozenset({"contoso", "fabrikam"})), Grant("reader", groups=RETAIL), False),
        (Grant("analyst", everything=True), Grant("reader", tenants=CONTOSO), False),
        (Grant("superadmin", tenants=CONTOSO), Grant("superadmin", tenants=CONTOSO), True),
        (Grant("superadmin", tenants=CONTOSO), EVERYTHING, False),
        (EVERYTHING, EVERYTHING, True),
        (EVERYTHING, Grant("admin", CONTOSO, RETAIL), True),
        (Grant("admin", tenants=CONTOSO, until=NOW), Grant("reader", tenants=CONTOSO), False),
        (Grant("admin", tenants=CONTOSO, until=NOW), Grant("reader", tenants=CONTOSO, until=NOW + SECOND), False),
        (Grant("admin", tenants=CONTOSO, until=NOW), Grant("reader", tenants=CONTOSO, until=NOW), True),
    ],
)
async def test_nobody_gives_more_or_for_longer_than_he_has(held, wanted, may) -> None:
    assert await may_give(holder(held), wanted, groups_of) is may
    assert not await may_give(holder(), wanted, groups_of)


async def test_one_takes_back_also_what_lasts_for_longer(given) -> None:
    held = holder(Grant("admin", tenants=CONTOSO, until=NOW))

    assert await may_take_back(held, Grant("reader", tenants=CONTOSO), groups_of)
    assert not await may_take_back(held, Grant("superadmin", tenants=CONTOSO), groups_of)
    assert not await may_take_back(held, Grant("reader", tenants=frozenset({"fabrikam"})), groups_of)


async def test_what_was_read_before_a_change_is_not_remembered_after_it(given, monkeypatch) -> None:
    reading, go_on = asyncio.Event(), asyncio.Event()
    read = given.stored.of

    async def slowly(grantees: Collection[Grantee]) -> list[StoredGrant]:
        found = await read(grantees)
        reading.set()
        await go_on.wait()
        return found

    given.give(Grant("reader", tenants=frozenset({"contoso"})))
    monkeypatch.setattr(given.stored, "of", slowly)
    first = asyncio.create_task(given.of())
    await reading.wait()
    given.stored.grants.clear()
    given.grants.forget()
    go_on.set()
    await first

    assert await given.of() == ()


async def test_a_grant_that_is_over_nothing_any_more_is_none(given) -> None:
    given.give(Grant("admin", tenants=frozenset({"contoso"})), directories={"contoso": STRANGER})

    assert await given.of() == ()


async def test_nobody_gives_or_takes_back_what_is_over_nothing() -> None:
    async def no_groups(_: str) -> frozenset[str]:
        return frozenset()

    admin = Principal("person", "d/lee", "Lee", (Grant("admin", tenants=frozenset({"contoso"})),))

    assert not await may_take_back(admin, Grant("reader"), no_groups)
    assert not await may_give(admin, Grant("reader"), no_groups)

"""What a principal may see of a tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aoc_api.access.policy import AccessPolicy
from aoc_api.access.principal import Grant, Principal
from aoc_api.problems import Problem
from aoc_common.contracts.access import Hidden, Role, Scope

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

GROUPS = {"contoso": {"retail"}, "fabrikam": {"retail", "north"}, "tailspin": {"north"}}
MAIL = Hidden(services=frozenset({"exchange"}))


async def groups_of(tenant: str) -> AbstractSet[str]:
    return GROUPS.get(tenant, set())


async def hidden_from(_: Principal, _tenant: str, role: Role) -> Hidden:
    return MAIL if role == "reader" else Hidden()


POLICY = AccessPolicy(groups_of, hidden_from)


def holder(*grants: Grant) -> Principal:
    return Principal("person", "directory/kim", "Kim Vale", grants)


async def allowed(principal: Principal, needed: Role) -> set[str]:
    tenants = set()
    for tenant in (*GROUPS, "unknown"):
        try:
            tenants.add((await POLICY.scope(principal, tenant, needed)).tenant)
        except Problem as problem:
            assert problem.slug == "forbidden"  # noqa: PT017  # others may pass
    return tenants


async def test_a_role_reaches_as_far_as_it_was_granted() -> None:
    kim = holder(Grant("analyst", groups=frozenset({"retail"})), Grant("reader", tenants=frozenset({"tailspin"})))

    assert await allowed(kim, "reader") == {"contoso", "fabrikam", "tailspin"}
    assert await allowed(kim, "analyst") == {"contoso", "fabrikam"}
    assert await allowed(kim, "admin") == set()
    assert await allowed(holder(Grant("admin", everything=True)), "admin") == {*GROUPS, "unknown"}
    assert await allowed(holder(), "reader") == set()


async def test_the_highest_role_over_a_tenant_decides_what_is_hidden() -> None:
    kim = holder(Grant("reader", everything=True), Grant("analyst", tenants=frozenset({"contoso"})))

    assert await POLICY.scope(kim, "contoso", "reader") == Scope("contoso")
    assert await POLICY.scope(kim, "fabrikam", "reader") == Scope("fabrikam", MAIL)


async def test_who_may_not_see_a_tenant_does_not_learn_whether_it_is_there() -> None:
    answers = []
    for tenant in ("contoso", "unknown"):
        with pytest.raises(Problem) as refused:
            await POLICY.scope(holder(), tenant, "reader")
        answers.append(refused.value.detail.replace(tenant, "it"))

    assert answers[0] == answers[1]


@pytest.mark.parametrize("grant", [Grant("superadmin", tenants=frozenset(GROUPS)), Grant("analyst", everything=True)])
def test_what_concerns_all_tenants_takes_a_role_over_all(grant: Grant) -> None:
    with pytest.raises(Problem):
        POLICY.check_everywhere(holder(grant), "admin")
    POLICY.check_everywhere(holder(Grant("superadmin", everything=True)), "admin")

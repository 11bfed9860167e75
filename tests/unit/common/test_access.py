"""Roles and scopes."""

from __future__ import annotations

from typing import Any

import pytest

from aoc_common.contracts.access import ROLES, Hidden, Scope, includes
from aoc_common.errors import Malformed
from each import each


def test_each_role_may_do_what_those_before_it_may() -> None:
    assert ROLES == ("reader", "analyst", "admin", "superadmin")
    for held in ROLES:
        may = [needed for needed in ROLES if includes(held, needed)]
        assert may == list(ROLES[: ROLES.index(held) + 1])


@each("tenant", ["", "Contoso", "a.b", "a*", ">", "x" * 41, {"$ne": None}, ["contoso"], None, 1])
def test_a_scope_of_what_is_no_tenant_is_refused(tenant: Any) -> None:
    with pytest.raises(Malformed, match="tenant"):
        Scope(tenant)


def test_what_hides_nothing_is_false() -> None:
    assert not Hidden()
    assert Hidden(services=frozenset({"exchange"}))
    assert Hidden(operations=frozenset({"mailitemsaccessed"}))
    assert Hidden(fields=frozenset({"subject"}))

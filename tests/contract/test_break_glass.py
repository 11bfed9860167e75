"""What the stores of break-glass and of privacy rules promise, on a real MongoDB-protocol server."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from aoc_common.store.break_glass import Lift
from aoc_common.store.mongo.break_glass import MongoBreakGlass
from aoc_common.store.mongo.client import Database, ensure_indexes
from aoc_common.store.mongo.privacy_rules import MongoPrivacyRules
from aoc_common.tenants.privacy import PrivacyRule
from making import NOW

HOUR = timedelta(hours=1)
LIFT = Lift("a", "contoso", "d/kim", "Kim Vale", "case 4711", NOW, NOW + HOUR)
SECOND = timedelta(seconds=1)


@pytest.fixture
async def lifts(database: Database) -> MongoBreakGlass:
    await ensure_indexes(database, ("break_glass",))
    return MongoBreakGlass(database)


async def test_a_lift_is_in_force_until_its_last_second(lifts) -> None:
    await lifts.begin(LIFT)

    assert await lifts.in_force("contoso", "d/kim", NOW + HOUR - SECOND) == [LIFT]
    assert await lifts.in_force("contoso", "d/kim", NOW + HOUR) == []
    assert (LIFT.holds(NOW + HOUR - SECOND), LIFT.holds(NOW + HOUR), LIFT.holds(NOW - SECOND)) == (True, False, False)


async def test_a_lift_is_of_one_tenant_and_one_principal(lifts) -> None:
    await lifts.begin(LIFT)

    assert await lifts.in_force("fabrikam", "d/kim", NOW) == []
    assert await lifts.in_force("contoso", "d/lee", NOW) == []
    assert await lifts.get("fabrikam", "a") is None
    assert await lifts.end("fabrikam", "a", NOW, "d/lee") is None
    assert await lifts.listed("fabrikam", None, 10) == []


async def test_a_lift_is_ended_once(lifts) -> None:
    await lifts.begin(LIFT)
    ended = replace(LIFT, ended_at=NOW + SECOND, ended_by="d/lee")

    assert await lifts.end("contoso", "a", NOW + SECOND, "d/lee") == ended
    assert await lifts.end("contoso", "a", NOW + 2 * SECOND, "d/kim") is None
    assert await lifts.in_force("contoso", "d/kim", NOW + SECOND) == []
    assert await lifts.get("contoso", "a") == ended


async def test_what_has_ended_by_itself_cannot_be_ended(lifts) -> None:
    await lifts.begin(LIFT)

    assert await lifts.end("contoso", "a", NOW + HOUR, "d/lee") is None
    assert await lifts.get("contoso", "a") == LIFT


async def test_the_newest_are_listed_first(lifts) -> None:
    later = replace(LIFT, id="b", began_at=NOW + SECOND, principal="d/lee")
    await lifts.begin(LIFT)
    await lifts.begin(later)

    assert await lifts.listed("contoso", None, 10) == [later, LIFT]
    assert await lifts.listed("contoso", None, 1) == [later]
    assert await lifts.listed("contoso", "d/kim", 10) == [LIFT]


async def test_rules_are_remembered_as_they_were_last(database: Database) -> None:
    rules = MongoPrivacyRules(database)
    first = (PrivacyRule(services=("exchange",), break_glass=None),)
    second = (PrivacyRule(fields=("subject",), hidden_from="admin"), *first)

    assert await rules.remembered("contoso") == ()
    for told in (first, second, ()):
        await rules.remember("contoso", told)
        assert await rules.remembered("contoso") == told
    assert await rules.remembered("fabrikam") == ()

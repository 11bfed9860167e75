"""When an export ends because its caller's rights do."""

from __future__ import annotations

import pytest

from aoc_api.export.rights import EVERY_S, Rights, RightsLost
from aoc_common.contracts.access import Hidden, Scope
from each import each
from exporting import NOW
from manual_clock import ManualClock


def rights_of(hidden: Hidden, later: Hidden, clock: ManualClock, looks: list[float]) -> Rights:
    async def now() -> Scope:
        looks.append(clock.monotonic())
        return Scope("contoso", later)

    return Rights(Scope("contoso", hidden), now, clock)


async def test_rights_are_looked_at_every_few_seconds_and_not_for_each_page() -> None:
    clock, looks = ManualClock(NOW), list[float]()
    rights = rights_of(Hidden(), Hidden(), clock, looks)
    for _ in range(100):
        await rights.check()
        clock.advance(0.25)

    assert looks == [5.0, 10.0, 15.0, 20.0]


@each(
    ("before", "later", "lost"),
    [
        (Hidden(), Hidden(fields=frozenset({"subject"})), True),
        (Hidden(), Hidden(services=frozenset({"exchange"})), True),
        (Hidden(operations=frozenset({"a"})), Hidden(operations=frozenset({"a", "b"})), True),
        (Hidden(operations=frozenset({"a"})), Hidden(services=frozenset({"a"})), True),
        (Hidden(operations=frozenset({"a", "b"})), Hidden(operations=frozenset({"b"})), False),
        (Hidden(fields=frozenset({"subject"})), Hidden(), False),
    ],
)
async def test_an_export_ends_when_more_is_hidden_than_when_it_began(before: Hidden, later: Hidden, lost: bool) -> None:
    clock = ManualClock(NOW)
    rights = rights_of(before, later, clock, [])
    await rights.check()
    clock.advance(EVERY_S)
    if not lost:
        await rights.check()
        return

    for _ in range(2):
        with pytest.raises(RightsLost):
            await rights.check()

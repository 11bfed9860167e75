"""Whose a stretch is, whatever the clocks say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from aoc_common.contracts.publications import Position
from aoc_common.contracts.sink_states import Stretch, behind_key
from aoc_exporter.catching_up import CatchingUp, Sources
from each import each
from manual_clock import ManualClock
from replica import NOW

START = Position("a", 1)
STRETCH = Stretch(behind_key("siem", "contoso"), "siem", "contoso", START, START, owner="other")


@each(
    ("until", "mine"),
    [
        (None, True),
        (timedelta(seconds=-1), True),
        (timedelta(seconds=60), False),
        # Nobody writes a lease of a day: whoever did was ahead, or our clock went back.
        (timedelta(days=1), True),
    ],
)
def test_a_lease_holds_until_it_ends_unless_no_clock_that_is_right_can_have_written_it(until, mine: bool) -> None:
    none: Any = None
    sources = Sources(none, none, none, none, none, ManualClock(NOW), none, None)
    stretch = replace(STRETCH, owner_until=until and NOW + until)

    assert CatchingUp(sources, "this").mine(stretch) is mine
    assert CatchingUp(sources, "other").mine(stretch)
    assert not CatchingUp(sources, "other").mine(replace(stretch, phase="done"))

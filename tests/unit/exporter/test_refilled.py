"""What was delivered as it came and lies in a hole that is filled comes twice: it is counted, once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from aoc_common.contracts.publications import Position
from aoc_common.contracts.reading import Checkpoint, Hole
from aoc_exporter.refilled import Refilled

AT = datetime(2026, 11, 27, tzinfo=UTC)


def place(sequence: int, incarnation: str = "a") -> Position:
    return Position(incarnation, sequence)


class Account:
    def __init__(self) -> None:
        self.repeats: Counter[str] = Counter()

    def repeated(self, tenant: str, count: int) -> None:
        self.repeats[tenant] += count


def test_what_lies_in_a_hole_is_counted_when_it_is_found_or_delivered_after_that() -> None:
    account = Account()
    refilled = Refilled()
    refilled.into(account)
    old = Hole("dropped", AT, place(0), place(9), place(9), filled_at=AT)
    before = Checkpoint("exporter-0", place(5), past=(old,))
    refilled.learn(None)
    refilled.learn(before)
    for sequence in (5, 6, 7):
        refilled.sent("contoso", place(sequence))
    refilled.sent("fabrikam", place(8))
    assert not account.repeats  # a hole that was there before this replica has nothing of what it sent

    # The stream was made anew. By the time of the look the hole is filled in part: where it began is known from before.
    hole = Hole("remade", AT.replace(hour=1), place(7), place(0, "b"), place(0, "b"))
    holed = replace(before, hole=hole)
    refilled.learn(holed)
    assert account.repeats == {"contoso": 2, "fabrikam": 1}

    refilled.sent("contoso", place(9))
    refilled.sent("contoso", place(1, "b"))
    refilled.learn(replace(holed, hole=None, past=(old, replace(hole, filled_at=AT)), position=place(0, "b")))
    assert account.repeats == {"contoso": 3, "fabrikam": 1}


def test_what_was_delivered_before_the_sink_was_started_anew_is_counted_into_the_new_account() -> None:
    first, second = Account(), Account()
    refilled = Refilled()
    refilled.into(first)
    start = Checkpoint("exporter-0", place(0))
    refilled.learn(start)
    for sequence in (1, 2, 3):
        refilled.sent("contoso", place(sequence))

    refilled.into(second)
    refilled.learn(replace(start, hole=Hole("remade", AT, place(0), place(0, "b"), place(0, "b"))))
    assert (first.repeats, second.repeats) == ({}, {"contoso": 3})

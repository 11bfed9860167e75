"""What was sent, and goes again from the store, is counted once: by who sent it, whichever sink at work it was."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from aoc_common.contracts.publications import Position
from aoc_common.contracts.reading import Checkpoint, Hole
from aoc_common.contracts.sink_states import Stretch
from aoc_exporter.sent import Sent

AT = datetime(2026, 11, 27, tzinfo=UTC)


def place(sequence: int, incarnation: str = "a") -> Position:
    return Position(incarnation, sequence)


class Account:
    def __init__(self) -> None:
        self.repeats: Counter[str] = Counter()

    def repeated(self, tenant: str, count: int) -> None:
        self.repeats[tenant] += count


def noted(sent: Sent, account: Account, tenant: str, *sequences: int, incarnation: str = "a") -> None:
    for sequence in sequences:
        sent.note(account, tenant, place(sequence, incarnation), restored=False)


def test_what_lies_in_a_hole_is_counted_when_it_is_found_or_delivered_after_that() -> None:
    account, sent = Account(), Sent()
    old = Hole("dropped", AT, place(0), place(9), place(9), filled_at=AT)
    before = Checkpoint("exporter-0", place(5), past=(old,))
    sent.observe(account, None)
    sent.observe(account, before)
    noted(sent, account, "contoso", 5, 6, 7)
    noted(sent, account, "fabrikam", 8)
    sent.note(account, "contoso", place(8), restored=True)
    assert not account.repeats  # a hole that was there before this replica has nothing of what it sent

    # The stream was made anew. By the time of the look the hole is filled in part: where it began is known from before.
    hole = Hole("remade", AT.replace(hour=1), place(7), place(0, "b"), place(0, "b"))
    holed = replace(before, hole=hole)
    sent.observe(account, holed)
    assert account.repeats == {"contoso": 2, "fabrikam": 1}

    noted(sent, account, "contoso", 9)
    noted(sent, account, "contoso", 1, incarnation="b")
    sent.note(account, "contoso", place(9), restored=True)
    filled = replace(holed, hole=None, past=(old, replace(hole, filled_at=AT)), position=place(0, "b"))
    sent.observe(account, filled)
    assert account.repeats == {"contoso": 3, "fabrikam": 1}


def test_what_comes_from_the_store_again_is_counted() -> None:
    """Its checkpoint could not be written, or went back as a tenant joined."""
    account, sent = Account(), Sent()
    for _ in range(3):
        sent.note(account, "contoso", place(4), restored=True)
    sent.note(account, "fabrikam", place(4), restored=True)
    sent.note(account, "contoso", place(4, "b"), restored=True)

    assert account.repeats == {"contoso": 2}


def test_what_lies_behind_where_a_tenant_fell_behind_is_counted_once_also_what_came_from_the_store() -> None:
    account, sent = Account(), Sent()
    fallen = Stretch("siem/contoso", "siem", "contoso", place(3), place(3))
    again = Stretch("siem//ticket", "siem", "contoso", place(0), place(0), upto=place(9))
    sent.fall(account, [again])
    noted(sent, account, "contoso", 2, 4)
    noted(sent, account, "fabrikam", 5)
    sent.note(account, "contoso", place(6), restored=True)
    for _ in range(2):
        sent.fall(account, [again, fallen])
    assert account.repeats == {"contoso": 2}

    sent.fall(account, [again, replace(fallen, since=place(5), position=place(5))])
    assert account.repeats == {"contoso": 3}


def test_what_was_sent_before_the_sink_was_started_anew_is_counted_into_the_new_account() -> None:
    first, second, sent = Account(), Account(), Sent()
    start = Checkpoint("exporter-0", place(0))
    sent.observe(first, start)
    noted(sent, first, "contoso", 1, 2, 3)

    sent.observe(second, replace(start, hole=Hole("remade", AT, place(0), place(0, "b"), place(0, "b"))))
    sent.fall(second, [Stretch("siem/contoso", "siem", "contoso", place(2), place(2))])
    assert (first.repeats, second.repeats) == ({}, {"contoso": 4})

"""What the policy says of an error: whether its message stays on the stream, and when it is delivered again."""

from __future__ import annotations

import pytest

from aoc_common.backoff import backoff
from aoc_common.bus.policy import Redelivery
from aoc_common.errors import (
    BadConfiguration,
    Malformed,
    Postponed,
    Refused,
    Throttled,
    TooLarge,
    Unreachable,
    Unreadable,
)
from each import each

PATIENT = Redelivery(permanent_s=3600)


@each(("tries", "expected"), [(1, 1), (2, 2), (5, 16), (7, 60), (10_000, 60), (0, 1), (-3, 1)])
def test_a_pause_doubles_with_each_failure_up_to_the_longest(tries: int, expected: float) -> None:
    assert backoff(tries, 60) == expected


def test_a_pause_may_begin_with_less_and_be_as_long_as_an_hour() -> None:
    assert [backoff(tries, 3600, 0.5) for tries in (1, 2, 3, 14)] == [0.5, 1, 2, 3600]


@each("error", [Unreachable("x"), Throttled("x"), Postponed("x"), TooLarge("x")])
@each("how", [Redelivery(), PATIENT])
def test_what_may_succeed_another_time_stays_on_its_stream(how: Redelivery, error: Exception) -> None:
    assert how.retries(error)


@pytest.mark.parametrize("error", [Malformed("x"), Refused("x"), BadConfiguration("x")])
def test_what_is_permanent_stays_only_where_the_other_side_may_change_its_mind(error: Exception) -> None:
    assert (Redelivery().retries(error), PATIENT.retries(error)) == (False, True)


@pytest.mark.parametrize("error", [Unreadable("x"), ZeroDivisionError("ours")])
def test_what_cannot_be_read_and_a_defect_of_ours_never_stay_for_good(error: Exception) -> None:
    assert (Redelivery().retries(error), PATIENT.retries(error)) == (False, False)


@each(
    ("how", "error", "tries", "expected"),
    [
        (Redelivery(), Unreachable("x"), 3, 4),
        (Redelivery(), Unreachable("x"), 50, 60),
        (Redelivery(longest_s=5), Unreachable("x"), 50, 5),
        (Redelivery(), ZeroDivisionError("x"), 2, 2),
        (Redelivery(), Throttled("x", retry_after=300), 1, 300),
        (Redelivery(longest_asked_s=10), Throttled("x", retry_after=300), 1, 10),
        (Redelivery(), Postponed("x", retry_after=0), 9, 0),
        (PATIENT, Refused("x"), 50, 3600),
        (PATIENT, Unreachable("x"), 50, 60),
    ],
)
def test_a_message_is_delivered_again_after(how: Redelivery, error: Exception, tries: int, expected: float) -> None:
    assert how.delay_s(error, tries) == expected

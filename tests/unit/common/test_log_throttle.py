"""What fails each second is told at once, and then once a minute."""

from __future__ import annotations

from aoc_common.bus.log_throttle import LogThrottle


def test_a_complaint_is_told_at_once_and_then_each_minute_with_its_count() -> None:
    now = [0.0]
    complaints = LogThrottle(lambda: now[0])
    told = []
    for second in range(121):
        now[0] = float(second)
        told.append(complaints.due("refused"))

    assert [(second, count) for second, count in enumerate(told) if count] == [(0, 1), (60, 60), (120, 60)]


def test_another_complaint_is_told_at_once() -> None:
    complaints = LogThrottle(lambda: 0.0)

    assert [complaints.due(text) for text in ("refused", "denied", "refused", "denied")] == [1, 1, 0, 0]


def test_complaints_that_are_never_the_same_do_not_pile_up() -> None:
    complaints = LogThrottle(lambda: 0.0)

    assert all(complaints.due(f"number {number}") == 1 for number in range(1000))
    assert len(complaints._since) <= 100
    assert len(complaints._logged_at) <= 100

"""Whoever looks at a server at work leaves it nearly all of its time, and looks again soon all the same."""

from __future__ import annotations

from aoc_cli.pauses import pause_s


def test_a_look_that_takes_long_is_followed_by_a_pause_ten_times_as_long_within_a_bound() -> None:
    assert [pause_s(took, 0.5, 30) for took in (0, 0.01, 0.1, 2, 3600)] == [0.5, 0.5, 1.0, 20.0, 30.0]

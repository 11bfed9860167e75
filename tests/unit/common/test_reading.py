"""What a reader's checkpoint and the stream say together: whether something lacks, and what."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from aoc_common.contracts.publications import END, Position, Range, incarnation, made_at
from aoc_common.contracts.reading import (
    PAST,
    Checkpoint,
    Hole,
    Portion,
    StreamView,
    UnnotedHole,
    accounted,
    filled,
    hole_in,
)
from each import each

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
OLD, NOW, NEW = (incarnation(datetime(2026, 11, day, tzinfo=UTC)) for day in (1, 2, 3))


def state(sequence: int, **more) -> Checkpoint:
    return Checkpoint("alerting", Position(NOW, sequence), **more)


@each(
    "stream",
    [
        StreamView(NOW, 1, 200),
        StreamView(NOW, 101, 200),
        # All was read, and dropped then.
        StreamView(NOW, 101, 100),
        StreamView(NOW, 0, 100),
        StreamView(NOW, 1, 200, deleted=3),
    ],
)
def test_nothing_lacks_while_the_stream_holds_all_that_was_not_read(stream) -> None:
    assert hole_in(state(100, head=100, deleted=3), stream, AT) is None


@each(
    ("stream", "reason", "after", "upto", "then"),
    [
        (StreamView(NOW, 102, 200), "dropped", (NOW, 100), (NOW, 101), (NOW, 101)),
        (StreamView(NOW, 201, 200), "dropped", (NOW, 100), (NOW, 200), (NOW, 200)),
        (StreamView(NEW, 1, 5), "remade", (NOW, 100), (NEW, 0), (NEW, 0)),
        (StreamView(NEW, 4, 500), "remade", (NOW, 100), (NEW, 3), (NEW, 3)),
        (StreamView(NEW, 0, 0), "remade", (NOW, 100), (NEW, 0), (NEW, 0)),
        (StreamView(OLD, 3, 500), "restored", (NOW, 100), (NOW, END), (OLD, 2)),
        # It ended at 150, and ends before that now: what lay behind its end is gone, unread.
        (StreamView(NOW, 1, 120), "went back", (NOW, 120), (NOW, END), (NOW, 100)),
        (StreamView(NOW, 1, 90), "went back", (NOW, 100), (NOW, END), (NOW, 90)),
        (StreamView(NOW, 1, 200, deleted=4), "deleted", (NOW, 100), (NOW, 200), (NOW, 100)),
    ],
)
def test_what_lacks_is_all_between_the_checkpoint_and_the_stream(stream, reason, after, upto, then) -> None:
    hole = hole_in(state(100, head=150, deleted=3), stream, AT)

    assert hole == Hole(reason, AT, Position(*after), Position(*upto), Position(*then))


def test_a_hole_is_filled_portion_by_portion_and_its_place_is_kept() -> None:
    found = hole_in(state(100), StreamView(NOW, 1001, 2000), AT)
    begun = state(100, hole=found, filler="me", filler_until=AT)
    half = filled(begun, Portion([None] * 5, NOW, Position(NOW, 500), missing=2), AT)
    whole = filled(half, Portion([None] * 4, NOW, None, unaccounted=(Range(NOW, 600, 603),)), AT)

    assert (half.position, half.hole.after, half.filler) == (Position(NOW, 100), Position(NOW, 500), "me")
    assert (whole.position, whole.hole, whole.filler, whole.filler_until) == (Position(NOW, 1000), None, "", None)
    [past] = whole.past
    assert (past.filled, past.missing, past.unaccounted, past.filled_at) == (9, 2, 4, AT)
    assert whole.sought == (UnnotedHole(Range(NOW, 600, 603), AT),)


def test_what_is_found_later_is_counted_in_its_hole() -> None:
    hole = Hole("dropped", AT, *(Position(NOW, 9),) * 3, filled=1, unaccounted=10, filled_at=AT)
    one, other = UnnotedHole(Range(NOW, 1, 6), AT), UnnotedHole(Range(NOW, 8, 11), AT)
    before = state(20, sought=(one, other), past=(hole,))
    portion = Portion([None] * 3, NOW, None, missing=1, unaccounted=(Range(NOW, 5, 6),))
    after = accounted(before, [(one, portion)])

    assert after.sought == (UnnotedHole(Range(NOW, 5, 6), AT), other)
    assert after.past == (replace(hole, filled=4, missing=1, unaccounted=6),)


def test_a_checkpoint_remembers_the_last_holes_only() -> None:
    hole = Hole("dropped", AT, *(Position(NOW, 9),) * 3, filled_at=AT)
    before = state(1, past=(hole,) * PAST, hole=replace(hole, filled_at=None))

    assert len(filled(before, Portion([], NOW, None), AT).past) == PAST


def test_incarnations_sort_by_when_they_were_made() -> None:
    times = [datetime(2026, 11, 26, 9, 59, 59, 999_999, tzinfo=UTC), datetime(2026, 11, 26, 10, tzinfo=UTC)]
    names = [incarnation(one) for one in times]

    assert names == sorted(names)
    assert [made_at(one) for one in names] == times

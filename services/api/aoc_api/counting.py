"""From values of events to how many there are of each, and when. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from typing import TYPE_CHECKING
from uuid import UUID

from aoc_common.contracts import ids
from aoc_common.gateway.histogram import TimeBucket

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from aoc_common.store.searches import FieldValues


def most_frequent(values: Iterable[str | None], top: int) -> list[tuple[str, int]]:
    """The `top` most frequent values with their counts; equal counts in the order of the values."""
    counts = Counter(value for value in values if value is not None)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:top]


def counted_back_to(found: FieldValues) -> datetime | None:
    """The time from which on all events that match were counted; None where these are all there are.

    In UTC; also None where nothing was counted.
    """
    if found.complete or not (found.rows or found.searched_to):
        return None
    if found.searched_to is not None:
        return ids.complete_from(found.searched_to)
    # Of the millisecond of the oldest one that was counted there may be more.
    return ids.complete_from(UUID(int=found.rows[-1].time_ms + 1 << 80))


def over_time(
    found: FieldValues, limits: Sequence[datetime], shown: Sequence[str], position: int | None = None
) -> list[TimeBucket]:
    """Events by bucket, and within each by those values that are shown, of the field at this position of a row.

    `limits`: where each bucket begins, and where the last one ends.
    """
    begins = [ids.to_ms(limit) for limit in limits]
    counts = [0] * (len(limits) - 1)
    stacks: list[Counter[str | None]] = [Counter() for _ in counts]
    for row in found.rows:
        bucket = bisect_right(begins, row.time_ms) - 1
        if 0 <= bucket < len(counts):
            counts[bucket] += 1
            if position is not None:
                stacks[bucket][row.values[position]] += 1
    back_to, whole = counted_back_to(found), found.complete
    return [
        TimeBucket(
            start=limits[bucket],
            end=limits[bucket + 1],
            count=count,
            exact=whole or (back_to is not None and limits[bucket] >= back_to),
            values={value: stack[value] for value in shown if stack[value]},
            others=sum(number for value, number in stack.items() if value is not None and value not in shown),
            without=stack[None],
        )
        for bucket, (count, stack) in enumerate(zip(counts, stacks, strict=True))
    ]

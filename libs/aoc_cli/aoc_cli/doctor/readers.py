"""Holes of readers: what their stream had dropped unread, and what of it is not in the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from aoc_collector.findings import Finding, Grade
from aoc_common.contracts.subjects import EVENTS_STREAM
from aoc_common.errors import AocError
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.readers import MongoReaders

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aoc_cli.attach import System
    from aoc_common.contracts.reading import Checkpoint, Hole

#: How long a hole that was filled is shown.
_BACK: Final = timedelta(days=7)
_DROPPED_FIX: Final = (
    "The reader was away for longer than AOC_EVENTS keeps messages: let it run, or give the stream more room "
    "(AOC_NATS__EVENTS_MAX_BYTES, AOC_NATS__EVENTS_MAX_AGE_S, then aoc provision)"
)
_OTHER_DROPPED_FIX: Final = "Nothing, if nobody has deleted {stream}; else let the reader run: 30 days are held there"
_TAKEN_OUT_FIX: Final = (
    "Nothing: messages were deleted from {stream}, as they are with a tenant; what was unread came from the store"
)
_DELETED_FIX: Final = (
    "Retention has removed these before the reader came to them: keep what is stored longer than a reader is away"
)


async def check(system: System) -> list[Finding]:
    """A finding for each hole. Empty when the database is away, which another check reports."""
    try:
        async with connect(system.mongo) as database:
            return of_readers(await MongoReaders(database).all(), datetime.now(UTC))
    except AocError:
        return []


def of_readers(states: Sequence[Checkpoint], now: datetime) -> list[Finding]:
    """One finding for each reader without a hole, and one for each hole of the last days."""
    return [finding for state in states for finding in _of_reader(state, now)]


def _of_reader(state: Checkpoint, now: datetime) -> Iterator[Finding]:
    check_, (_, _, other) = f"reader {state.name}", state.name.partition("/")
    holes = [hole for hole in state.past if hole.found_at > now - _BACK]
    for hole in [*holes, *([state.hole] if state.hole else [])]:
        grade = Grade.FAIL if hole.missing else Grade.WARN
        yield Finding("system", check_, grade, _description(hole, other), _fix(hole, other))
    if not holes and state.hole is None:
        yield Finding("system", check_, Grade.OK, f"missed nothing in {_BACK.days} days")


def _fix(hole: Hole, other: str) -> str:
    """`other`: the reader's stream, where that is not AOC_EVENTS."""
    if hole.missing:
        return _DELETED_FIX
    if hole.reason == "deleted":
        return _TAKEN_OUT_FIX.format(stream=other or EVENTS_STREAM)
    return _OTHER_DROPPED_FIX.format(stream=other) if other else _DROPPED_FIX


def _description(hole: Hole, other: str) -> str:
    lost = [
        f"{count:,} {what}"
        for count, what in ((hole.missing, "stored no more"), (hole.unaccounted, "places of which nothing is known"))
        if count
    ]
    state = "filled" if hole.filled_at else "being filled"
    counts = ", ".join([f"{hole.filled:,} {'messages' if other else 'events'} from the store", *lost])
    return f"hole of {hole.found_at:%Y-%m-%d %H:%M} UTC ({hole.reason}), {state}: {counts}"

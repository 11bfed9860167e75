"""What a walk reads of an access path, on servers that read all within the bounds, and on those that read more."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from pymongo.errors import ExecutionTimeout

from aoc_common.store.mongo.access_paths import TERMS, TOP, AccessPath
from aoc_common.store.mongo.event_walk import PageRequest, walk
from aoc_common.store.mongo.timeline import MS, Timeline

if TYPE_CHECKING:
    from aoc_common.store.pace import Pace

HOURS = 28
EVENTS = HOURS * 3_600
NOW_MS = EVENTS * 1_000
#: The path has every third event; one in so many of them matches.
EVERY = 3


class Scans:
    """As many documents as there are seconds, read as a server would; `read` counts them."""

    def __init__(self, *, rereads: bool, one_in: int) -> None:
        self._rereads = rereads
        self._one_in = one_in
        self.read = self.scans = 0
        #: Seconds that the server takes for any question at all, and what a clock shows meanwhile.
        self.answers_after_s = self.now = 0.0

    def rereads(self, _path: AccessPath) -> bool:
        return self._rereads

    def scan(self, _path: AccessPath, _prefix: object, low: int, high: int) -> tuple[int, int]:
        return -(-low // (1_000 * MS)), min(-(-high // (1_000 * MS)), EVENTS)

    async def documents(self, scan: tuple[int, int], limit: int, _fields: object, seconds: float) -> list[Any]:
        self.now += min(seconds, self.answers_after_s)
        if seconds < self.answers_after_s:
            raise ExecutionTimeout("operation exceeded time limit")
        low, high = scan
        self.scans += 1
        self.read += sum(number % EVERY == 0 for number in range(low, EVENTS if self._rereads else high))
        matches = [n for n in range(high - 1, low - 1, -1) if n % (EVERY * self._one_in) == 0]
        return [{"_id": UUID(int=n * 1_000 * MS)} for n in matches[:limit]]


class Unhurried:
    @asynccontextmanager
    async def turn(self, needed_s: float = 0.0):
        yield 20.0


async def hours(_month: str) -> dict[int, int]:
    return dict.fromkeys(range(HOURS), 3600)


async def walked(
    scans: Scans, limit: int, *, exact: bool = True, density: float | None = None, pace: Pace | None = None
) -> int:
    path = AccessPath(TERMS, ({"terms": "x"},), {} if exact else {"a": 1})
    timeline = Timeline({"1970-01": EVENTS}, hours, NOW_MS)
    request = PageRequest(limit, {}, pace or Unhurried())
    result = await walk(scans, path, (0, TOP), timeline, density, request)
    ids = [document["_id"] for document in result.documents]
    assert ids == sorted(set(ids), reverse=True)
    return len(ids)


@pytest.mark.slow
@pytest.mark.parametrize("rereads", [False, True])
@pytest.mark.parametrize("limit", [51, 501, 5_001])
@pytest.mark.parametrize("slow_s", [0.0, 10.0])
async def test_of_a_path_that_matches_little_more_is_read_than_is_found(rereads, limit, slow_s, monkeypatch) -> None:
    """Also where each window takes long: a stand-in reads what is newer again with each one."""
    clock = iter(range(1_000_000))
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock) * slow_s)
    scans = Scans(rereads=rereads, one_in=1)

    assert await walked(scans, limit, exact=True) == limit
    assert scans.read <= 4 * limit + 1_000
    assert scans.scans < 20 or not rereads


@pytest.mark.parametrize("rereads", [False, True])
async def test_where_hardly_anything_matches_the_path_is_read_about_once(rereads: bool) -> None:  # parametrised
    scans = Scans(rereads=rereads, one_in=10_000)

    assert await walked(scans, 51, exact=False, density=1 / EVERY) == 4
    assert scans.read <= EVENTS / EVERY * (2.4 if rereads else 1) + 1


async def test_a_path_without_events_is_at_its_end_in_a_few_windows() -> None:
    scans = Scans(rereads=False, one_in=10**9)
    monotonic = time.monotonic()

    assert await walked(scans, 51, exact=True) == 1  # the event of 1970 is a multiple of all
    assert scans.scans < 12
    assert time.monotonic() - monotonic < 5


async def test_a_database_that_is_slow_with_the_smallest_question_too_is_given_longer_and_longer(monkeypatch) -> None:
    scans, asked = Scans(rereads=False, one_in=1), []
    monkeypatch.setattr(time, "perf_counter", lambda: scans.now)

    class Patient:
        @asynccontextmanager
        async def turn(self, needed_s: float = 0.0):
            asked.append(needed_s)
            yield min(max(needed_s, 0.1), 3.0)

    scans.answers_after_s = 1.0
    assert await walked(scans, 500, pace=Patient()) == 500
    # It is tried for long enough from then on, and for no longer.
    assert asked[:5] == [0.0, 0.2, 0.4, 0.8, 1.6]
    assert {*asked[4:]} == {1.6}
    asked.clear()
    scans.answers_after_s = 5.0
    with pytest.raises(ExecutionTimeout):
        await walked(scans, 5, pace=Patient())


async def test_once_the_database_is_itself_again_no_long_turns_are_asked_for(monkeypatch) -> None:
    scans, asked = Scans(rereads=False, one_in=1), []
    monkeypatch.setattr(time, "perf_counter", lambda: scans.now)

    class Recovering:
        @asynccontextmanager
        async def turn(self, needed_s: float = 0.0):
            asked.append(needed_s)
            scans.answers_after_s = 0.3 if len(asked) < 3 else 0.01
            yield max(needed_s, 0.1)

    await walked(scans, 500, pace=Recovering())

    assert asked[:3] == [0.0, 0.2, 0.4]
    assert all(needed_s <= 0.02 + 1e-9 for needed_s in asked[3:])

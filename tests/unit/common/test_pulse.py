"""What a heartbeat tells of the work of a service."""

from __future__ import annotations

import asyncio

import pytest

from aoc_common.contracts.beats import MAX_BEAT_BYTES, Beat
from aoc_common.errors import Malformed, Unreachable
from aoc_common.telemetry.pulse import Pulse, moved
from each import each
from manual_clock import ManualClock


async def test_what_moves_in_a_batch_keeps_it_alive_also_in_tasks_of_its_own_and_no_other() -> None:
    time = ManualClock()
    pulse = Pulse(time)

    async def one(consumer: str, moves: bool) -> None:
        with pulse.holding(consumer, 3):
            await both.wait()
            if moves:
                time.advance(10)
                await asyncio.gather(asyncio.to_thread(moved))
            await both.wait()
            told.append({work.consumer: (work.held, work.held_s) for work in pulse.work()})

    told: list[dict] = []
    both = asyncio.Barrier(2)
    await asyncio.gather(one("still", moves=False), one("moving", moves=True))

    assert told[0] == {"still": (3, 10.0), "moving": (3, 0.0)}
    assert [(work.held, work.held_s) for work in pulse.work()] == [(0, None), (0, None)]


def test_failures_are_counted_from_the_first_since_the_last_success() -> None:
    time = ManualClock()
    pulse = Pulse(time)
    pulse.failed("a", Unreachable("x"))
    pulse.settled("a", 2)
    time.advance(5)
    pulse.failed("a", Unreachable("first"))
    time.advance(3)
    pulse.failed("a", Unreachable("last\nof\tthem"))
    [work] = pulse.work()

    assert (work.settled, work.settled_s, work.failing_s, work.error) == (2, 8.0, 3.0, "Unreachable: last of them")


def test_a_beat_is_small_whatever_there_is_to_say_and_reads_back() -> None:
    pulse = Pulse()
    for number in range(500):
        pulse.failed(f"consumer-{number}", Unreachable('"\u2028' * 5000))
    beat = Beat.of("v" * 500, pulse.running_s, pulse.work())

    assert len(beat.message()) < MAX_BEAT_BYTES
    assert Beat.read(beat.message()) == beat


@each("body", [b"", b"[]", b'{"running_s":-1}', b'{"running_s":NaN}', b"{}", b"\xff"])
def test_what_is_no_beat_is_refused(body) -> None:
    with pytest.raises(Malformed):
        Beat.read(body)


def test_what_a_later_version_says_beside_is_passed_over() -> None:
    assert Beat.read(b'{"running_s":1,"later":{}}').running_s == 1

"""What all sinks share: halving, pace, breaker, lane, batches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from aoc_common.errors import Throttled, Unreachable
from aoc_common.outbound.refusals import RefusedWhole, Unusable
from aoc_exporter.delivery.breaker import Breaker
from aoc_exporter.delivery.deliver import deliver
from aoc_exporter.delivery.lane import Lane
from aoc_exporter.delivery.pace import Pace
from aoc_exporter.delivery.port import Limits, batches
from aoc_exporter.outcome import Accepted, Refused, Retry
from each import each
from manual_clock import ManualClock
from siem_entries import items

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aoc_common.errors import Transient
    from aoc_exporter.item import Item
    from aoc_exporter.outcome import Outcome

ROOMY = Limits(1000, 10**9, 10**9)


class Scripted:
    """A sink whose answers a test gives."""

    def __init__(
        self,
        answer: Callable[[Sequence[Item]], Sequence[Outcome]],
        *,
        idempotent: bool = False,
        limits: Limits = ROOMY,
    ) -> None:
        self.idempotent = idempotent
        self.limits = limits
        self.sent: list[list[str]] = []
        self._answer = answer

    async def send(self, sent: Sequence[Item]) -> Sequence[Outcome]:
        self.sent.append([item.key for item in sent])
        return self._answer(sent)

    async def close(self) -> None:
        """Nothing is held."""


def refusing(*bad: Item, at: bool = False, maybe_taken: bool = False):
    keys = [item.key for item in bad]

    def answer(sent: Sequence[Item]) -> Sequence[Outcome]:
        for place, item in enumerate(sent):
            if item.key in keys:
                raise RefusedWhole(f"no {item.key}", at=place if at else None, maybe_taken=maybe_taken)
        return [Accepted()] * len(sent)

    return answer


@each("places", [[0], [499], [250], [0, 1], [3, 77, 401]])
async def test_halving_finds_what_is_refused_and_nothing_else(places: list[int]) -> None:
    sent = items(500)
    sink = Scripted(refusing(*(sent[place] for place in places)))
    outcomes = await deliver(sink, sent)

    assert [place for place, outcome in enumerate(outcomes) if outcome != Accepted()] == places
    assert all(outcomes[place] == Refused(f"no {sent[place].key}") for place in places)
    assert len(sink.sent) <= len(places) * 20


async def test_an_item_that_is_named_costs_three_requests() -> None:
    sent = items(500)
    sink = Scripted(refusing(sent[123], at=True))
    outcomes = await deliver(sink, sent)

    assert outcomes[123] == Refused(f"no {sent[123].key}")
    assert [len(one) for one in sink.sent] == [500, 123, 1, 376]


@pytest.mark.parametrize("at", [-1, 5, 10**9])
async def test_a_number_that_is_none_of_the_batch_is_not_believed(at: int) -> None:
    def answer(sent: Sequence[Item]) -> Sequence[Outcome]:
        if len(sent) > 1:
            raise RefusedWhole("one", at=at)
        return [Accepted()]

    assert await deliver(Scripted(answer), items(5)) == [Accepted()] * 5


async def test_the_order_of_what_is_taken_stays_when_a_batch_is_halved() -> None:
    sent = items(64)
    sink = Scripted(refusing(sent[40]))
    await deliver(sink, sent)
    taken = [key for one in sink.sent for key in one if sent[40].key not in one]

    assert taken == [item.key for item in sent if item is not sent[40]]


@pytest.mark.parametrize("idempotent", [False, True])
async def test_copies_are_counted_where_the_destination_keeps_them(idempotent: bool) -> None:
    sent = items(4)
    outcomes = await deliver(Scripted(refusing(sent[3], maybe_taken=True), idempotent=idempotent), sent)

    assert outcomes[:3] == [Accepted(0 if idempotent else copies) for copies in (1, 1, 2)]
    assert outcomes[3] == Refused(f"no {sent[3].key}")


@pytest.mark.parametrize(
    ("error", "copies"),
    [(Unreachable("gone"), 1), (Throttled("slow", retry_after=7), 0), (Unusable("who are you"), 0)],
)
async def test_what_ends_without_an_answer_comes_again_whole(error: Transient, copies: int) -> None:
    def answer(_: Sequence[Item]) -> Sequence[Outcome]:
        raise error

    outcomes = await deliver(Scripted(answer), items(3))

    assert outcomes == [Retry(str(error), error.retry_after, copies)] * 3


async def test_a_destination_that_goes_away_while_a_batch_is_halved_keeps_what_was_settled() -> None:
    sent = items(8)

    def answer(got: Sequence[Item]) -> Sequence[Outcome]:
        if sent[7] in got and len(got) <= 2:
            raise Unreachable("gone")
        if sent[7] in got:
            raise RefusedWhole("one of them")
        return [Accepted()] * len(got)

    outcomes = await deliver(Scripted(answer), sent)

    assert outcomes == [Accepted()] * 6 + [Retry("gone", None, 1)] * 2


async def test_a_destination_that_refuses_whatever_comes_costs_no_item() -> None:
    sent = items(100)
    sink = Scripted(refusing(*sent))
    outcomes = await deliver(sink, sent)

    assert all(isinstance(outcome, Retry) for outcome in outcomes)
    assert "refuses everything: no " in outcomes[0].words
    assert len(sink.sent) < 40


async def test_nothing_sent_is_nothing_asked() -> None:
    sink = Scripted(refusing())

    assert await deliver(sink, []) == []
    assert sink.sent == []


def test_batches_keep_the_order_and_the_limits() -> None:
    sent = items(10)
    size = len(sent[0].data) + 1024

    assert [len(one) for one in batches(sent, Limits(3, 10**9, 1))] == [3, 3, 3, 1]
    assert [len(one) for one in batches(sent, Limits(99, 4 * size + 20, 1))] == [4, 4, 2]
    assert [len(one) for one in batches(sent, Limits(99, 1, 1))] == [1] * 10
    assert [item for one in batches(sent, Limits(3, 10**9, 1)) for item in one] == sent
    assert list(batches([], ROOMY)) == []


async def requests(pace: Pace, clock: ManualClock, took: float, *, well: bool = True, times: int = 1) -> None:
    for _ in range(times):
        async with pace.place():
            began = clock.monotonic()
            clock.advance(took)
            pace.went(began, well=well)


async def test_the_window_grows_with_success_up_to_its_most() -> None:
    clock = ManualClock()
    pace = Pace(clock, 8)
    assert pace.window == 1
    await requests(pace, clock, 0.1, times=200)

    assert pace.window == 8


async def test_the_window_is_halved_by_a_refusal_and_by_slowness_and_never_below_one() -> None:
    clock = ManualClock()
    pace = Pace(clock, 8)
    await requests(pace, clock, 0.1, times=200)
    await requests(pace, clock, 0.1, well=False)
    assert pace.window == 4
    await requests(pace, clock, 5.0)
    assert pace.window == 2
    await requests(pace, clock, 0.1, well=False, times=20)

    assert pace.window == 1


async def test_requests_that_were_under_way_halve_the_window_once() -> None:
    clock = ManualClock()
    pace = Pace(clock, 8)
    await requests(pace, clock, 0.1, times=200)
    began = clock.monotonic()
    clock.advance(0.1)
    for _ in range(8):
        pace.went(began, well=False)

    assert pace.window == 4


async def test_no_more_requests_are_under_way_than_the_window_has() -> None:
    pace = Pace(ManualClock(), 8)
    inside = 0
    most = 0

    async def one() -> None:
        nonlocal inside, most
        async with pace.place():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(one() for _ in range(20)))

    assert most == 1


async def test_a_place_is_free_again_after_an_error_and_after_a_cancellation() -> None:
    pace = Pace(ManualClock(), 1)
    with pytest.raises(RuntimeError):
        async with pace.place():
            raise RuntimeError
    async with pace.place():
        waiting = asyncio.create_task(pace.place().__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
    async with asyncio.timeout(5), pace.place():
        pass


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_probe_in() -> None:
    clock = ManualClock()
    breaker = Breaker(clock)
    for _ in range(2):
        breaker.failed()
    assert breaker.enter()
    breaker.failed()

    assert breaker.is_open
    assert not breaker.enter()
    clock.advance(breaker.wait_s())
    assert [breaker.enter(), breaker.enter()] == [True, False]
    breaker.failed()
    assert breaker.wait_s() == pytest.approx(2.0)
    clock.advance(2.0)
    assert breaker.enter()
    breaker.succeeded()
    assert [breaker.enter(), breaker.enter()] == [True, True]


def test_the_pause_of_a_breaker_doubles_to_a_minute_and_obeys_what_was_asked() -> None:
    clock = ManualClock()
    breaker = Breaker(clock)
    pauses = []
    for _ in range(12):
        breaker.failed()
        pauses.append(breaker.wait_s())
        clock.advance(breaker.wait_s())

    assert pauses[:6] == pytest.approx([0, 0, 1, 2, 4, 8])
    assert pauses[-1] == pytest.approx(60.0)
    breaker.succeeded()
    breaker.failed(retry_after=90)
    assert breaker.wait_s() == pytest.approx(90)


def test_a_probe_that_was_given_up_lets_the_next_one_in() -> None:
    clock = ManualClock()
    breaker = Breaker(clock, failures=1)
    breaker.failed()
    clock.advance(60)
    assert breaker.enter()
    breaker.left()

    assert breaker.enter()


async def test_a_lane_leaves_a_destination_alone_that_is_away_and_finds_it_again() -> None:
    clock = ManualClock()
    away = True

    def answer(sent: Sequence[Item]) -> Sequence[Outcome]:
        if away:
            raise Unreachable("gone")
        return [Accepted()] * len(sent)

    sink = Scripted(answer)
    lane = Lane(sink, Pace(clock, 4), Breaker(clock), clock)
    for _ in range(50):
        assert all(isinstance(outcome, Retry) for outcome in await lane.send(items(2)))
    asked = len(sink.sent)
    away = False
    clock.advance(60)

    assert asked < 12
    assert await lane.send(items(2)) == [Accepted()] * 2


async def test_single_refusals_say_nothing_against_a_destination() -> None:
    clock = ManualClock()
    breaker = Breaker(clock, failures=1)
    lane = Lane(Scripted(lambda sent: [Refused("no")] * len(sent)), Pace(clock, 4), breaker, clock)
    await lane.send(items(3))

    assert not breaker.is_open


async def test_a_lane_believes_a_destination_that_took_something_lately() -> None:
    clock = ManualClock()
    sent = items(30)
    lane = Lane(Scripted(refusing(*sent[1:])), Pace(clock, 4), Breaker(clock, failures=99), clock)
    assert {type(outcome) for outcome in await lane.send(sent[1:])} == {Retry}
    clock.advance(61)
    await lane.send(sent[:1])

    assert {type(outcome) for outcome in await lane.send(sent[1:])} == {Refused}
    clock.advance(301)
    assert {type(outcome) for outcome in await lane.send(sent[1:])} == {Retry}


async def test_what_nothing_else_is_left_of_is_given_up_in_the_end() -> None:
    clock = ManualClock()
    sent = items(30)
    lane = Lane(Scripted(refusing(*sent)), Pace(clock, 4), Breaker(clock), clock)
    rounds = 0
    while {type(outcome) for outcome in await lane.send(sent)} != {Refused}:
        rounds += 1
        assert rounds < 50
        clock.advance(61)

    assert rounds == 10


async def test_a_lane_sends_in_batches_within_the_limits() -> None:
    clock = ManualClock()
    sink = Scripted(refusing(), limits=Limits(4, 10**9, 10**9))
    outcomes = await Lane(sink, Pace(clock, 4), Breaker(clock), clock).send(items(10))

    assert outcomes == [Accepted()] * 10
    assert [len(one) for one in sink.sent] == [4, 4, 2]


async def test_a_lane_whose_caller_goes_away_is_usable_afterwards() -> None:
    clock = ManualClock()
    hanging = asyncio.Event()

    class Hanging(Scripted):
        async def send(self, sent: Sequence[Item]) -> Sequence[Outcome]:
            await hanging.wait()
            return await super().send(sent)

    lane = Lane(Hanging(refusing()), Pace(clock, 1), Breaker(clock), clock)
    task = asyncio.create_task(lane.send(items(1)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    hanging.set()

    assert await lane.send(items(1)) == [Accepted()]

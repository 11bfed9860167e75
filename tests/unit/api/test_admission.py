"""How requests share the store, so that none makes others wait."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import ClientDisconnect

from aoc_api.admission import Admission, ScanSlots
from aoc_api.problems import Problem
from aoc_api.settings import LimitOptions
from aoc_api.single_flight import SingleFlight
from manual_clock import ManualClock


async def here() -> bool:
    return False


def limits(**given) -> LimitOptions:
    return LimitOptions(**({"scans": 1, "requests": 8, "requests_per_caller": 4, "search_s": 1, "wait_s": 0.2} | given))


async def use(turn, time: ManualClock, seconds: float) -> float | None:
    async with turn.turn() as given:
        if given is not None:
            time.advance(seconds)
        return given


async def test_a_search_that_has_had_its_share_is_told_to_stop() -> None:
    time = ManualClock()
    admission = Admission(limits(), time)
    with admission.admitted("a", here) as turn:
        given = [await use(turn, time, 0.3) for _ in range(6)]

    assert [seconds is not None for seconds in given] == [True, True, True, True, False, False]


async def test_a_question_that_needs_longer_is_given_it_while_the_search_has_so_much_left() -> None:
    time = ManualClock()
    given = []
    with Admission(limits(search_s=1.0), time).admitted("a", here) as pace:
        for needed_s in (0.0, 0.1, 0.4, 0.8):
            async with pace.turn(needed_s) as seconds:
                given.append(seconds)
                time.advance(needed_s)

    assert given == [0.05, 0.1, 0.4, None]


async def test_callers_take_turns_whoever_has_many_waiting() -> None:
    slots, order = ScanSlots(1), []
    await slots.acquire("first")

    async def scan(caller: str) -> None:
        await slots.acquire(caller)
        order.append(caller)
        slots.release()

    tasks = [asyncio.create_task(scan(caller)) for caller in ["greedy"] * 5 + ["b", "c"]]
    await asyncio.sleep(0)
    slots.release()
    await asyncio.gather(*tasks)

    assert order[:3] == ["greedy", "b", "c"]


async def test_of_one_caller_the_search_that_has_had_least_goes_first() -> None:
    slots, order = ScanSlots(1), []
    await slots.acquire("first")

    async def scan(used: float) -> None:
        await slots.acquire("a", used)
        order.append(used)
        slots.release()

    tasks = [asyncio.create_task(scan(used)) for used in (3.0, 1.0, 2.0)]
    await asyncio.sleep(0)
    slots.release()
    await asyncio.gather(*tasks)

    assert order == [1.0, 2.0, 3.0]


async def test_who_waits_for_a_slot_and_goes_away_leaves_it_to_others() -> None:
    slots = ScanSlots(1)
    await slots.acquire("a")
    waiting = [asyncio.create_task(slots.acquire("b")) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.gather(waiting[0], return_exceptions=True)
    slots.release()
    await asyncio.wait_for(waiting[1], 1)
    slots.release()
    # Also when it was given at the very moment.
    await slots.acquire("a")
    late = asyncio.create_task(slots.acquire("b"))
    await asyncio.sleep(0)
    slots.release()
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)

    await asyncio.wait_for(slots.acquire("c"), 1)


async def test_no_scan_has_a_turn_while_a_quick_request_is_worked_on() -> None:
    time = ManualClock()
    admission = Admission(limits(), time)
    with admission.admitted("a", here) as scan:
        await use(scan, time, 0.3)
        with admission.admitted("b", here):
            task = asyncio.create_task(use(scan, time, 0.1))
            await asyncio.sleep(0.05)
            assert not task.done()
        assert await asyncio.wait_for(task, 1) is not None


async def test_scans_go_on_when_there_always_is_a_quick_request() -> None:
    time = ManualClock()
    admission = Admission(limits(), time)
    with admission.admitted("a", here) as scan, admission.admitted("b", here):
        await use(scan, time, 0.3)

        assert await asyncio.wait_for(use(scan, time, 0.1), 2) is not None


async def test_a_search_waits_for_its_turns_for_a_bounded_time_only() -> None:
    time = ManualClock()
    admission = Admission(limits(), asyncio.get_running_loop().time)
    with admission.admitted("a", here) as hog, admission.admitted("b", here) as other:
        for turn in (hog, other):
            async with turn.turn():
                await asyncio.sleep(0.06)
        async with hog.turn():
            assert await asyncio.wait_for(use(other, time, 0), 2) is None


async def test_a_caller_with_many_requests_in_work_is_refused_and_others_are_not() -> None:
    admission = Admission(limits(requests=6))
    held = [admission.admitted("greedy", here) for _ in range(4)]
    for one in held:
        one.__enter__()
    with pytest.raises(Problem) as refused, admission.admitted("greedy", here):
        pass
    with (
        admission.admitted("b", here),
        admission.admitted("c", here),
        pytest.raises(Problem) as full,
        admission.admitted("d", here),
    ):
        pass
    for one in held:
        one.__exit__(None, None, None)

    assert (refused.value.slug, refused.value.headers) == ("too-many", {"Retry-After": "1"})
    assert (full.value.slug, full.value.headers) == ("busy", {"Retry-After": "1"})
    with admission.admitted("greedy", here):
        pass


async def test_an_export_has_all_the_turns_that_it_needs_and_waits_for_short_requests() -> None:
    time = ManualClock()
    admission = Admission(limits(search_s=1, wait_s=0.01), time)
    with admission.exporting("a") as export:
        assert [await use(export, time, 0.5) for _ in range(20)] == [0.1] * 20
        with admission.admitted("b", here):
            task = asyncio.create_task(use(export, time, 0.5))
            await asyncio.sleep(0.05)
            assert not task.done()
        assert await asyncio.wait_for(task, 1) == 0.1


async def test_an_export_takes_turns_with_scans_of_others() -> None:
    time = ManualClock()
    admission = Admission(limits(wait_s=5), time)
    order: list[str] = []

    async def take(name: str, pace) -> None:
        for _ in range(3):
            async with pace.turn():
                order.append(name)
                await asyncio.sleep(0.001)

    with admission.exporting("a") as export, admission.admitted("b", here) as scan:
        await use(scan, time, 0.3)
        await asyncio.gather(take("export", export), take("scan", scan))

    assert order == ["export", "scan"] * 3


async def test_exports_are_bounded_by_caller_and_altogether_and_a_cancelled_one_leaves_its_turn_to_others() -> None:
    admission = Admission(limits(exports=3, exports_per_caller=2))
    with admission.exporting("a") as first, admission.exporting("a"):
        with pytest.raises(Problem) as many, admission.exporting("a"):
            pass
        with admission.exporting("b") as second, pytest.raises(Problem) as full, admission.exporting("c"):
            pass
        async with first.turn():
            waiting = asyncio.create_task(second.turn().__aenter__())
            await asyncio.sleep(0.01)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        async with asyncio.timeout(1), first.turn():
            pass

    assert (many.value.slug, full.value.slug) == ("too-many", "busy")
    assert many.value.headers == {"Retry-After": "30"}
    with admission.exporting("a"), admission.exporting("a"):
        pass


async def test_a_search_whose_client_went_away_gets_no_further_turn() -> None:
    async def gone() -> bool:
        return True

    with Admission(limits()).admitted("a", gone) as turn, pytest.raises(ClientDisconnect):
        async with turn.turn():
            pytest.fail("it had a turn")


async def test_those_who_ask_the_same_at_once_share_one_answer_and_one_who_goes_away_ends_nothing() -> None:
    asked, time = [], ManualClock()
    same: SingleFlight[int] = SingleFlight(1.0, time)

    async def work() -> int:
        asked.append(1)
        await asyncio.sleep(0.02)
        return len(asked)

    first, *others = [asyncio.create_task(same("k", work)) for _ in range(9)]
    await asyncio.sleep(0)
    first.cancel()

    assert await asyncio.gather(*others) == [1] * 8
    assert await same("k", work) == 1  # a moment later
    time.advance(2)
    assert await same("k", work) == 2


async def test_a_shared_failure_is_everybodys_and_is_not_kept() -> None:
    same: SingleFlight[int] = SingleFlight(1.0)

    async def fails() -> int:
        raise ValueError("x")

    async def works() -> int:
        return 1

    found = await asyncio.gather(same("k", fails), same("k", fails), return_exceptions=True)

    assert [str(error) for error in found] == ["x", "x"]
    assert await same("k", works) == 1

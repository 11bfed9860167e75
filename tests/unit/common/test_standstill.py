"""Which services stand still and since when, by waiting messages and heartbeats."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aoc_common.bus.lag import BusState, ConsumerLag, LastBeat
from aoc_common.contracts.beats import Beat, ConsumerWork
from aoc_common.errors import Unreachable
from aoc_common.service.standstill import InstanceState, assess
from aoc_common.service.standstill_monitor import SURE_S, StandstillMonitor, confirmed_standstills
from manual_clock import ManualClock

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
LAG = ConsumerLag("normalizer", "AOC_RAW", "normalizer-3", 60.0, created=NOW - timedelta(days=9))


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def beat(name: str = "vm-1-a", at: float = 1, running: float = 3600, service: str = "normalizer", **work) -> LastBeat:
    """A beat of `at` seconds ago."""
    told = ConsumerWork(consumer="normalizer-3", **{key: work[key] for key in work if key != "leaving"})
    leaving = work.get("leaving", False)
    return LastBeat(service, name, ago(at), Beat(version="0.1.0", running_s=running, work=(told,), leaving=leaving))


def still(*seen: LastBeat, **lag):
    return assess(BusState(NOW, (replace(LAG, **lag),), seen)).standstills


def test_an_idle_system_is_well() -> None:
    assert still(beat(), settled_at=ago(9000), taken_at=ago(9000)) == ()


def test_a_system_in_which_nothing_ever_ran_is_well() -> None:
    assert still() == ()


def test_a_backlog_of_which_something_is_settled_is_busy_and_not_still() -> None:
    seen = beat(held=32, held_s=4, settled=900, settled_s=2)

    assert still(seen, waiting=50_000, in_work=64, oldest=ago(7200), settled_at=ago(2), taken_at=ago(2)) == ()


@pytest.mark.parametrize(("lag", "said"), [({}, ""), ({"waiting": 40, "taken_at": ago(20)}, "40 messages wait for it")])
def test_an_instance_without_a_sign_of_life_stands_still_since_its_last_one(lag, said) -> None:
    [found] = still(beat(at=13), **lag)

    assert (found.who, found.since) == ("normalizer vm-1-a", ago(13))
    assert found.message.startswith(
        "normalizer vm-1-a stands still since 2026-11-26T11:59:47Z: no sign of life for 13 s"
    )
    assert said in found.message
    assert "kill -CONT" in found.fix


def test_three_beats_that_are_missed_are_no_standstill_yet() -> None:
    assert still(beat(at=9)) == ()


def test_one_that_was_told_to_stop_is_not_missed() -> None:
    assert still(beat(at=4000, leaving=True)) == ()


def test_work_that_waits_after_the_last_one_left_is_told_since_then() -> None:
    [found] = still(beat(at=400, leaving=True), waiting=7, taken_at=ago(500), oldest=ago(300))

    assert (found.who, found.since) == ("normalizer", ago(300))
    assert "7 messages wait, and none of it runs" in found.message


def test_one_that_died_is_replaced_by_one_that_started_since_and_by_no_other() -> None:
    died = beat("died", at=100, running=50)
    before, since = beat("before", running=500), beat("since", running=90)

    assert [one.who for one in still(died, before)] == ["normalizer died"]
    assert still(died, since) == ()
    # Each stands in for one.
    assert [one.who for one in still(died, replace(died, instance="died-2"), since)] == ["normalizer died-2"]


def test_a_chain_of_crashes_is_replaced_by_who_runs() -> None:
    chain = [beat("a", at=300, running=10), beat("b", at=200, running=50), beat("c", at=1, running=150)]
    lives = assess(BusState(NOW, (LAG,), tuple(chain))).services[0].instances

    assert [one.life for one in lives] == [InstanceState.REPLACED, InstanceState.REPLACED, InstanceState.RUNNING]


def test_a_batch_that_never_returns_is_seen_though_the_process_is_alive() -> None:
    [found] = still(beat(at=1, held=2, held_s=75), in_work=2, waiting=9, taken_at=ago(76))

    assert (found.who, found.since) == ("normalizer, consumer normalizer-3", ago(76))
    assert "2 messages are in work, and nothing moves in them; 9 more wait" in found.message


def test_a_batch_that_takes_its_time_is_no_standstill() -> None:
    assert still(beat(held=2, held_s=50), in_work=2, taken_at=ago(50)) == ()


def test_a_consumer_at_which_all_fails_stands_still_and_says_why() -> None:
    [found] = still(beat(failing_s=70, error="Unreachable: events: away"), in_work=3, taken_at=ago(1))

    assert found.since == ago(71)
    assert "all of 3 messages fail (Unreachable: events: away)" in found.message


def test_a_source_that_refuses_is_no_standstill_of_the_collector() -> None:
    assert still(beat(failing_s=9000, error="Refused: 403"), in_work=3, taken_at=ago(1), of_sources=True) == ()


def test_what_one_instance_fails_at_and_another_settles_is_no_standstill() -> None:
    works = beat("vm-2-b", settled=5, settled_s=1)

    assert still(beat(failing_s=700, error="x"), works, in_work=3, taken_at=ago(1)) == ()


@pytest.mark.parametrize(("paused", "why"), [(False, "nobody takes them"), (True, "the consumer is paused")])
def test_messages_that_nobody_takes_though_somebody_runs_are_told(paused, why) -> None:
    [found] = still(beat(), waiting=3, taken_at=ago(200), settled_at=ago(190), paused=paused)

    assert (found.since, why in found.message) == (ago(190), True)


def test_what_no_running_instance_is_set_up_for_is_nobodys_standstill() -> None:
    assert still(replace(beat(), beat=Beat(running_s=9)), waiting=1, taken_at=ago(900)) == ()


def test_a_version_without_a_heartbeat_that_asks_for_work_is_no_standstill_and_one_that_does_not_is() -> None:
    lag = {"waiting": 4, "taken_at": ago(30), "settled_at": ago(30)}

    assert still(asking=2, **lag) == ()
    assert [(one.who, one.since) for one in still(asking=0, **lag)] == [("normalizer", ago(30))]


def test_a_wrong_clock_of_an_instance_changes_nothing_since_beats_hold_ages_only() -> None:
    assert all("time" not in name and not name.endswith("_at") for name in Beat.model_json_schema()["properties"])


def test_a_missing_stream_is_told() -> None:
    [found] = assess(BusState(NOW, (), (), ("AOC_BEATS",))).standstills

    assert (found.who, found.fix) == ("AOC_BEATS", "Run aoc provision")


async def test_what_only_one_look_finds_is_not_believed() -> None:
    """A message that has just arrived; a beat that a bus which was restarted has not got yet."""
    looks = [BusState(NOW, (LAG,), (beat(at=20),)), BusState(NOW, (LAG,), (beat(at=1),))]

    async def look():
        return looks.pop(0)

    clock = ManualClock(NOW)
    assert (await confirmed_standstills(look, clock)).standstills == ()
    assert looks == []


async def test_the_monitor_tells_of_a_standstill_when_it_is_sure_and_of_a_bus_that_is_away() -> None:
    clock, away = ManualClock(NOW), False

    async def look():
        if away:
            raise Unreachable("the bus is not connected")
        return BusState(NOW, (LAG,), (beat(at=20),))

    monitor = StandstillMonitor(look, clock)
    assert await monitor.probe() == "not known: nobody has looked yet"
    await monitor.look()
    assert await monitor.probe() is None
    await clock.sleep(SURE_S)
    await monitor.look()
    assert (await monitor.probe() or "").startswith("normalizer vm-1-a stands still since")
    away = True
    await clock.sleep(SURE_S)
    await monitor.look()
    assert monitor.standstills() != "the bus is not connected"  # what was known a moment ago
    await clock.sleep(20)
    await monitor.look()
    assert monitor.standstills() == "the bus is not connected"

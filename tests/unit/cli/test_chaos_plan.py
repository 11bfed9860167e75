"""The plan of a run: the same seed strikes the same way, and each kind of fault can be had alone."""

from __future__ import annotations

from typing import get_args

import pytest

from aoc_cli.verify.chaos import plan
from aoc_cli.verify.fault_kinds import ENABLED, KINDS, USUAL, Kind, chosen, setup
from aoc_common.errors import BadConfiguration
from aoc_sim.faults import EXTRAS, PROFILES
from aoc_sim.settings import SimSettings
from each import each

VICTIMS = ["nats-server", "mongod", "normalizer", "normalizer-2", "collector", "collector-2"]
STRIKING = {"deletions", "windows", "streams", "consumers", "full", "clock"}


def test_a_seed_makes_one_plan() -> None:
    first, second, other = (plan(VICTIMS, seed, 2, set(KINDS)) for seed in (11, 11, 23))

    assert first == second != other


def test_every_round_kills_and_pauses_everything_once_and_adds_what_the_kinds_strike() -> None:
    plain, more = plan(VICTIMS, 11, 2), plan(VICTIMS, 11, 2, {"streams"})

    for strikes in (plain, more):
        for victim in VICTIMS:
            assert [strike.victim for strike in strikes if strike.deed == "kill -9"].count(victim) == 2
    assert [strike.victim for strike in more if strike.deed == "delete stream"].count("AOC_RAW") == 2
    assert not any(strike.deed == "delete stream" for strike in plain)


def test_where_an_alerter_runs_its_streams_consumers_and_clock_are_struck_and_it_is_down_and_paused_for_long() -> None:
    kinds: set[Kind] = {"streams", "consumers", "windows", "clock"}
    without, alerting = (plan(victims, 11, 2, kinds) for victims in (VICTIMS, [*VICTIMS, "alerter", "alerter-2"]))
    struck = {(one.deed, one.victim) for one in alerting} - {(one.deed, one.victim) for one in without}

    assert struck == {
        ("delete stream", "AOC_ALERTS"),
        *(("delete consumer", stream) for stream in ("AOC_EVENTS", "AOC_ALERTS")),
        *((deed, victim) for deed in ("kill -9", "pause") for victim in ("alerter", "alerter-2")),
        ("down", "alerter*"),
        ("clock", "alerter"),
    }
    assert max(one.seconds for one in alerting if one.deed == "pause" and one.victim.startswith("alerter")) > 30


@each("kind", KINDS)
def test_a_kind_alone_kills_nothing_else(kind: Kind) -> None:
    strikes = plan(VICTIMS, 11, 1, {kind}, all_=False)

    assert bool(strikes) == (kind in STRIKING)
    assert not any(strike.deed in {"kill -9", "pause"} for strike in strikes)


@each("kind", KINDS)
def test_a_kind_is_the_simulators_or_strikes(kind: Kind) -> None:
    setup_of_kind = setup({kind})

    assert (kind in EXTRAS) == (kind not in STRIKING)
    assert setup_of_kind.simulator["AOC_SIM__FAULTS_EXTRA"] == (f'["{kind}"]' if kind in EXTRAS else "[]")


def test_the_simulator_takes_its_extra_faults_from_the_environment(monkeypatch) -> None:
    for name, value in setup(set(KINDS)).simulator.items():
        monkeypatch.setenv(name, value)

    assert set(SimSettings().faults_extra) == set(EXTRAS)


def test_outages_outlast_every_window_that_is_shortened() -> None:
    downs = [strike.seconds for strike in plan(VICTIMS, 11, 1, {"windows"}, all_=False) if strike.deed == "down"]
    bus = setup({"windows"}).bus

    assert min(downs) > bus["duplicate_window_s"]
    assert (
        max(strike.seconds for strike in plan(VICTIMS, 11, 1, {"windows"}) if strike.victim == "normalizer*")
        > (bus["events_max_age_s"])
    )


@pytest.mark.parametrize(("profile", "calm"), [("verify", True), ("quick", False), ("chaos", False)])
def test_what_changes_is_asked_for_as_long_as_a_run_lasts(profile: str, calm: bool) -> None:
    overlap = float(setup(USUAL, calm=calm).collector["AOC_GRAPH__OVERLAP_S"])

    assert overlap >= PROFILES[profile].again_age_s + 600
    assert "AOC_GRAPH__OVERLAP_S" not in setup({"bom"}, calm=calm).collector


def test_kinds_are_chosen_by_name() -> None:
    assert chosen(["bom", "clock"]) == {"bom", "clock"}
    assert chosen(["none"]) == set()
    assert set(get_args(Kind.__value__)) == set(KINDS) >= ENABLED > USUAL
    with pytest.raises(BadConfiguration, match="--faults gremlins: no such kind"):
        chosen(["gremlins"])


def test_what_every_run_has_costs_no_state_that_was_served() -> None:
    strikes = plan(VICTIMS, 11, 1, USUAL, all_=False)

    assert {strike.deed for strike in strikes} == {"delete account", "delete stream"}
    assert all(strike.harmless for strike in strikes)
    assert not any(strike.harmless for strike in plan(VICTIMS, 11, 1, {"consumers"}))

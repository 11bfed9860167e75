from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from aoc_sim.__main__ import parse
from aoc_sim.faults import EXTRAS, PROFILES, FaultDice, Faults
from aoc_sim.settings import DEFAULT_TENANTS, SimSettings
from each import each


@each(
    "bad",
    [
        {"events": -1},
        {"live_rate": -1},
        {"history_hours": 0},
        {"faults": {"late_rate": 1.1}},
        {"faults_profile": "anarchy"},
        {"throttle": {"graph_audit_requests": 0}},
        {"tenants": ()},
        {"tenants": (DEFAULT_TENANTS[0], DEFAULT_TENANTS[0])},
        {"unknown": 1},
    ],
)
def test_settings_that_make_no_sense_are_refused(bad):
    with pytest.raises(ValidationError):
        SimSettings(**bad)


def test_the_environment_sets_nested_settings(monkeypatch):
    monkeypatch.setenv("AOC_SIM__SEED", "11")
    monkeypatch.setenv("AOC_SIM__THROTTLE__GRAPH_AUDIT_REQUESTS", "500")
    monkeypatch.setenv("AOC_SIM__FAULTS__HTTP_5XX_RATE", "0.5")
    monkeypatch.setenv("AOC_SIM__STORIES", '["device-wipe"]')
    settings = SimSettings()

    assert (settings.seed, settings.throttle.graph_audit_requests) == (11, 500)
    assert (settings.faults.http_5xx_rate, settings.stories) == (0.5, ["device-wipe"])


def test_the_word_all_in_the_environment_means_all_stories(monkeypatch):
    monkeypatch.setenv("AOC_SIM__STORIES", "all")

    assert SimSettings().stories == "all"


def test_the_command_line_overrides_the_environment(monkeypatch):
    monkeypatch.setenv("AOC_SIM__SEED", "11")
    settings = parse(["--seed", "12", "--port", "0", "--faults-profile", "verify"])

    assert (settings.seed, settings.port, settings.faults_profile) == (12, 0, "verify")


def test_it_listens_on_loopback_unless_told_otherwise():
    assert SimSettings().host == "127.0.0.1"


def test_every_setting_says_what_it_is():
    models: list[Any] = [
        SimSettings,
        Faults,
        *(type(value) for value in vars(SimSettings()).values() if hasattr(value, "model_fields_set")),
    ]

    assert [(m.__name__, n) for m in models for n, f in m.model_fields.items() if not f.description] == []


def test_all_faults_are_off_by_default_and_on_in_the_chaos_profile_or_one_by_one():
    rates = [name for name in Faults.model_fields if name.endswith("_rate")]

    assert all(getattr(SimSettings().starting_faults(), name) == 0 for name in rates)
    extra = set().union(*EXTRAS.values())
    assert {name for name in rates if getattr(PROFILES["chaos"], name) > 0} == set(rates) - extra
    assert SimSettings(faults_profile="verify").starting_faults() == PROFILES["verify"]


def test_secrets_do_not_show_in_the_settings_text():
    assert "simulator-only" not in repr(SimSettings())


def test_new_faults_start_with_a_new_allowance_and_the_totals_stay():
    dice = FaultDice(Faults(slow_rate=1, max_per_kind=2), 1)
    first = [dice.strikes("slow") for _ in range(3)]
    dice.replace(Faults(slow_rate=1, max_per_kind=1))
    second = [dice.strikes("slow") for _ in range(2)]

    assert (first, second) == ([True, True, False], [True, False])
    assert dice.injected["slow"] == 3

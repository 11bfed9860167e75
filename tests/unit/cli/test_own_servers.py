"""What commands do when the environment names servers of the user's own: both, or one of them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from aoc_cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

NATS = {"AOC_NATS__URL": "nats://127.0.0.1:1"}
MONGO = {"AOC_MONGO__URI": "mongodb://127.0.0.1:1"}
COMMANDS = (
    ("import", "export.json"),
    ("search",),
    ("completeness",),
    ("doctor",),
    ("provision",),
    ("tail",),
    ("deadletters", "list"),
    ("up",),
    ("up", "--simulate"),
    ("verify",),
    ("bench",),
)


@pytest.fixture
def aoc(monkeypatch, capsys, tmp_path: Path):
    """`aoc({variable: value}, "up")`: status and stderr of a command in a root of the test's own."""
    (tmp_path / "export.json").write_text("[]")
    monkeypatch.setattr("aoc_cli.up._stop_on_signals", lambda: None)  # the signals of this process are pytest's
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("AOC_"):
            monkeypatch.delenv(name)

    def run(environment, *arguments: str) -> tuple[int, str]:
        for name, value in {"AOC_ROOT": str(tmp_path), "COLUMNS": "400", **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["aoc", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), " ".join(capsys.readouterr().err.split())

    return run


@pytest.mark.parametrize(("environment", "missing"), [(NATS, "AOC_MONGO__URI"), (MONGO, "AOC_NATS__URL")])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_half_a_system_is_refused_before_anything_is_started(aoc, tmp_path, command, environment, missing) -> None:
    status, message = aoc(environment, *command)

    assert status == 2
    assert message.startswith(f"aoc: {missing}: needed with {next(iter(environment))}: name both servers, or neither")
    assert not (tmp_path / ".aoc").exists()


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("up", "simulated records would be mixed into them; unset both, or say --no-simulate, or --simulate"),
        ("verify", "a verification fills and breaks those that it runs on; unset both"),
        ("bench", "a bench fills those that it runs on; unset both"),
    ],
)
def test_what_is_simulated_does_not_go_into_servers_of_the_users_own_unasked(aoc, command, why) -> None:
    status, message = aoc(NATS | MONGO, command)

    assert status == 2
    assert message.startswith(f"aoc: AOC_NATS__URL and AOC_MONGO__URI name servers of your own: {why}")


@pytest.mark.slow
def test_simulated_records_go_into_servers_of_the_users_own_when_asked_for(aoc) -> None:
    quick = {"AOC_MONGO__TIMEOUT_S": "0.2"}

    status, message = aoc(NATS | MONGO | quick, "up", "--simulate", "--port", "0", "--events", "1")

    assert status == 1  # it got as far as the user's servers, which are away here
    assert "MongoDB at 127.0.0.1:1: Connection refused (AOC_MONGO__URI)" in message

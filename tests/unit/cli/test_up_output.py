"""Without a terminal `aoc up` writes a log: an event a line, each with its time, and nothing that repeats itself."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from rich.console import Console

from aoc_cli import up_output
from aoc_cli.up_output import LogOutput, TerminalOutput, make_output

if TYPE_CHECKING:
    from aoc_cli.local.process import Child

CHILD = cast("Child", SimpleNamespace(name="mongod", pid=12))
FACTS = [("gateway", "http://127.0.0.1:8080/api/events?tenant=default"), ("data", "/case [1]")]


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Console:
    console = Console(file=io.StringIO(), highlight=False, soft_wrap=True, emoji=False, width=10_000)
    monkeypatch.setattr(up_output, "out", console)
    monkeypatch.setattr(up_output, "err", console)
    return console


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr("aoc_cli.up_output.time.monotonic", lambda: clock.now)
    return clock


def lines(console: Console) -> list[str]:
    written = cast("io.StringIO", console.file).getvalue()
    assert "\x1b" not in written
    texts = []
    for line in written.splitlines():
        matched = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (.+)", line)
        assert matched is not None, line
        texts.append(matched[1])
    return texts


def test_each_event_is_one_line_with_its_time(console) -> None:
    output = make_output()
    output.step("preparing the servers")
    output.ready(CHILD)
    output.note("normalizer ended with status -9; starting it again")
    output.welcome(FACTS)
    output.stopping(CHILD)
    output.stopped("the data is in /case [1]")

    assert lines(console) == [
        "preparing the servers",
        "started mongod (process 12)",
        "! normalizer ended with status -9; starting it again",
        "AOC is up",
        "gateway: http://127.0.0.1:8080/api/events?tenant=default",
        "data: /case [1]",
        "stopping mongod (process 12)",
        "stopped; the data is in /case [1]",
    ]


def test_a_line_break_in_a_text_does_not_make_two_events_of_one(console) -> None:
    LogOutput().note("died: no output\n2026-01-01T00:00:00Z AOC is up")

    assert len(lines(console)) == 1


def test_waiting_is_said_every_five_seconds_of_each_child(console) -> None:
    output = LogOutput()
    for tenth in range(121):
        output.waiting("mongod", tenth / 10)
    output.ready(CHILD)
    for tenth in range(61):
        output.waiting("normalizer", tenth / 10)

    assert [line for line in lines(console) if "waiting" in line] == [
        "waiting for mongod: it does not listen after 5 s",
        "waiting for mongod: it does not listen after 10 s",
        "waiting for normalizer: it does not listen after 5 s",
    ]


def test_the_number_of_events_is_a_line_a_minute_and_none_while_it_stays(console, clock) -> None:
    output = LogOutput()
    for second in range(300):
        clock.now = 100.0 + second
        output.count(min(second, 130) * 10, "")

    assert lines(console) == [
        "10 events stored (+10)",
        "610 events stored (+600)",
        "1,210 events stored (+600)",
        "1,300 events stored (+90)",
    ]


def test_what_keeps_events_from_being_counted_is_said_once_and_when_it_is_over(console, clock) -> None:
    output = LogOutput()
    for trouble in ("", "away", "away", "away", "", ""):
        output.count(0, trouble)

    assert lines(console) == ["! events cannot be counted: away", "events can be counted again"]


def test_a_terminal_shows_what_is_waited_for_and_one_line_that_changes(monkeypatch) -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=120, emoji=False, highlight=False)
    monkeypatch.setattr(up_output, "out", console)
    monkeypatch.setattr(up_output, "err", console)
    output: Any = make_output()
    assert isinstance(output, TerminalOutput)
    output.step("preparing the servers")
    output.waiting("mongod", 3.0)
    output._status._live.refresh()
    output.ready(CHILD)
    output.welcome(FACTS)
    output.count(5, "")
    output.count(25, "")
    output._live.refresh()
    output.note("something died")
    output.stopping(CHILD)
    output.stopped("the data is in /case")

    written = file.getvalue()
    assert all(
        text in written
        for text in ("waiting for mongod (3 s)", "AOC is up", "/case [1]", "25", "something died", "stopped; the data")
    )

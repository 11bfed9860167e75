"""Without a terminal an import writes a line now and then, and no bar."""

from __future__ import annotations

import io
import re
from typing import cast

import pytest
from rich.console import Console

from aoc_cli.importing import progress
from aoc_cli.importing.progress import shown_progress


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Console:
    console = Console(file=io.StringIO(), highlight=False, soft_wrap=True, emoji=False, width=10_000)
    monkeypatch.setattr(progress, "err", console)
    return console


def written(console: Console) -> str:
    return cast("io.StringIO", console.file).getvalue()


def test_a_line_with_its_time_is_written_every_thirty_seconds(console, monkeypatch) -> None:
    now = 100.0
    monkeypatch.setattr("aoc_cli.importing.progress.time.monotonic", lambda: now)
    with shown_progress(quiet=False) as shown:
        for second in range(61):
            now = 100.0 + second
            shown.read(second * 1_000, 90_000, second)
        for second in range(61, 91):
            now = 100.0 + second
            shown.settled(second, 90)

    lines = written(console).splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line) for line in lines)
    assert [line.partition(" ")[2] for line in lines] == [
        "read 30,000 of 90,000 bytes, 30 records",
        "read 60,000 of 90,000 bytes, 60 records",
        "stored 90 of 90 pages",
    ]


def test_an_import_that_is_done_soon_writes_none(console) -> None:
    with shown_progress(quiet=False) as shown:
        shown.read(10, 10, 1)
        shown.settled(1, 1)

    assert written(console) == ""


def test_a_terminal_has_bars_and_who_wants_json_has_nothing(monkeypatch) -> None:
    outputs = []
    for quiet in (False, True):
        console = Console(file=io.StringIO(), force_terminal=True, width=120)
        monkeypatch.setattr(progress, "err", console)
        with shown_progress(quiet=quiet) as shown:
            shown.read(5, 10, 1_234)
            shown.settled(1, 2)
        outputs.append(written(console))

    assert "1,234 records" in outputs[0]
    assert outputs[1] == ""

"""What an import says to the person who started it."""

from __future__ import annotations

import asyncio
import io
import shutil
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from rich.console import Console

from aoc_cli.importing import job, report
from aoc_cli.importing.progress import Lines
from aoc_cli.importing.reading import FileReader, Options
from aoc_cli.importing.records import sources
from aoc_cli.importing.selection import select
from aoc_cli.importing.streams import CountingFile
from aoc_cli.importing.summary import NO_END, FileAccount, Summary
from aoc_cli.importing.unpacking import Unpacking
from aoc_cli.local import disk
from each import each
from exports import NDJSON, zipped

if TYPE_CHECKING:
    from aoc_cli.importing.aside import PutAsideParts
    from aoc_cli.importing.pages import Publisher

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def shown(monkeypatch):
    """What is printed of a summary."""

    def show(summary: Summary, directory: Path | None = None) -> str:
        text = io.StringIO()
        monkeypatch.setattr(report, "out", Console(file=text, width=1000, highlight=False))
        report.show(summary, directory)
        return text.getvalue()

    return show


def test_commands_name_the_directory_that_the_import_went_to(shown) -> None:
    summary = Summary("default", records=3, quarantined=1, not_understood=1, unsettled=1)
    text = shown(summary, Path("case-17"))

    for command in ("quarantine list", "search --not-understood", "completeness", "doctor"):
        assert f"aoc {command} --data case-17" in text


def test_an_example_is_one_line(shown) -> None:
    summary = Summary("default", not_understood=1, examples={"not_understood": '{\r\n  "a": 1\n}'})

    assert 'e.g. { "a": 1 }' in shown(summary)


def test_what_a_file_ends_in_is_told_once(shown) -> None:
    summary = Summary("default", unread=1, quarantined=2)
    summary.note("a.json", 3, "not JSON: one")
    summary.note("a.json", 9, "not JSON: another")
    summary.refuse("a.json", f"{NO_END}not JSON: another")
    text = shown(summary)

    assert text.count("another") == 1
    assert text.count("not JSON: one") == 1
    assert "more (--json" not in text


def test_a_name_of_any_length_leaves_the_summary_readable(shown) -> None:
    summary = Summary("default")
    summary.occurrences.operations["O" * 5000] = 1

    assert max(map(len, shown(summary).splitlines())) < 120


@each(
    ("first", "last", "found"),
    [
        (2026, 2026, None),
        (2004, 2040, None),
        (2026, 9999, 9999),
        (1999, 2026, 1999),
    ],
)
def test_times_that_cannot_be_are_found(first: int, last: int, found: int | None) -> None:
    account = FileAccount("a.json", first=NOW.replace(year=first), last=NOW.replace(year=last))
    moment = job._impossible(account, NOW)  # an import around it would test the database

    assert (moment and moment.year) == found


def test_links_are_named_as_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(NDJSON)
    (tmp_path / "circle").symlink_to(".")
    (tmp_path / "gone").symlink_to("nowhere")

    assert {path.name: reason for path, reason in select([tmp_path]).unread} == {
        "circle": "a link to a directory: not followed",
        "gone": "a link to what is not there",
    }


@pytest.mark.parametrize(
    ("member", "reasons"),
    [(b"7z\xbc\xaf\x27\x1c", ["x.zip/a"]), (b"\x89PNG", ["x.zip/a", "x.zip"])],
    ids=["evidence", "picture"],
)
def test_an_archive_is_said_to_hold_no_log_only_where_that_is_all(
    tmp_path: Path, member: bytes, reasons: list[str]
) -> None:
    (tmp_path / "x.zip").write_bytes(zipped({"a": member}))
    summary = Summary("default")
    reader = FileReader(select([tmp_path]), Options(), summary, cast("PutAsideParts", None))
    asyncio.run(reader.read(cast("Publisher", None), Lines()))

    assert [refusal.file for refusal in summary.refusals] == [f"{tmp_path}/{name}" for name in reasons]


def test_what_is_in_an_archive_has_a_size(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"a.json": NDJSON}))
    with CountingFile(path) as file:
        (source,) = sources(file, Unpacking())[1]
        list(source.items())

    assert source.size == len(NDJSON)


def test_a_full_disk_is_named(monkeypatch, tmp_path: Path) -> None:
    free = SimpleNamespace(free=4096)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: free)

    assert disk.remark(tmp_path) == f"; the disk that holds {tmp_path} is full (4,096 bytes are free)"
    free.free = 1 << 30
    assert disk.remark(tmp_path) == ""


def test_what_is_not_there_has_no_disk(tmp_path: Path) -> None:
    assert disk.remark(tmp_path / "nowhere") == ""

"""Files as they are found on disks: what cannot be read is told, costs no other file anything, and no memory."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path

import pytest

from aoc_cli.importing import tables
from aoc_cli.importing.kinds import NoLogError
from aoc_cli.importing.records import Record, Unreadable, items
from aoc_cli.importing.selection import select
from aoc_cli.importing.streams import BrokenFileError, CountingFile
from aoc_common.errors import BadConfiguration, Malformed


def test_what_lies_among_the_logs_and_is_not_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "closed").mkdir(parents=True)
    for name in ("a/one.json", "two.json"):
        (tmp_path / name).write_text("{}")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a" / "circle").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")
    scandir = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", refusing)
    found = select([tmp_path])

    assert [str(path.relative_to(tmp_path)) for path in found.files] == ["a/one.json", "two.json"]
    assert sorted(str(path.relative_to(tmp_path)) for path, _ in found.unread) == [
        "a/circle",
        "a/closed",
        "pipe",
        "self",
    ]


def test_a_pipe_that_is_named_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(BadConfiguration, match="neither a file nor a directory"):
        select([tmp_path / "pipe"])


@pytest.mark.slow
def test_a_file_that_breaks_in_the_middle_gives_what_was_read_and_says_where_it_broke(tmp_path: Path) -> None:
    path = tmp_path / "export.ndjson"
    path.write_bytes(b'{"Id":"1"}\n' * 200_000)
    found = []
    with CountingFile(path) as file:
        readinto = file._file.readinto

        def breaking(buffer: memoryview) -> int | None:
            if file.done > 1 << 20:
                raise OSError(5, "Input/output error")
            return readinto(buffer)

        file._file = type("Broken", (), {"readinto": staticmethod(breaking), "close": file._file.close})()
        with pytest.raises(BrokenFileError, match=r"after [\d,]+ bytes: Input/output"):
            found.extend(items(file))

    assert len(found) > 90_000
    assert {type(item) for item in found} == {Record}


def test_a_file_that_cannot_be_read_at_all_is_told(tmp_path: Path) -> None:
    with pytest.raises(BrokenFileError, match="No such file"):
        CountingFile(tmp_path / "gone meanwhile")
    with CountingFile(Path("/proc/self/mem")) as file, pytest.raises(BrokenFileError, match="Input/output error"):
        list(items(file))


def test_a_file_that_is_written_to_while_it_is_read_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "export.ndjson"
    path.write_bytes(b'{"Id":"1"}\n')
    with CountingFile(path) as file:
        list(items(file))
        before = file.changed()
        path.write_bytes(b'{"Id":"1"}\n{"Id":"2"}\n')

        assert (before, file.changed()) == (False, True)


@pytest.mark.slow
def test_a_sparse_file_is_no_export_and_is_never_held_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MAX_LINE", 1 << 20)
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(200 << 20)
    tracemalloc.start()
    with CountingFile(path) as file, pytest.raises(Malformed):
        list(items(file))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 32 << 20


def test_a_row_without_end_is_told_and_the_next_one_goes_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_LINE", 1 << 16)
    path = tmp_path / "export.csv"
    good = '"{""Id"":""1""}"\n'
    path.write_text(f"AuditData\n{good}{'x' * (1 << 20)}\n{good}")
    with CountingFile(path) as file:
        found = list(items(file))

    assert [type(item) for item in found] == [Record, Unreadable, Record]


def test_white_space_without_end_before_the_first_record_is_no_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_bytes(b" " * (2 << 20) + b'[{"Id":"1"}]')
    with CountingFile(path) as file, pytest.raises(Malformed, match="white space"):
        list(items(file))


RECORD = json.dumps({"CreationTime": "2026-11-20T10:00:00", "Id": "a", "Operation": "Set-Mailbox"})


@pytest.mark.parametrize(
    "text",
    [
        f"# exported by Kim\n[{RECORD}]\n",
        f")]}}',\n[{RECORD}]",
        f"RecordType : ExchangeAdmin\nAuditData  : {RECORD}\n",
        f"<134>Nov 20 10:00:00 host o365: {RECORD}\n",
    ],
    ids=["comment", "prefix", "list", "syslog"],
)
def test_a_record_in_a_text_of_another_form_is_read(tmp_path: Path, text: str) -> None:
    file = tmp_path / "export.txt"
    file.write_text(text)
    with CountingFile(file) as opened:
        found = list(items(opened))

    assert [item.data for item in found if isinstance(item, Record)] == [RECORD.encode()]


@pytest.mark.parametrize(
    "text",
    [
        "RecordType : ExchangeAdmin\nAuditData  : {...}\n",
        f"Transcript started\n{'a line, of many\n' * 100_000}{json.dumps(RECORD)}\n",
    ],
    ids=["list-cut", "late"],
)
def test_a_text_that_holds_records_in_a_form_that_is_not_read_is_no_harmless_note(tmp_path: Path, text: str) -> None:
    file = tmp_path / "export.txt"
    file.write_text(text)

    with CountingFile(file) as opened, pytest.raises(NoLogError, match=r"text with records in it|as PowerShell") as no:
        list(items(opened))

    assert not no.value.harmless


def test_a_note_without_records_stays_harmless(tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    file.write_text("Dear colleague,\nthe column AuditData has it all.\n" * 1000)

    with CountingFile(file) as opened, pytest.raises(NoLogError) as refused:
        list(items(opened))

    assert refused.value.harmless

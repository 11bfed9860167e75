"""A report states each import, its files and their hashes, and shows what is in it from the signed bytes alone."""

from __future__ import annotations

import io
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from rich.console import Console

from aoc_cli.reports import custody
from aoc_cli.reports.form import Form, check, sign
from aoc_cli.reports.reading import File, Import, read
from aoc_cli.reports.statement import MOST_FILES, statement
from aoc_common.errors import Malformed
from aoc_common.store.imports import FileStatus, ImportAccount, ImportedFile, ImportRecord, ImportState
from each import each
from reporting import ACCOUNT, AT, GONE, INSTALLATION, OURS

THEN = datetime(2025, 3, 1, 10, 30, tzinfo=UTC)
SPAN = ", of 2025-03-01 10:30:00 to 2025-03-01 10:30:00"
HASH = "0123456789abcdef" * 4
FILES = (
    ImportedFile(
        "logs.zip", FileStatus.READ, size=4_096, modified_at=THEN, sha256=HASH, records=3, new=2, duplicates=1
    ),
    ImportedFile(
        "logs.zip/a.csv", FileStatus.PARTLY, "it ends too early", "logs.zip", records=3, first=THEN, last=THEN
    ),
    ImportedFile("notes.txt", FileStatus.SKIPPED, "text", size=12, sha256="f" * 64),
)
IMPORT = ImportRecord(
    ImportAccount(
        "contoso/import/2026-11-22T07:00:00Z-1",
        "contoso",
        AT,
        by="dana",
        host="bench",
        aoc="0.1.0",
        directory="/case",
        paths=("logs.zip", "notes.txt", "a", "b", "c"),
        named=5,
        state=ImportState.ENDED,
        ended_at=AT,
        files=3,
        manifest="e" * 64,
        records=3,
        new=2,
        duplicates=1,
        first=THEN,
        last=THEN,
    ),
    FILES,
)


def stated(*imports: ImportRecord) -> dict[str, Any]:
    return statement("contoso", None, AT, INSTALLATION, [ACCOUNT], GONE, imports)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch):
    """`shown(record, most=9)`: the lines that are printed of an import."""

    def show(record: ImportRecord, most: int = 9) -> list[str]:
        console = Console(file=io.StringIO(), highlight=False, soft_wrap=True, emoji=False, width=10_000)
        monkeypatch.setattr(custody, "out", console)
        custody.show_imports([record], most)
        return cast("io.StringIO", console.file).getvalue().splitlines()

    return show


def test_what_is_read_of_a_report_is_the_account_as_it_was_signed() -> None:
    signed = check(sign(stated(IMPORT), OURS))
    [entry] = read(signed.statement(), signed.form).imports or ()

    assert entry.record() == IMPORT


def test_a_report_states_all_that_is_on_record_of_an_import_and_of_a_file() -> None:
    assert set(Import.model_fields) - {"files_count"} == {field.name for field in fields(ImportAccount)}
    assert set(File.model_fields) == {field.name for field in fields(ImportedFile)}
    assert set(stated(IMPORT)["imports"][0]) == set(Import.model_fields)


def test_a_report_of_the_version_before_which_states_no_imports_is_still_read() -> None:
    before = {name: value for name, value in stated().items() if name != "imports"} | {"version": 1}

    assert read(before, Form.JWS).imports is None


@each(
    "change",
    [
        {"sha256": "0" * 63},
        {"sha256": "0" * 64 + "\n"},
        {"status": "fine"},
        {"modified_at": "2025-03-01T10:30:00"},
        {"records": "many"},
        {"file": "x" * 5_000},
        {"note": "all is well"},
    ],
)
def test_a_file_of_another_shape_is_refused(change) -> None:
    document = stated(IMPORT)
    document["imports"][0]["files"][0] |= change

    with pytest.raises(Malformed, match=r"imports\.0\.files\.0"):
        read(document, Form.JWS)


@pytest.mark.slow
def test_as_many_files_as_are_stated_fit_into_a_report_that_can_be_checked() -> None:
    name = "/evidence/2026/contoso/exports/Purview/" + "AuditLog_2026-11-22T07-00-00_part-000001" * 2
    files = tuple(replace(FILES[0], file=f"{name}-{number}.csv") for number in range(MOST_FILES))
    document = sign(stated(replace(IMPORT, files=files)), OURS)

    assert len(read(check(document).statement(), Form.JWS).imports[0].files) == MOST_FILES


def test_the_account_names_who_when_where_and_of_each_file_its_hash_and_what_became_of_it(shown) -> None:
    assert shown(IMPORT) == [
        "import of 2026-11-23 08:00:00 UTC by dana on bench in /case, AOC 0.1.0: ended 2026-11-23 08:00:00 UTC",
        f"  named: logs.zip, notes.txt, a and 2 more; 3 files, 3 records (2 new, 1 duplicates){SPAN}",
        f"  manifest {'e' * 64}",
        "  read logs.zip, 4,096 bytes, 3 records (2 new, 1 duplicates)",
        f"    sha256 {HASH}",
        f"  partly logs.zip/a.csv, 3 records{SPAN}: it ends too early",
        "  skipped notes.txt, 12 bytes: text",
        f"    sha256 {'f' * 64}",
    ]


def test_files_that_are_not_shown_are_counted(shown) -> None:
    assert shown(IMPORT, 1)[-1] == "  ... and 2 more files: --json shows them"
    assert shown(replace(IMPORT, files=()))[-1] == "  ... and 3 more files: --json shows them"


def test_an_import_that_failed_or_never_ended_says_so_and_names_cannot_control_the_terminal(shown) -> None:
    hostile = "\x1b[2J\r\nimport of nothing [red]x[/]"
    account = replace(IMPORT.account, state=ImportState.FAILED, reason=hostile, by=hostile, paths=(hostile,))
    failed = shown(ImportRecord(account, (replace(FILES[2], file=hostile, reason=hostile),)))
    begun = replace(IMPORT.account, state=ImportState.OPEN, ended_at=None, files=0, manifest=None)

    assert "failed: " in failed[0]
    assert not [line for line in failed[1:] if line.startswith("import of")]
    assert not set("\x1b\r") & set("".join(failed))
    assert "[red]x[/]" in failed[0]
    assert "not ended: at work, or killed" in shown(ImportRecord(begun, ()))[0]

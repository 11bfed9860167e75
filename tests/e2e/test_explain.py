"""`aoc explain`, for those who ask where a field went."""

from __future__ import annotations

import json

import pytest

from aoc_sim import samples

HOSTILE = {
    "Id": "1f0c7e1e-1111-4222-8333-944444444444",
    "RecordType": 1,
    "Operation": "New-InboxRule",
    "CreationTime": "2026-11-23T08:00:00",
    "Workload": "Exchange",
    "UserId": "mallory\x1b]0;owned\x07@contoso.example",
    "Parameters": [{"Name": "Name", "Value": "[bold]rule[/bold] \x1b[31m"}],
    "Unknown": {"deep": ["x"]},
}


@pytest.mark.slow
def test_every_field_of_a_record_has_a_place(aoc) -> None:
    record = next(text for _, text in samples.records(3, 5, "graph-directory-audits"))
    file = aoc.root / "record.json"
    file.write_bytes(record)

    ran = aoc.run("explain", file)

    assert ran.returncode == 0
    for name in json.loads(record):
        assert name in ran.stdout
    assert "directory (version" in ran.stdout
    assert "metadata.uid" in ran.stdout


@pytest.mark.slow
def test_what_has_no_home_is_shown_as_unmapped_and_nothing_reaches_the_terminal_raw(aoc) -> None:
    file = aoc.root / "record.json"
    file.write_text(json.dumps(HOSTILE))

    ran = aoc.run("explain", file)

    assert "\x1b" not in ran.stdout
    assert "\x07" not in ran.stdout
    assert "[bold]rule[/bold]" in ran.stdout
    row = next(line for line in ran.stdout.splitlines() if line.startswith("Unknown.deep"))
    assert row.split() == ["Unknown.deep[0]", "x", "unmapped"]


@pytest.mark.slow
def test_a_value_that_stands_in_many_places_proves_no_way(aoc) -> None:
    file = aoc.root / "record.json"
    file.write_text(json.dumps(HOSTILE | {"UserType": 0, "Nested": {"a": [1, True, "1", "true"]}}))

    ran = aoc.run("explain", file)

    rows = [line.split() for line in ran.stdout.splitlines() if line.startswith("Nested")]
    assert [row[2] for row in rows] == ["unmapped"] * 4
    assert next(line for line in ran.stdout.splitlines() if line.startswith("Id ")).split()[2].endswith(".uid")


@pytest.mark.slow
def test_what_is_no_record_is_said_and_the_status_tells(aoc) -> None:
    file = aoc.root / "record.json"
    file.write_text('{"half": ')

    ran = aoc.run("explain", file)
    missing = aoc.run("explain", aoc.root / "nowhere.json")

    assert (ran.returncode, missing.returncode) == (1, 2)
    assert "no record" in ran.stdout
    assert "nowhere.json: no such file or directory" in missing.stderr


@pytest.mark.slow
def test_what_powershell_has_cut_is_said_and_the_status_tells(aoc) -> None:
    file = aoc.root / "record.json"
    file.write_text(json.dumps([HOSTILE | {"Parameters": ["@{Name=ForwardTo; Value=x@bad.example}"]}]))

    ran = aoc.run("explain", file)

    assert ran.returncode == 3
    assert "PowerShell has cut what lies deeper" in ran.stderr
    assert "1 cut" in ran.stderr


def test_several_files_and_directories_are_explained_as_they_are_imported(aoc) -> None:
    folder = aoc.root / "exports"
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps(HOSTILE))
    (folder / "README.md").write_text("# notes of the case\n")
    (aoc.root / "b.json").write_text(json.dumps(HOSTILE | {"Id": "other"}))
    note = folder / "README.md"

    clean, named = aoc.run("explain", folder, aoc.root / "b.json", "--json"), aoc.run("explain", folder, note, "--json")

    assert (clean.returncode, len(clean.stdout.splitlines())) == (0, 2)
    assert (named.returncode, "no logs" in named.stderr) == (3, True)

"""A responder's first hour, as a script: three exports of one incident into one case, and the story out of it."""

from __future__ import annotations

import csv
import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import incident

pytestmark = pytest.mark.slow

AOC = Path(sys.executable).with_name("aoc")
SCRIPT = Path(__file__).parents[1] / "support" / "responders_hour.sh"
#: What happened, in order: the minute, and what a line about it says.
STORY = (
    (
        "08:02",
        "Sign-in of dana.reyes@contoso.example from 198.51.100.77 (RU) to Microsoft Graph failed: wrong password",
    ),
    ("08:10", "Sign-in of dana.reyes@contoso.example from 198.51.100.77 (RU) to Microsoft Graph succeeded"),
    ("08:15", "created inbox rule .., moving to folder RSS Feeds"),
    ("08:21", "consented to application Mail Sync Pro"),
    ("08:30", "downloaded file payroll-0.xlsx (and 4 more"),
    ("08:40", "added Backup to role Global Administrator"),
)


def counts(section: str) -> tuple[int, int, int]:
    """Records, new and duplicate, of the summary of an import."""
    found = re.search(r"(\d+) records in .*: (\d+) new, 0 changed, (\d+) duplicates, 0 quarantined", section)
    assert found is not None, section
    return int(found[1]), int(found[2]), int(found[3])


@pytest.mark.timeout(400)
def test_the_story_is_found_by_search_stats_and_timeline_alone_and_the_account_is_proven(aoc) -> None:
    incident.write_exports(aoc.root / "exports")
    ran = subprocess.run(
        ["sh", SCRIPT, AOC, "exports", "case"],
        cwd=aoc.root, env=aoc.environment(), capture_output=True, text=True, timeout=380, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    steps = dict(part.split("\n", 1) for part in ran.stdout.split("\n== ")[1:])

    # The same record is one event, whichever tool exported it.
    of_unified, of_graph = len(incident.UNIFIED), len(incident.SIGN_INS) + len(incident.AUDITS)
    assert counts(steps["purview"]) == (of_unified, of_unified, 0)
    assert counts(steps["graph"]) == (of_graph, of_graph, 0)
    assert counts(steps["sentinel"]) == (incident.RECORDS, 0, incident.RECORDS)
    assert not any("Needs attention" in steps[name] for name in ("purview", "graph", "sentinel"))

    # One address stands out, and all of the story hangs on it.
    assert f"{incident.RECORDS} events, 3 failed" in steps["stats"]
    assert re.search(r"addresses.*\n  198\.51\.100\.77 +12 ", steps["stats"])
    assert len(steps["failed"].strip().splitlines()) == 3
    assert len(steps["address"].strip().splitlines()) == 12
    timeline = steps["timeline"].splitlines()
    for minute, text in STORY:
        assert [line for line in timeline if line.startswith(minute) and text in line], (minute, text, timeline)
    for name, (minute, text) in zip(("rule", "consent", "administrator"), (STORY[2], STORY[3], STORY[5]), strict=True):
        [line] = steps[name].strip().splitlines()
        assert (f"2025-03-04 {minute}" in line, text in line) == (True, True)
    files = list(csv.DictReader(steps["files"].strip().splitlines()))
    assert [row["targets"] for row in files] == [f"payroll-{number}.xlsx" for number in (4, 3, 2, 1, 0)]

    check_account(steps["check"], aoc.root)
    check_log((aoc.root / "case.log").read_text().splitlines())


def check_account(shown: str, root: Path) -> None:
    """Three imports by two people, and each file with the hash that it still has."""
    assert shown.startswith("proven: unchanged since it was signed with the pinned key ")
    people = re.findall(r"^import of .* UTC by (.+?) on .*: ended ", shown, re.MULTILINE)
    assert people == ["Responder One", "Responder One", "Responder Two"]
    hashes = dict(re.findall(r"^  (?:read|skipped) (\S+?),? .*\n    sha256 (\w+)$", shown, re.MULTILINE))
    files = [path.relative_to(root) for path in (root / "exports").rglob("*") if path.is_file()]
    assert hashes == {str(path): hashlib.sha256((root / path).read_bytes()).hexdigest() for path in files}


def check_log(lines: list[str]) -> None:
    """`aoc up` wrote a log of the case's own time: a line an event."""
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \S", line) for line in lines)
    assert [line for line in lines if "case: default: 1 imports, of 2025-03-04 08:15:00 to 2025-03-04 08:34:00" in line]
    assert not [line for line in lines if "--since 24h" in line or "simulator" in line]

"""What an import says at its end: what is in, what it tells, by file what needs attention; and `explain` beside it."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from aoc_sim import samples

pytestmark = pytest.mark.slow

RULE = {
    "Id": "r1",
    "CreationTime": "2026-11-20T10:00:00",
    "Operation": "New-InboxRule",
    "RecordType": 1,
    "Workload": "Exchange",
    "UserId": "kim@contoso.example",
    "ObjectId": "Löschen",
    "Parameters": [{"Name": "ForwardTo", "Value": "x@bad.example"}, {"Name": "Body", "Value": "y" * 40_000}],
}


def table(cell: str) -> str:
    text = io.StringIO()
    columns = {"RecordId": "r1", "CreationDate": "2026-11-20T10:00:00Z", "RecordType": "ExchangeAdmin"}
    columns |= {"Operation": "New-InboxRule", "UserId": "kim@contoso.example", "AuditData": cell}
    csv.writer(text, delimiter=";").writerows([columns.keys(), columns.values()])
    return text.getvalue()


def run(aoc: Any, data: Path, tenant: str, *paths: Path, status: int) -> dict[str, Any]:
    ran = aoc.run("import", *paths, "--data", data, "--tenant", tenant, "--json")
    assert ran.returncode == status, (ran.stdout, ran.stderr)
    summary: dict[str, Any] = json.loads(ran.stdout)
    return summary


@pytest.mark.timeout(180)
def test_each_fault_is_counted_by_file_with_an_example_and_the_status_tells(aoc, evidence) -> None:
    logs = aoc.root / "logs"
    logs.mkdir()
    good = [text for _, text in samples.records(3, 20, "graph-directory-audits")]
    (logs / "good.ndjson").write_bytes(b"\n".join(good))
    (logs / "README.md").write_text("# Read me\nAbout these.\n")
    (logs / "shot.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    fine = run(aoc, evidence, "faults", logs, status=0)

    (logs / "strange.json").write_text(
        json.dumps([{"colour": "blue"}, {"colour": "red", "time": "2026-11-20T10:00:00Z"}])
    )
    (logs / "unknown.json").write_text(json.dumps({"entries": [{"Id": "x"}, {"Id": "y"}]}))
    (logs / "excel.csv").write_text(table(json.dumps(RULE)[:32_767]), encoding="utf-8-sig")
    with zipfile.ZipFile(logs / "more.zip", "w") as archive:
        archive.writestr("inner/hub.json", json.dumps({"records": [RULE | {"Id": "r2"}]}))
        archive.writestr("inner/login.html", "<html><title>Sign in to your account</title></html>")
        archive.writestr("inner/note.txt", "Dear colleague")
    (logs / "people.csv").write_text("Name,Age,Town,Street\nA,1,B,C\n")
    summary = run(aoc, evidence, "faults", logs, status=3)
    accounts = {Path(one["file"]).name: one for one in summary["accounts"]}

    assert (fine["clean"], fine["new"], fine["skipped"], fine["refused"]) == (True, 20, 2, 0)
    assert [one["harmless"] for one in fine["refusals"]] == [True, True]
    counts = ("not_understood", "undated", "quarantined", "truncated", "skipped", "refused", "unsettled")
    assert [summary[name] for name in counts] == [2, 1, 1, 1, 5, 2, 0]
    assert summary["records"] == sum(summary[name] for name in ("new", "changed", "duplicates", "quarantined"))
    assert "colour" in summary["examples"]["not_understood"]
    assert "blue" in summary["examples"]["undated"]
    assert [accounts["strange.json"][name] for name in ("records", "not_understood", "undated")] == [2, 2, 1]
    assert [accounts["good.ndjson"][name] for name in ("records", "new", "duplicates")] == [20, 0, 20]
    assert accounts["excel.csv"]["truncated"] == accounts["unknown.json"]["quarantined"] == 1
    assert accounts["hub.json"]["file"].endswith("logs/more.zip/inner/hub.json")
    seen = summary["occurrences"]
    assert seen["first"] <= "2026-11-20T10:00:00+00:00" <= seen["last"]
    assert seen["operations"]["New-InboxRule"] == 2
    assert {"exchange", "entra"} <= seen["services"].keys()
    assert seen["actors"]["kim@contoso.example"] == 2


@pytest.mark.timeout(180)
def test_what_people_read_ends_with_what_needs_attention(aoc, evidence) -> None:
    file = aoc.root / "mixed.json"
    file.write_text(json.dumps([{"colour": "\x1b[31mblue"}, RULE]))
    ran = aoc.run("import", file, "--data", evidence, "--tenant", "people")

    assert ran.returncode == 3
    head, _, attention = ran.stdout.partition("Needs attention")
    assert "Time: 2026-11-20 10:00:00 to 2026-11-20 10:00:00 UTC" in head
    assert "exchange 1" in head
    assert "New-InboxRule 1" in head
    assert "Actors: kim@contoso.example 1" in head
    assert (
        f"1 not understood: no mapper knows their shape, what could be made out is stored ({file} 1), e.g." in attention
    )
    assert "1 undated: they do not say when they happened" in attention
    assert "\x1b" not in ran.stdout


@pytest.mark.timeout(180)
def test_an_ansi_file_and_its_twin_in_utf_8_are_one_record_and_a_cut_one_gives_way_to_the_whole(aoc, evidence) -> None:
    short = RULE | {"Id": "r3", "Parameters": []}
    ansi, utf8 = aoc.root / "ansi.json", aoc.root / "utf8.json"
    ansi.write_bytes(json.dumps(short, ensure_ascii=False).encode("cp1252"))
    utf8.write_text(json.dumps(short, ensure_ascii=False), encoding="utf-8")
    cut, whole = aoc.root / "cut.csv", aoc.root / "whole.json"
    cut.write_text(table(json.dumps(RULE)[:32_767]))
    whole.write_text(json.dumps(RULE))

    first, second = run(aoc, evidence, "twins", ansi, status=0), run(aoc, evidence, "twins", utf8, status=0)
    before, after = run(aoc, evidence, "twins", cut, status=3), run(aoc, evidence, "twins", whole, status=0)

    assert (first["new"], second["new"], second["duplicates"]) == (1, 0, 1)
    assert first["accounts"][0]["encoding"] == "utf-8 and cp1252"
    assert (before["new"], before["truncated"], after["new"], after["changed"]) == (1, 1, 0, 1)


def test_explain_reads_what_import_reads(aoc) -> None:
    archive = aoc.root / "case.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("a.csv", table(json.dumps(RULE | {"Parameters": []})).encode("utf-16"))
        out.writestr("b.json", json.dumps({"records": [RULE | {"Id": "r2"}]}))
        out.writestr("c.json", json.dumps({"entries": [{"Id": "x"}]}))
        out.writestr("d.txt", "Dear colleague")
    fine = aoc.root / "fine.json"
    fine.write_text(json.dumps({"value": [RULE], "Count": 1}))

    ran, good = aoc.run("explain", archive), aoc.run("explain", fine)

    assert (ran.returncode, good.returncode) == (3, 0)
    assert ran.stdout.count("kim@contoso.example created inbox rule Löschen") == 2
    assert "an unknown container" in ran.stdout
    assert "d.txt: text, neither JSON nor CSV" in ran.stderr
    assert good.stdout.count("created inbox rule Löschen") == 1


def test_the_doctor_looks_at_a_case_of_which_nothing_runs(aoc) -> None:
    """Without a tenants file, as a case has none: what waits for a decision, and what was remarkable in records."""
    case, file = aoc.root / "case", aoc.root / "undated.json"
    file.write_text(json.dumps([RULE | {"CreationTime": "soon"}, 5]))
    aoc.run("import", file, "--data", case)

    ran = aoc.run("doctor", "--data", case, "--json")

    found = {finding["check"]: finding["found"] for finding in json.loads(ran.stdout)["findings"]}
    assert ran.returncode == 0
    assert found["quarantine"].startswith("1 record waiting")
    assert "1 of import do not say when they happened" in found["records"]
    assert aoc.run("doctor", "--data", aoc.root / "nowhere").returncode == 2

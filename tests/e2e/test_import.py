"""`aoc import` with nothing running: what an incident responder types first."""

from __future__ import annotations

import asyncio
import csv
import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aoc_cli.attach import started as stack_of
from aoc_common.contracts.access import Scope
from aoc_common.contracts.event import full_event
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.event_search import make_event_search
from aoc_common.store.searches import EventQuery
from aoc_sim import samples
from thoroughness import only_thorough

if TYPE_CHECKING:
    from aoc_common.contracts.event import StoredEvent

pytestmark = pytest.mark.slow

SHARED = Path(__file__).parents[3] / "shared" / "data"
ROWS = SHARED / "invictus-o365" / "part1_2021-03-23_2021-04-19.search_unifiedauditlog_rows.jsonl"


def imported(aoc, *paths: Path, status: int | None = 0) -> dict[str, Any]:
    ran = aoc.run("import", *paths, "--data", aoc.root / "evidence", "--json")
    summary: dict[str, Any] = json.loads(ran.stdout)
    assert ran.returncode == (0 if summary["clean"] else 3 if status is None else status), ran.stderr
    told = ("new", "changed", "duplicates", "quarantined")
    assert summary["records"] == sum(summary[name] for name in told)
    return summary


def test_every_kind_of_export_goes_in_and_the_same_records_only_once(aoc) -> None:
    records = [text for _, text in samples.records(5, 60, "o365-exchange")]
    array, lines, packed = aoc.root / "a.json", aoc.root / "b.ndjson", aoc.root / "c.json.gz"
    array.write_bytes(b"[" + b",\n".join(records[:20]) + b"]")
    lines.write_bytes(b"\n".join(records[20:40]) + b"\n")
    packed.write_bytes(gzip.compress(b'{"@odata.context": "x", "value": [' + b",".join(records[40:50]) + b"]}"))
    table = aoc.root / "d.csv"
    with table.open("w", newline="", encoding="utf-8-sig") as out:
        writer = csv.writer(out)
        writer.writerow(["RecordType", "CreationDate", "UserIds", "Operations", "AuditData", "ResultIndex"])
        writer.writerows([["1", "", "", "", record.decode(), "1"] for record in records[50:]])

    first = imported(aoc, array, lines, packed, table)
    again = imported(aoc, aoc.root / "a.json", table)

    assert (first["new"], first["duplicates"], first["quarantined"]) == (60, 0, 0)
    assert (again["new"], again["duplicates"]) == (0, 30)


def test_a_broken_line_and_a_file_that_cannot_be_read_are_named_a_foreign_one_is_skipped_and_the_rest_goes_in(
    aoc,
) -> None:
    records = [text for _, text in samples.records(6, 10, "graph-directory-audits")]
    (aoc.root / "logs").mkdir()
    lines = aoc.root / "logs" / "export.ndjson"
    lines.write_bytes(b"\n".join([*records[:4], b'{"id": "half', *records[4:]]))
    (aoc.root / "logs" / "README.txt").write_text("About these logs")

    summary = imported(aoc, Path("/proc/self/mem"), aoc.root / "logs", status=3)

    assert (summary["records"], summary["new"], summary["quarantined"]) == (11, 10, 1)
    assert (summary["skipped"], summary["unread"]) == (1, 1)
    first, *others = summary["problems"]
    assert first["file"] == "/proc/self/mem"
    assert {(Path(problem["file"]).name, problem["line"]) for problem in others} == {
        ("export.ndjson", 5), ("README.txt", 0),
    }  # fmt: skip
    assert len(others) == 2


def test_a_file_that_is_no_log_is_one_clear_line(aoc) -> None:
    note = aoc.root / "note.txt"
    note.write_text("Dear colleague")

    refused = aoc.run("import", note, "--data", aoc.root / "evidence")

    assert refused.returncode == 1
    assert "text, neither JSON nor CSV, and no audit log (its first line: 'Dear colleague')" in refused.stderr
    assert "Traceback" not in refused.stderr


def as_sent(event: StoredEvent) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(full_event(event.ocsf, event.unmapped, event.raw or ""))
    return whole


async def all_events(system) -> list[StoredEvent]:
    found: list[StoredEvent] = []
    async with connect(system.mongo) as database:
        search = make_event_search(database)
        query = EventQuery(Scope("default"), limit=500)
        while True:
            page = await search.search(query)
            found += [event for summary in page.events if (event := await search.get(Scope("default"), summary.id))]
            if not page.more:
                return found
            query = EventQuery(Scope("default"), limit=500, before=page.events[-1].id)


@only_thorough
@pytest.mark.timeout(180)
def test_real_records_all_go_in_valid_and_once(aoc, real_records, schema_faults) -> None:
    rows = imported(aoc, ROWS)
    assert (rows["new"], rows["duplicates"], rows["quarantined"], rows["empty"]) == (1475, 3, 0, 3)
    assert rows["problems_by_reason"] == {"AuditData is empty": 3}
    assert imported(aoc, ROWS)["new"] == 0

    logs = aoc.root / "logs"
    logs.mkdir()
    for name, records in real_records.items():
        (logs / name).write_bytes(b"\n".join(records))
    everything = imported(aoc, logs, status=None)  # some shapes are still to be learnt
    assert everything["quarantined"] == 0, everything["problems"]

    with stack_of(aoc.root / "evidence") as system:
        events = asyncio.run(all_events(system))
    assert len(events) == rows["new"] + everything["new"]
    faults = [f"{event.operation}: {fault}" for event in events for fault in schema_faults(as_sent(event))]
    assert faults == []

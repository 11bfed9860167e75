"""Sinks that write files: what is read back is what was sent, once."""

# ruff: noqa: ASYNC240 - nothing else runs in these tests while they look at files

from __future__ import annotations

import asyncio
import json
import os
import resource
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from aoc_common.clock import SystemClock
from aoc_exporter.delivery.deliver import deliver
from aoc_exporter.formats import FORMATS
from aoc_exporter.item import fit
from aoc_exporter.outcome import Accepted, Refused, Retry
from aoc_exporter.sinks.folder import FolderOptions, folder
from aoc_exporter.sinks.security_lake import SecurityLakeOptions, security_lake
from made_events import audit, unified
from siem_entries import ROOMY, entry_of, item, items

if TYPE_CHECKING:
    from pathlib import Path

CLOCK = SystemClock()
RECORDS = [audit("Add user"), audit("Update user", id="Directory_2"), unified("FileDownloaded", "SharePoint", 6)]


def lines(where: Path) -> list[dict[str, Any]]:
    """Everything in a folder of NDJSON."""
    files = sorted(where.rglob("*.ndjson.zst"))
    texts = [zstandard.ZstdDecompressor().decompress(file.read_bytes()) for file in files]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def rows(where: Path) -> list[dict[str, Any]]:
    """Everything in a folder of Parquet."""
    return [row for file in sorted(where.rglob("*.parquet")) for row in pq.ParquetFile(file).read().to_pylist()]


async def test_a_folder_has_every_entry_once_also_when_a_batch_is_written_again(tmp_path: Path) -> None:
    sink = folder(FolderOptions(path=tmp_path), CLOCK)
    sent = [*items(5), *items(3, tenant="fabrikam"), item(9, time_ms=1), item(10, time_ms=0)]
    outcomes = [await deliver(sink, sent) for _ in range(3)]

    assert outcomes == [[Accepted()] * len(sent)] * 3
    assert sorted(line["aoc"]["id"] for line in lines(tmp_path)) == sorted(one.entry.id for one in sent)
    assert {str(path.parent.relative_to(tmp_path)) for path in tmp_path.rglob("*.zst")} == {
        "contoso/graph-signins/2026-11-23", "fabrikam/graph-signins/2026-11-23", "contoso/graph-signins/1970-01-01",
    }  # fmt: skip


@pytest.mark.parametrize("tenant", ["../../up", "/etc", "..", "", "a\0b", "_installation", "x" * 500])
async def test_no_name_leads_out_of_the_folder(tmp_path: Path, tenant: str) -> None:
    inside = tmp_path / "inside"
    await deliver(folder(FolderOptions(path=inside), CLOCK), [item(1, tenant=tenant, source=tenant)])

    assert [path.name for path in tmp_path.iterdir()] == ["inside"]
    assert len(lines(inside)) == 1


async def test_a_folder_that_cannot_be_written_gives_nothing_up_and_leaves_no_half_file(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    outcomes = await deliver(folder(FolderOptions(path=blocked), CLOCK), items(2))

    assert [type(outcome) for outcome in outcomes] == [Retry, Retry]
    assert outcomes[0].words.startswith("folder: ")


async def test_a_file_whose_writing_fails_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    outcomes = await deliver(folder(FolderOptions(path=tmp_path), CLOCK), items(2))

    assert outcomes == [Retry("folder: No space left on device")] * 2
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != ".locks"] == []


async def test_parquet_has_the_layout_of_security_lake_and_rows_that_are_valid_events(
    tmp_path: Path, schema_faults
) -> None:
    entries = [entry_of(record) for record in RECORDS]
    sent = [fit(entry, FORMATS["ocsf"], ROOMY) for entry in entries]
    sink = security_lake(SecurityLakeOptions(path=tmp_path, region="eu-west-1", account="123456789012"), CLOCK)

    assert await deliver(sink, sent) == [Accepted()] * 3
    folders = {str(path.parent.relative_to(tmp_path)) for path in tmp_path.rglob("*.zstd.parquet")}
    assert folders == {
        f"ext/aoc_{entry.class_uid}/region=eu-west-1/accountId=123456789012/eventDay=20261123" for entry in entries
    }
    read = {json.loads(row["aoc"])["id"]: row for row in rows(tmp_path)}
    assert read.keys() == {entry.id for entry in entries}
    for entry in entries:
        row = filled(read[entry.id])
        row.pop("aoc")
        unmapped = json.loads(row.pop("unmapped", "{}"))
        assert merged(row, unmapped) == entry.event
        assert schema_faults(row) == []


def filled(value: Any) -> Any:
    """Without what a column has nothing for."""
    if isinstance(value, dict):
        return {name: inner for name, held in value.items() if (inner := filled(held)) not in (None, {})}
    if isinstance(value, list):
        return [filled(one) for one in value]
    return value


def merged(row: dict[str, Any], rest: dict[str, Any]) -> dict[str, Any]:
    """A row with what had no column put back where it stood."""
    made = dict(row)
    for name, held in rest.items():
        both = isinstance(held, dict) and isinstance(made.get(name), dict)
        made[name] = merged(made[name], held) if both else held
    return made


async def test_rows_of_a_file_are_in_the_order_of_time(tmp_path: Path) -> None:
    sent = [item(number, time_ms=1_795_419_000_000 - number * 1000) for number in range(1, 40)]
    await deliver(security_lake(SecurityLakeOptions(path=tmp_path), CLOCK), sent)

    [file] = tmp_path.rglob("*.parquet")
    written = [json.loads(row["aoc"])["id"] for row in rows(tmp_path)]
    assert written == [one.entry.id for one in reversed(sent)]
    assert pq.ParquetFile(file).metadata.row_group(0).column(0).compression == "ZSTD"


@pytest.mark.parametrize(
    "odd",
    [
        {"time": "text", "class_uid": 2**40, "message": ["a"], "metadata": "x", "observables": {"a": 1}},
        {"observables": [{"name": 1}, "x"], "is_mfa": "yes", "src_endpoint": {"port": 2**70 % 2**63, "ip": 4}},
        {"aoc": "mine", "unmapped": "mine", "severity_id": True},
    ],
)
async def test_values_that_no_column_holds_are_kept_as_text(tmp_path: Path, odd: dict[str, Any]) -> None:
    sent = [item(1, body=orjson.dumps(odd)), item(2)]
    outcomes = await deliver(security_lake(SecurityLakeOptions(path=tmp_path), CLOCK), sent)
    row = next(row for row in rows(tmp_path) if json.loads(row["aoc"])["id"] == sent[0].entry.id)
    unmapped = json.loads(row["unmapped"])
    row = filled({name: value for name, value in row.items() if name not in {"aoc", "unmapped"}})

    assert outcomes == [Accepted()] * 2
    assert merged(row, unmapped) == odd


async def test_a_body_that_is_no_event_is_refused_alone(tmp_path: Path) -> None:
    sent = [item(1), item(2, body=b'{"a": }'), item(3)]
    outcomes = await deliver(security_lake(SecurityLakeOptions(path=tmp_path), CLOCK), sent)

    assert [type(outcome) for outcome in outcomes] == [Accepted, Refused, Accepted]
    assert len(rows(tmp_path)) == 2


async def test_an_entry_that_comes_again_in_other_company_stands_in_one_file(tmp_path: Path) -> None:
    sink = folder(FolderOptions(path=tmp_path), CLOCK)
    sent = items(6)
    first = await asyncio.gather(deliver(sink, sent[:3]), deliver(sink, sent[2:5]), deliver(sink, [*sent[:2]] * 2))
    # Another process, or the one that came after this was killed, knows by looking; also at the same moment.
    other = folder(FolderOptions(path=tmp_path), CLOCK)
    again = [await deliver(other, sent[3:]), await deliver(sink, sent[5:])]
    both = await asyncio.gather(deliver(sink, items(9)[5:]), deliver(other, items(9)[6:]), deliver(sink, items(9)))

    outcomes = [outcome for outcomes in (*first, *again, *both) for outcome in outcomes]
    assert outcomes == [Accepted()] * len(outcomes)
    sent = items(9)
    assert sorted(line["aoc"]["id"] for line in lines(tmp_path)) == sorted(one.entry.id for one in sent)
    assert sink.idempotent
    # Somebody who wants it sent again gets it again.
    await deliver(sink, [replace(one, anew=True) for one in sent[:2]])
    assert len(lines(tmp_path)) == 11


def beside(where: Path, suffix: str, half: bytes) -> None:
    """What somebody else may leave in a folder, written later than what is there. `half`: a line without its end."""
    with (where / f"huge{suffix}").open("wb") as file:
        file.truncate(20 * 1024**3)
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    blanks = b" " * (16 * 1024**2)
    endless = b"".join(packer.compress(blanks) for _ in range(64)) + packer.flush()
    written = {
        "endless": endless, "noise": os.urandom(100_000), "empty": b"", "half": zstandard.compress(half),
        "half-packed": zstandard.compress(half + b"\n")[:-9], "text": half, "numbers": zstandard.compress(b"1\n" * 9),
    }  # fmt: skip
    for name, content in written.items():
        (where / f"{name}{suffix}").write_bytes(content)
    os.mkfifo(where / f"pipe{suffix}")
    (where / f"folder{suffix}").mkdir()
    (where / f"link{suffix}").symlink_to(where / "nowhere")
    columns = pa.table({"aoc": [half.decode()] * 20_000})
    pq.write_table(columns, where / f"table{suffix}")
    for number in range(150):
        (where / f"{number}.sha256").touch()


@pytest.mark.parametrize("made", [folder, security_lake])
async def test_files_of_somebody_else_in_a_folder_hinder_nothing_and_cost_no_memory(tmp_path: Path, made) -> None:
    options = {folder: FolderOptions, security_lake: SecurityLakeOptions}[made](path=tmp_path)
    sent = items(9)
    assert await deliver(made(options, CLOCK), sent[:6]) == [Accepted()] * 6
    [ours] = [file for file in tmp_path.rglob("*.z*") if file.is_file()]
    beside(ours.parent, "." + ours.name.partition(".")[2], orjson.dumps({"aoc": json.loads(sent[8].entry.mark())}))
    before, peak = set(ours.parent.iterdir()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    # Another process, or the one that came after a restart, looks at all of that.
    assert await deliver(made(options, CLOCK), sent[3:]) == [Accepted()] * 6
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
    assert grown_kib < 400 * 1024
    [second] = set(ours.parent.iterdir()) - before
    alone = tmp_path / "alone"
    alone.mkdir()
    for file in (ours, second):
        file.rename(alone / file.name)
    ids = [line["aoc"]["id"] for line in lines(alone)] + [json.loads(row["aoc"])["id"] for row in rows(alone)]
    assert sorted(ids) == sorted(one.entry.id for one in sent)

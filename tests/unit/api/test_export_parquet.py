"""Exports as Parquet, read with another library than they are written with."""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from pyarrow import BufferReader
from pyarrow.parquet import ParquetFile

from aoc_api.export.formats import FORMATS, Format
from aoc_api.export.stream import CutOff
from aoc_common.contracts.rows import OF_CSV
from exporting import NOW, an_event, exported

if TYPE_CHECKING:
    from aoc_common.contracts.event import StoredEvent


async def test_parquet_has_typed_columns_and_the_whole_event() -> None:
    data, note = await exported([an_event(number) for number in range(20)], Format.PARQUET)
    table = ParquetFile(BufferReader(data)).read()
    row = table.to_pylist()[3]

    assert table.column_names == [*OF_CSV, "tags", "event"]
    assert (row["time"], row["targets"], row["tags"]) == (NOW + timedelta(milliseconds=3), ["a", "b"], ["no-id"])
    assert (row["version"], row["correlation_id"], row["id"]) == (1, None, str(UUID(int=4)))
    assert json.loads(row["event"])["message"] == "event 3"
    assert (note.rows, note.digest) == (20, hashlib.sha256(data).hexdigest())


async def test_parquet_of_named_fields_and_of_undated_events() -> None:
    undated = an_event(1, ocsf={"time": 0, "message": 5})
    data, _ = await exported([undated], Format.PARQUET, fields=["time", "message", "event.message", "versions"])

    assert ParquetFile(BufferReader(data)).read().to_pylist() == [
        {"time": None, "message": "5", "event.message": "5", "versions": 1}
    ]


async def test_parquet_makes_row_groups_that_are_the_smaller_the_larger_events_are(monkeypatch) -> None:
    monkeypatch.setattr("aoc_api.export.parquet._MOST_ROWS", 50)
    monkeypatch.setattr("aoc_api.export.parquet._LEAST_ROWS", 3)
    monkeypatch.setattr("aoc_api.export.parquet._GROUP_AIM", 30_000)
    small, _ = await exported([an_event(number) for number in range(120)], Format.PARQUET, fields=["id"])
    large, _ = await exported([of_text(number, 6_000) for number in range(14)], Format.PARQUET, fields=["message"])
    huge, _ = await exported([of_text(number, 30_000) for number in range(7)], Format.PARQUET, fields=["message"])

    assert groups(small) == [50, 50, 20]
    assert groups(large) == [5, 5, 4]
    assert groups(huge) == [3, 3, 1]


async def test_parquet_is_cut_off_before_a_row_group_takes_too_much_memory(monkeypatch) -> None:
    """Events that were small at first, so that many make a group, and are large then."""
    monkeypatch.setattr("aoc_api.export.parquet._GROUP_LIMIT", 100_000)
    events = [an_event(number) for number in range(7)] + [of_text(number, 30_000) for number in range(30)]

    with pytest.raises(CutOff, match=r"after 7 events: 11 events .* jsonl takes them"):
        await exported(events, Format.PARQUET, fields=["message"])

    assert encoders() == 0


async def test_a_parquet_file_ends_its_encoder_also_when_it_is_closed_before_it_is_written() -> None:
    for begun in (False, True):
        writing = FORMATS[Format.PARQUET].make(None)
        if begun:
            writing.events([an_event(1)])
            assert encoders() == 1
        writing.close()
        with pytest.raises(RuntimeError):
            writing.events([an_event(2)])

        assert encoders() == 0


def of_text(number: int, characters: int) -> StoredEvent:
    return an_event(number, ocsf={"message": "x" * characters})


def encoders() -> int:
    return sum(thread.name == "parquet" for thread in threading.enumerate())


def groups(data: bytes) -> list[int]:
    metadata = ParquetFile(BufferReader(data)).metadata
    return [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]

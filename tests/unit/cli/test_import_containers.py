"""What is around records in files, also where that does not fit memory."""

from __future__ import annotations

import io
import json
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aoc_cli.importing.records import Record, Unreadable, sources
from aoc_cli.importing.scan import Scanner
from aoc_cli.importing.streams import CountingFile
from aoc_cli.importing.unpacking import Unpacking
from exports import MIB, A, B, audit

if TYPE_CHECKING:
    from pathlib import Path


def large(inner: bytes, count: int) -> bytes:
    return b",\n".join([inner] * count)


BIG = json.dumps(audit("a", note="x" * 10_000)).encode()
TABLE_HEAD = (
    b'{"tables":[{"name":"PrimaryResult","columns":[{"name":"Id","type":"string"},{"name":"n","type":"long"}],"rows":['
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "inner", "after"),
    [
        (b'{"records":[', BIG, b"]}"),
        (b'{"value": [', BIG, b'], "Count": 6000}'),
        (b'{"@odata.context":"x","@odata.count":6000,"value":[', BIG, b'],"@odata.nextLink":"https://x"}'),
        (b'{"took":1,"_shards":{"total":1},"hits":{"total":{"value":1},"max_score":null,"hits":[', BIG, b"]}}"),
        (b'{"schema":[{"name":"Id","type":"String"}],"results":[', BIG, b"]}"),
        (TABLE_HEAD, b'["a", 12345678901234567890123, "' + b"x" * 10_000 + b'"]', b"]}]}"),
        (b"[", BIG, b"]"),
        (b'[{"records":[', BIG, b']},{"records":[' + BIG + b"]}]"),
    ],
    ids=["records", "powershell", "graph", "elastic", "hunting", "table", "array", "array-of-containers"],
)
def test_a_container_of_any_size_is_read_in_constant_memory(
    tmp_path: Path, before: bytes, inner: bytes, after: bytes
) -> None:
    path = tmp_path / "large.json"
    path.write_bytes(before + large(inner, 600) + after)
    tracemalloc.start()
    count, faults, first = 0, [], None
    with CountingFile(path) as file:
        for source in sources(file, Unpacking())[1]:
            for item in source.items():
                count += isinstance(item, Record)
                first = first or item
                faults += [] if isinstance(item, Record) else [item.reason]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert (count, faults) == (600 + after.count(BIG), [])
    assert json.loads(first.data)["Id"] == "a"
    assert peak < 24 * MIB


@pytest.mark.parametrize("before", [b'{"records":[', b'{"@odata.context":"x","value":[', b'{"value":[', b"["])
def test_a_container_that_was_cut_gives_its_whole_records_and_reports_the_rest(read, before: bytes) -> None:
    found = read(before + large(json.dumps(A).encode(), 3) + b',{"Id": "half')

    assert found.ids == ["a"] * 3
    assert found.unreadable[0] == "the file ends inside it"


def test_arrays_line_by_line_are_read_and_a_broken_line_swallows_no_other(read) -> None:
    line = json.dumps([A, B]).encode()
    found = read(line + b"\n" + line[:-20] + b"\n" + line + b"\n")

    assert found.ids == ["a", "b", "a", "a", "b"]
    assert len(found.unreadable) >= 1


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_objects_side_by_side_on_a_line_are_each_a_record(read, end: bytes) -> None:
    events = [json.dumps({"time": 1, "event": audit(str(n))}).encode() for n in range(4)]
    found = read(events[0] + events[1] + end + (b"\n" + events[2] + events[3] + end if end else b""))
    lines = read(events[0] + b"\n" + events[1] + events[2] + b"\n" + events[3] + events[0][:-9] + end)

    assert found.ids == ["0", "1", "2", "3"][: 4 if end else 2]
    assert lines.ids == ["0", "1", "2", "3"]
    assert len(lines.unreadable) == 1


@pytest.mark.parametrize("around", ["array", "pretty", "lines", "one"])
def test_records_that_are_json_text_in_strings_are_read(read, around: str) -> None:
    texts = [json.dumps(A), json.dumps(B, indent=1)]
    lines = "\n".join(map(json.dumps, texts))
    written = {"array": json.dumps(texts), "pretty": json.dumps(texts, indent=2), "lines": lines}
    found = read(written.get(around, json.dumps(texts[0])).encode())

    assert found.ids == (["a"] if around == "one" else ["a", "b"])
    assert not found.unreadable


def test_a_line_number_is_that_of_the_line_in_the_file(read) -> None:
    data = b'{"records": [\n' + json.dumps(A).encode() + b",\n" + b'{"Id": oops}\n' + b"]}"
    found = [item for item in read(data).items if isinstance(item, Unreadable)]

    assert [item.line for item in found] == [3]


@given(st.binary(max_size=200).map(lambda data: b'{"records":[' + data))
def test_the_scanner_ends_on_any_container(data: bytes) -> None:
    for value in Scanner(io.BytesIO(data)).values():
        assert value.line >= 1

"""Reading exported logs: what goes in, what is reported, and that nothing swallows its neighbours."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aoc_cli.importing.records import Record, Unreadable, items
from aoc_cli.importing.scan import Scanner
from aoc_cli.importing.streams import CountingFile
from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from pathlib import Path

ONE = {"Id": "1", "Operation": "Set-Mailbox", "note": 'brackets ] } in "strings" \\'}
TWO = {"Id": "2", "nested": {"list": [1, [2, {"x": "}"}]]}}


@pytest.fixture
def read(tmp_path: Path):
    def read_bytes(data: bytes) -> list[Record | Unreadable]:
        path = tmp_path / "export"
        path.write_bytes(data)
        with CountingFile(path) as file:
            return list(items(file))

    return read_bytes


def records(found: list[Record | Unreadable]) -> list[object]:
    return [json.loads(item.data) for item in found if isinstance(item, Record)]


def unreadable(found: list[Record | Unreadable]) -> list[tuple[int, str]]:
    return [(item.line, item.reason) for item in found if isinstance(item, Unreadable)]


def as_csv(rows: list[list[str]], header: list[str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([header, *rows])
    return text.getvalue().encode()


def test_a_broken_line_is_reported_with_its_number_and_the_rest_goes_in(read) -> None:
    found = read(b'{"Id":"1"}\n{"Id":"2", oops}\n\n{"Id":"3"}\n')

    assert records(found) == [{"Id": "1"}, {"Id": "3"}]
    assert [line for line, _ in unreadable(found)] == [2]
    assert [item.data for item in found if isinstance(item, Unreadable)] == [b'{"Id":"2", oops}']


def test_an_array_that_was_cut_off_gives_its_whole_records_and_reports_the_rest(read) -> None:
    whole = json.dumps([ONE, TWO], indent=1).encode()
    found = read(whole[:-25])

    assert records(found) == [ONE]
    assert unreadable(found)[0][1] == "the file ends inside it"


def test_a_broken_element_of_an_array_does_not_take_the_next_one_with_it(read) -> None:
    found = read(b'[{"Id":"1"},\n{"Id":"2","open":"never closed},\n{"Id":"3"}]')

    assert {"Id": "1"} in records(found)
    assert {"Id": "3"} in records(found)
    assert unreadable(found)[0][0] == 2


def test_what_is_no_object_is_reported(read) -> None:
    found = read(b'[1, "text", null, {"Id":"1"}]')

    assert records(found) == [{"Id": "1"}]
    assert [reason for _, reason in unreadable(found)] == ["not a JSON object"] * 3


def test_rows_with_an_empty_audit_data_are_reported_as_such(read) -> None:
    rows = [{"RecordType": "x", "AuditData": ""}, {"AuditData": None}, {"AuditData": json.dumps(ONE)}]
    found = read("\n".join(json.dumps(row) for row in rows).encode())

    assert records(found) == [ONE]
    assert unreadable(found) == [(1, "AuditData is empty"), (2, "AuditData is empty")]


@pytest.mark.slow
def test_a_broken_gzip_stream_gives_what_it_held(read) -> None:
    packed = gzip.compress(b"".join(b'{"Id":"%d"}\n' % n for n in range(50_000)))
    found = read(packed[: len(packed) // 2])

    assert len(records(found)) > 1000
    assert "gzip stream is broken" in unreadable(found)[-1][1]


def test_a_file_of_another_kind_is_refused_with_what_it_starts_with(read) -> None:
    with pytest.raises(Malformed, match=r"neither JSON nor a CSV with a column AuditData .*'Name, Age'"):
        read(b"Name,Age\nA,1\n")


def test_an_empty_file_holds_nothing(read) -> None:
    assert read(b"") == []
    assert read(b" \n\n") == []


@pytest.mark.parametrize(
    "data",
    [
        json.dumps([ONE, TWO]).encode(),
        json.dumps([ONE, TWO], indent=4).encode(),
        json.dumps([ONE, TWO]).encode("utf-8-sig"),
        json.dumps([ONE, TWO]).encode("utf-16"),
        b"\n".join(json.dumps(item).encode() for item in (ONE, TWO)),
        b"\r\n".join(json.dumps(item, indent=2).encode() for item in (ONE, TWO)),
        json.dumps({"@odata.context": "x", "value": [ONE, TWO], "@odata.nextLink": "https://next"}).encode(),
        json.dumps({"@odata.context": "x", "@odata.count": 2, "value": [ONE, TWO]}, indent=2).encode(),
        b"\n".join(json.dumps({"@odata.context": "x", "value": [item]}).encode() for item in (ONE, TWO)),
        as_csv([["a", json.dumps(ONE)], ["b", json.dumps(TWO)]], ["UserIds", "AuditData"]),
        b"#TYPE Selected\r\n" + as_csv([["a", json.dumps(ONE)], ["b", json.dumps(TWO)]], ["UserIds", "AuditData"]),
        json.dumps([{"AuditData": json.dumps(ONE)}, {"AuditData": TWO}]).encode(),
    ],
    ids=[
        "array",
        "array-pretty",
        "array-bom",
        "array-utf16",
        "ndjson",
        "concatenated-pretty",
        "graph-list",
        "graph-list-pretty",
        "graph-lists-as-lines",
        "purview-csv",
        "export-csv-with-type",
        "purview-json",
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_every_kind_is_recognised_by_its_content(read, data: bytes, packed: bool) -> None:
    found = read(gzip.compress(data) if packed else data)

    assert records(found) == [ONE, TWO]
    assert unreadable(found) == []


def test_a_csv_row_with_line_breaks_keeps_its_line_number(read) -> None:
    data = as_csv([["two\nlines", json.dumps(ONE)], ["x", "{broken"]], ["Note", "AuditData"])
    found = read(data)

    assert records(found) == [ONE]
    assert unreadable(found)[0][0] == 4


def test_lone_surrogates_and_nan_go_in_because_the_normalizer_can_read_them(read) -> None:
    found = read(b'{"Id":"1","x":"\\ud800"}\n{"Id":"2","x":NaN}\n')

    assert len(found) == 2
    assert all(isinstance(item, Record) for item in found)


def test_the_record_inside_a_row_goes_in_too_when_the_fast_parser_refuses_it(read) -> None:
    odd = '{"Id":"1","x":"\\ud800","n":NaN}'

    assert read(json.dumps({"AuditData": odd}).encode()) == [Record(1, odd.encode())]
    assert records(read(as_csv([["a", '{"Id":"1","x":NaN'], ["b", json.dumps(TWO)]], ["Note", "AuditData"]))) == [TWO]


@pytest.mark.parametrize("row", [b"%s", b'{"AuditData": %s, "n": 1}'], ids=["record", "row"])
def test_a_records_own_bytes_are_kept(read, row) -> None:
    odd = b'{ "Id" : "1",\t"n":1.0e5, "t":"\\u00e9\xc3\xa9", "long":12345678901234567890123 }'
    found = read(b"[" + row % odd + b"]")

    assert found == [Record(1, odd)]


@pytest.mark.slow
def test_memory_stays_flat_on_a_long_array(tmp_path: Path) -> None:
    path = tmp_path / "long.json"
    one = json.dumps(ONE | {"filler": "x" * 1000}).encode()
    with path.open("wb") as out:
        out.write(b"[" + b",\n".join([one] * 40_000) + b"]")
    tracemalloc.start()
    with CountingFile(path) as file:
        count = sum(isinstance(item, Record) for item in items(file))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert count == 40_000
    assert peak < 12_000_000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.slow
@given(st.lists(st.dictionaries(st.text(max_size=8), json_values, max_size=4), max_size=8), st.booleans())
def test_the_scanner_finds_exactly_the_elements(values: list[dict[str, object]], pretty: bool) -> None:
    data = json.dumps(values, indent=2 if pretty else None).encode()
    found = [json.loads(value.data) for value in Scanner(io.BytesIO(data)).values()]

    lists = [value for value in values if not (list(value)[:1] == ["value"] and isinstance(value["value"], list))]
    assert [value for value in found if value in lists] == lists


@given(st.binary(max_size=300))
def test_the_scanner_ends_on_any_bytes(data: bytes) -> None:
    for value in Scanner(io.BytesIO(data)).values():
        assert value.line >= 1

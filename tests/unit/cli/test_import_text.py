"""Tables in every dialect, and text in every encoding."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aoc_cli.importing.encodings import as_utf8, check_encoding
from aoc_cli.importing.records import Record
from aoc_cli.importing.streams import buffered
from aoc_common.errors import BadConfiguration
from exports import HEADER, A, B, audit, row, table


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_a_table_is_read_in_every_dialect_and_encoding(read, delimiter: str, encoding: str) -> None:
    umlauts = audit("a", ObjectId="Müller, Jörg; Straße|Œuvre")
    found = read(table(umlauts, B, delimiter=delimiter).encode(encoding))

    assert found.records == [umlauts, B]
    assert (found.unreadable, found.lost) == ([], 0)


@pytest.mark.parametrize("before", ["sep=;\r\n", "SEP=;\n", '"sep=;"\r\n', "#TYPE Selected.Object\r\n", "\r\n\r\n"])
def test_lines_before_the_header_are_passed_over(read, before: str) -> None:
    assert read(b"\xef\xbb\xbf" + (before + table(A, B, delimiter=";")).encode()).ids == ["a", "b"]


def test_a_delimiter_that_the_file_names_counts(read) -> None:
    data = f"sep=^\r\n{table(A, B, delimiter='^')}"

    assert read(data.encode()).ids == ["a", "b"]
    assert read(f"sep=\t\r\n{table(A, delimiter=chr(9))}".encode()).ids == ["a"]


@pytest.mark.parametrize("spell", [str.upper, str.lower, lambda name: f" {name} "])
def test_columns_are_known_in_any_case(read, spell) -> None:
    header = [spell(name) for name in HEADER]
    cut = {**A, "ObjectId": "x" * 40_000}
    data = table(A, header=header) + table(cut, header=header).partition("\n")[2].replace("x" * 20_000, "")[:15_000]
    found = read(data.encode())

    assert found.ids[0] == "a"


def test_a_table_whose_lines_were_quoted_once_more_is_read(read) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([line] for line in table(A, B).splitlines())

    assert read(out.getvalue().encode()).ids == ["a", "b"]


def test_a_row_that_is_wider_than_the_header_is_no_record(read) -> None:
    found = read((table(A) + "1,2,3,4,5,6,7\r\n" + ",".join(["x"] * 6) + ",,\r\n").encode())

    assert found.ids == ["a"]
    assert found.unreadable[0] == "the row has 7 columns, the header 6"
    assert found.unreadable[1].startswith("AuditData is not JSON")


@pytest.mark.parametrize("column", ["_raw", "event.original", "_RAW"])
def test_a_store_s_table_with_the_record_in_a_column_gives_that(read, column: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["_time", column.lower(), "source"], ["2026", json.dumps(A), "x"]])

    assert read(out.getvalue().encode()).records == [A]


def test_rows_of_a_known_table_are_records_with_every_column_and_others_are_named_by_theirs(read) -> None:
    known = read(b"Timestamp;ActionType;Application;RawEventData\r\n2026-11-20T10:00:00Z;X;;{}\r\n")
    unknown = read(b"Name,Age,Town,Street\r\nA,1,,\r\n")

    assert known.records == [
        {"Timestamp": "2026-11-20T10:00:00Z", "ActionType": "X", "Application": "", "RawEventData": "{}"}
    ]
    assert "'Name, Age, Town, Street'" in str(unknown.refused[""])
    assert not unknown.refused[""].harmless


def test_a_cut_row_is_a_record_that_says_so_and_its_neighbours_are_whole(read) -> None:
    long = audit("long", Parameters=[{"Name": "x", "Value": "y" * 40_000}])
    cells = row(long)
    cells[-1] = cells[-1][:32_767]
    out = io.StringIO()
    csv.writer(out).writerows([HEADER, row(A), cells, row(B)])
    found = read(out.getvalue().encode())
    cuts = [item.cut for item in found.items if isinstance(item, Record)]

    assert cuts[0] is cuts[2] is None
    assert "cut after 32,767 characters (Excel" in cuts[1]
    assert found.records[1]["RecordId"] == "long"
    assert found.records[1]["AuditData"] == cells[-1]


def test_what_powershell_left_out_is_noted(read) -> None:
    flat = {**A, "Parameters": "@{Name=ForwardTo; Value=x}", "Target": ["System.Object[]"]}
    found = read(json.dumps([flat, A]).encode())

    assert [item.cut is not None for item in found.items] == [True, False]


def test_an_ansi_file_says_the_same_as_its_twin_in_utf_8_to_the_letter(read) -> None:
    text = json.dumps([audit("a", ObjectId="Löschen – Müller"), B], ensure_ascii=False)

    assert read(text.encode("cp1252")).items == read(text.encode()).items


def test_lines_in_another_encoding_do_not_spoil_those_in_utf_8(read) -> None:
    umlauts = [audit(name, ObjectId="Grüße") for name in ("a", "b")]
    first, second = (json.dumps(one, ensure_ascii=False) for one in umlauts)
    found = read(first.encode() + b"\n" + second.encode("cp1252") + b"\n")

    assert found.records == umlauts
    assert found.encodings[""] == "utf-8 and cp1252"


def test_damaged_utf_8_keeps_what_is_whole_and_counts_what_is_lost(read) -> None:
    text = json.dumps(audit("a", ObjectId="äöü€äöü"), ensure_ascii=False).encode()
    found = read(text.replace("€".encode(), b"\xe2\x82"))

    assert found.records[0]["ObjectId"] == "äöü\N{REPLACEMENT CHARACTER}äöü"
    assert found.lost == 1


def test_another_code_page_is_read_by_its_name_and_an_unknown_one_refused(read) -> None:
    text = json.dumps(audit("a", ObjectId="Привет"), ensure_ascii=False)

    assert read(text.encode("cp1251"), encoding=check_encoding("windows-1251")).records[0]["ObjectId"] == "Привет"
    with pytest.raises(BadConfiguration, match="'klingon' is no encoding"):
        check_encoding("klingon")
    with pytest.raises(BadConfiguration):
        check_encoding("base64")


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=200), st.sampled_from([1, 3, 7, 1 << 18]))
def test_utf_8_comes_out_as_it_went_in_wherever_it_is_cut(text: str, chunk: int) -> None:
    data = text.removeprefix("\ufeff").encode()

    class Slow(io.RawIOBase):
        at = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            piece = data[self.at : self.at + min(chunk, len(buffer))]
            buffer[: len(piece)] = piece
            self.at += len(piece)
            return len(piece)

    if not data[:1] or data[0:1] in b"\x00" or 0 in data[:512]:
        return

    assert buffered(as_utf8(buffered(Slow()))).read() == data


@given(st.binary(max_size=300))
def test_whatever_the_bytes_are_the_text_is_utf_8(data: bytes) -> None:
    buffered(as_utf8(buffered(io.BytesIO(data)))).read().decode()


def test_a_table_of_a_portal_is_read_row_by_row_and_its_second_column_of_a_name_has_a_number(read) -> None:
    header = "Date (UTC),Request ID,Incoming token type,Username,Application,IP address,Status,Incoming token type"
    found = read(
        f"{header}\r\n2026-11-20T10:00:00Z,r-1,none,tove@contoso.example,Ledger,203.0.113.9,Success,saml\r\n".encode()
    )

    assert found.unreadable == []
    assert [dict(record) for record in found.records] == [
        {
            "Date (UTC)": "2026-11-20T10:00:00Z",
            "Request ID": "r-1",
            "Incoming token type": "none",
            "Username": "tove@contoso.example",
            "Application": "Ledger",
            "IP address": "203.0.113.9",
            "Status": "Success",
            "Incoming token type (2)": "saml",
        }
    ]

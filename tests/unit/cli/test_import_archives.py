"""Archives are read as directories are, within limits; and what is no log is named as what it is."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import struct
import tarfile
import tracemalloc
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aoc_cli.importing.unpacking import Unpacking
from exports import MIB, NDJSON, A, audit, read_path, table, tarred, zipped


@pytest.mark.parametrize(
    "pack",
    [
        zipped,
        lambda members: zipped(members, zipfile.ZIP_STORED),
        tarred,
        lambda members: tarred(members, packed=True),
        lambda members: zipped({"inner.zip": zipped(members)}),
        lambda members: zipped({"inner.tar.gz": tarred(members, packed=True)}),
        lambda members: tarred({f"{name}.gz": gzip.compress(data) for name, data in members.items()}),
        lambda members: gzip.compress(zipped(members)),
    ],
    ids=["zip", "stored", "tar", "tar.gz", "zip-in-zip", "tar.gz-in-zip", "gz-in-tar", "zip-in-gz"],
)
def test_members_are_read_as_if_they_lay_beside_each_other(read, pack) -> None:
    found = read(pack({"a/export.csv": table(A).encode(), "b.json": NDJSON, "note.txt": b"Dear colleague"}))

    assert sorted(found.ids) == ["a", "a", "b"]
    assert [error.harmless for error in found.refused.values()] == [True]
    assert next(iter(found.refused)).endswith(("note.txt", "note.txt.gz"))


def test_archives_are_opened_to_a_depth(read) -> None:
    data = NDJSON
    for _ in range(3):
        data = zipped({"inner": data})

    assert read(data, Unpacking(nesting=3)).ids == ["a", "b"]
    refused = read(data, Unpacking(nesting=2))
    assert refused.ids == []
    assert "--max-nesting" in str(refused.refused["inner/inner"])


def test_what_file_managers_put_into_archives_is_hidden(read) -> None:
    found = read(zipped({"__MACOSX/._a.json": b"\x00\x05", ".DS_Store": b"\x00", "a.json": NDJSON}))

    assert found.ids == ["a", "b"]
    assert found.hidden == ["__MACOSX/._a.json", ".DS_Store"]
    assert found.refused == {}


@pytest.mark.slow
def test_an_archive_that_holds_too_many_files_or_bytes_ends_there(read) -> None:
    many = read(zipped({f"{number}.json": NDJSON for number in range(30)}), Unpacking(entries=10))
    long = json.dumps(audit("a", note="x" * MIB)).encode() + b"\n"
    large = read(zipped({"a.json": NDJSON, "b.json": NDJSON + b"\n" + long * 40, "c.json": NDJSON}))
    most = read(tarred({f"{n}.json": long * 5 for n in range(9)}, packed=True), Unpacking(ratio=10_000, most=20 * MIB))

    assert len(many.ids) == 20
    assert "more than 10 files (--max-entries)" in str(list(many.refused.values())[-1])
    assert large.ids[:2] == ["a", "b"]
    assert any("--max-ratio" in reason for reason in [*large.unreadable, *map(str, large.refused.values())])
    assert any("--max-unpacked" in reason for reason in [*most.unreadable, *map(str, most.refused.values())])


def test_a_directory_of_an_archive_that_would_fill_memory_is_not_read(read) -> None:
    data = bytearray(zipped({"a.json": NDJSON}))
    at = data.rfind(b"PK\x05\x06")
    data[at + 12 : at + 16] = struct.pack("<I", 1 << 30)

    assert "--max-entries" in str(read(bytes(data)).refused[""])


def test_a_header_of_a_tar_that_would_fill_memory_is_not_read(read) -> None:
    info = tarfile.TarInfo("x")
    info.type = tarfile.XHDTYPE
    info.size = 1 << 30
    tracemalloc.start()
    found = read(info.tobuf() + b"\x00" * (8 * MIB))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert found.ids == []
    assert found.refused
    assert peak < 24 * MIB


def test_a_broken_member_costs_the_others_nothing_and_is_named(read) -> None:
    data = bytearray(zipped({"a.json": NDJSON, "b.json": NDJSON, "c.json": NDJSON}, zipfile.ZIP_STORED))
    at = data.find(NDJSON, data.find(b"b.json"))
    data[at + 3] ^= 1
    found = read(bytes(data))

    assert found.ids.count("a") >= 2
    assert any("is broken" in reason and "CRC" in reason for reason in found.unreadable)


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
@pytest.mark.parametrize(
    "pack", [zipped, tarred, lambda members: tarred(members, packed=True)], ids=["zip", "tar", "tgz"]
)
def test_an_archive_that_was_cut_is_said_to_be_broken(read, pack, part: float) -> None:
    data = pack({f"{number}.json": NDJSON * 50 for number in range(5)})
    found = read(data[: int(len(data) * part)])

    assert found.unreadable or any(not error.harmless for error in found.refused.values())


def test_an_encrypted_member_and_one_of_another_method_are_named(read) -> None:
    data = bytearray(zipped({"a.json": NDJSON}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(mark) + offset] |= 1
    other = zipped({"a.json": NDJSON}, zipfile.ZIP_LZMA)

    assert "encrypted" in str(read(bytes(data)).refused["a.json"])
    assert "packed in a way" in str(read(other).refused["a.json"])


@given(st.binary(max_size=200), st.sampled_from([b"PK\x03\x04", b"\x1f\x8b\x08", b"", b"[", b'{"value":[', b"sep=;\n"]))
def test_no_file_raises_but_by_name(tmp_path_factory, data: bytes, head: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "file"
    path.write_bytes(head + data)

    read_path(path)


OFFICE = {"[Content_Types].xml": b"<Types/>"}


@pytest.mark.parametrize(
    ("data", "reason", "harmless"),
    [
        (zipped({**OFFICE, "xl/workbook.xml": b"<x/>"}), "an Excel workbook", False),
        (zipped({**OFFICE, "word/document.xml": b"<x/>"}), "a Word document", True),
        (b"<!DOCTYPE html><html><title>Sign in to your account</title>", "an HTML page to sign in at", False),
        (b"\r\n<html><body>Hello", "an HTML page", False),
        (b'<?xml version="1.0"?><Events/>', "XML", False),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "a 7z archive: unpack it first", False),
        (b"Rar!\x1a\x07\x01\x00", "a rar archive", False),
        (lzma.compress(NDJSON), "an xz file: unpack it first", False),
        (bz2.compress(NDJSON), "a bzip2 file: unpack it first", False),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old Office file", False),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "a picture", True),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF document", True),
        (b"[2026-11-20 10:00:00] INFO fetched page 1\n" * 40, "text, neither JSON nor CSV", True),
        (b"[INFO] started\n[INFO] ended\n", "text, neither JSON nor CSV", True),
        (b"[1234] sshd: accepted\n", "text, neither JSON nor CSV", True),
        (b"2026-11-20 10:00:00,123 INFO one, two\n2026-11-20 three\n", "text, neither JSON nor CSV", True),
        (b"# Read me\n\nAbout these logs, and others.\n", "text, neither JSON nor CSV", True),
        (b"\x00\x01\x02\x03" * 100, "it is no text", True),
    ],
)
def test_what_is_no_log_is_skipped_as_what_it_is(read, data: bytes, reason: str, harmless: bool) -> None:
    found = read(data)

    assert found.items == []
    assert str(found.refused[""]).partition(" (")[0].startswith(reason) or reason in str(found.refused[""])
    assert found.refused[""].harmless is harmless


def test_what_is_json_and_broken_is_no_other_file(read) -> None:
    assert read(b'{"half": ').unreadable[0].startswith("not JSON")
    assert read(b'[{"half": ').unreadable[0] == "the file ends inside it"
    assert read(b"[1, 2]").unreadable == ["not a JSON object"] * 2
    assert read(b"[]").items == []
    assert read(b"[]\n[]").items == []

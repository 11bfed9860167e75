"""Files are hashed while they are read, whatever reads them; and what became of each is on record."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import random
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aoc_cli.importing import custody
from aoc_cli.importing.custody import Custody, Origin
from aoc_cli.importing.kinds import NoLogError
from aoc_cli.importing.records import sources
from aoc_cli.importing.selection import Selection
from aoc_cli.importing.streams import BrokenFileError, CountingFile
from aoc_cli.importing.summary import FileAccount, Summary
from aoc_cli.importing.unpacking import Unpacking
from aoc_common.store.imports import FileStatus

NOISE = random.Random(5)
RECORDS = b"".join(b'{"Id": "%d", "Workload": "Exchange"}\n' % number for number in range(60_000))
MIB = 1 << 20
AT = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture
def bytes_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes were read from disk, in all: by one who counts them where they come from."""
    read = [0]
    opened = Path.open

    def count(path: Path, *arguments: Any, **options: Any) -> Any:
        file = opened(path, *arguments, **options)
        if options.get("buffering") != 0:
            return file

        class Counting(io.FileIO):
            def readinto(self, buffer: Any) -> int | None:
                count = super().readinto(buffer)
                read[0] += count or 0
                return count

            def read(self, size: int | None = -1, /) -> Any:
                piece = super().read(-1 if size is None else size)
                read[0] += len(piece or b"")
                return piece

        file.close()
        return Counting(str(path))

    monkeypatch.setattr(Path, "open", count)
    return read


def zipped(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


FILES = {
    "lines.ndjson": RECORDS,
    "lines.ndjson.gz": gzip.compress(RECORDS, 1),
    "nothing.json": b"",
    "noise.bin": b"\x00\x93" + NOISE.randbytes(3 * MIB),
    "logs.zip": zipped(("a.ndjson", RECORDS), ("b.ndjson", RECORDS)),
    # What is hidden and what is no log leave gaps.
    "gaps.zip": zipped(("a.ndjson", RECORDS), (".b", bytes(3 * MIB)), ("c.png", b"\x89PNG" + bytes(3 * MIB)),
                       ("d.ndjson", RECORDS)),
    "hidden-first.zip": zipped((".a", bytes(3 * MIB)), ("b.ndjson", RECORDS)),
    "broken.zip": zipped(("a.ndjson", RECORDS))[:-40],
    "cut.gz": gzip.compress(RECORDS, 1)[:-4_000],
}  # fmt: skip


def digest_of(path: Path) -> str:
    with CountingFile(path) as file:
        _, documents = sources(file, Unpacking())
        for source in documents:
            try:
                for _ in source.items():
                    pass
            except NoLogError:
                continue
        return file.digest()


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_the_hash_is_that_of_the_file_as_it_lies_on_the_disk_whoever_reads_it(tmp_path, name) -> None:
    (tmp_path / name).write_bytes(FILES[name])

    assert digest_of(tmp_path / name) == hashlib.sha256(FILES[name]).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lines.ndjson", "lines.ndjson.gz", "noise.bin", "cut.gz", "logs.zip", "gaps.zip"])
def test_hashing_reads_nothing_twice(tmp_path, name, bytes_read) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    digest_of(tmp_path / name)

    # An archive's directory and what stands beside it are read out of order, a buffer each.
    assert bytes_read[0] <= len(FILES[name]) + (4 * MIB if name.endswith(".zip") else 0)
    assert bytes_read[0] >= len(FILES[name])


def summary_of(*accounts: FileAccount, refusals: tuple[tuple[str, str], ...] = ()) -> Summary:
    summary = Summary("contoso")
    summary.accounts += accounts
    for file, reason in refusals:
        summary.refuse(file, reason)
    return summary


async def test_each_file_has_a_row_and_each_part_of_an_archive_another(tmp_path) -> None:
    archive, note = tmp_path / "a.zip", tmp_path / "b.txt"
    archive.write_bytes(b"1")
    note.write_bytes(b"hello")
    summary = Summary("contoso")
    kept = Custody(summary)
    taken = kept.begin(archive)
    summary.accounts += [FileAccount(f"{archive}/x.csv", records=2, new=2), FileAccount(f"{archive}/y.csv", records=3)]
    summary.refuse(f"{archive}/z.png", "a picture", harmless=True)
    summary.refuse(f"{archive}/y.csv", "it ends too early")
    with CountingFile(archive) as file:
        await taken.identify(file)
    taken = kept.begin(note)
    summary.refuse(str(note), "text")
    with CountingFile(note) as file:
        await taken.identify(file)
    kept.begin(tmp_path / "gone")
    summary.refuse(str(tmp_path / "gone"), "cannot be read: No such file or directory")
    rows = list(kept.files(Selection(hidden=[tmp_path / ".h"], unread=[(tmp_path / "link", "a link")])))

    assert [(Path(row.file).relative_to(tmp_path).as_posix(), row.status, row.records, row.reason) for row in rows] == [
        ("a.zip", FileStatus.READ, 5, ""),
        ("a.zip/x.csv", FileStatus.READ, 2, ""),
        ("a.zip/y.csv", FileStatus.PARTLY, 3, "it ends too early"),
        ("a.zip/z.png", FileStatus.SKIPPED, 0, "a picture"),
        ("b.txt", FileStatus.SKIPPED, 0, "text"),
        ("gone", FileStatus.UNREAD, 0, "cannot be read: No such file or directory"),
        ("link", FileStatus.UNREAD, 0, "a link"),
        (".h", FileStatus.HIDDEN, 0, "its name begins with a dot"),
    ]
    assert [row.sha256 for row in rows if row.sha256] == [hashlib.sha256(text).hexdigest() for text in (b"1", b"hello")]
    assert [row.part_of for row in rows[1:4]] == [str(archive)] * 3
    assert (rows[0].size, rows[4].size, rows[1].size) == (1, 5, None)


async def test_a_file_that_changes_while_it_is_read_has_no_hash(tmp_path) -> None:
    path = tmp_path / "live.ndjson"
    path.write_bytes(RECORDS[: 3 * MIB // 2])
    summary = Summary("contoso")
    taken = Custody(summary).begin(path)
    with CountingFile(path) as file:
        file.read(10)
        with path.open("ab") as out:
            out.write(b"{}\n")
        await taken.identify(file)

    assert taken.sha256 is None


async def test_a_file_that_is_gone_before_its_end_is_named(tmp_path) -> None:
    path = tmp_path / "live.ndjson"
    path.write_bytes(b"{}\n")
    taken = Custody(Summary("contoso")).begin(path)
    with CountingFile(path) as file:
        path.unlink()
        with pytest.raises(BrokenFileError, match="cannot be read"):
            await taken.identify(file)


def test_names_that_are_no_text_and_endless_reasons_can_be_stored(tmp_path) -> None:
    name = os.fsdecode(bytes(tmp_path) + b"/caf\xe9.csv")
    Path(name).write_bytes(b"{}")
    summary = Summary("contoso")
    kept = Custody(summary)
    kept.begin(Path(name))
    summary.refuse(name, "\ud800" + "x" * 5_000)
    [row] = kept.files(Selection())
    account = Origin("d\udcffna", (name,)).account("id", "contoso", AT)

    for text in (row.file, row.reason, account.by, *account.paths, account.directory):
        assert text.encode()
    assert len(row.reason) == custody._LONGEST_REASON

"""The spool of the audit trail."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aoc_api.audit.spool import Spool, SpoolFull
from aoc_common.errors import BadConfiguration

SEGMENT = 4096
LONGEST = 1024


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def spool(directory: Path, most: int = 8 * SEGMENT) -> Spool:
    return Spool(directory, most, LONGEST, SEGMENT)


def drained(opened: Spool) -> list[bytes]:
    lines: list[bytes] = []
    while some := opened.lines():
        lines += some
        opened.forget(some)
    return lines


def test_lines_come_back_in_order_across_segments_and_then_are_gone(directory: Path) -> None:
    opened = spool(directory)
    lines = [f"{number:0100}".encode() for number in range(200)]
    for line in lines:
        opened.append(line)

    assert drained(opened) == lines
    assert opened.lines() == []
    opened.append(b"later")
    assert drained(opened) == [b"later"]


def test_what_was_not_forgotten_is_there_for_the_next_process(directory: Path) -> None:
    first = spool(directory)
    for number in range(100):
        first.append(b"%0100d" % number)
    first.forget(first.lines()[:3])
    first.close()

    second = spool(directory)
    second.append(b"of the second")
    # Those of a segment that was not done come again: whoever stores them knows them.
    assert drained(second)[-98:] == [*(b"%0100d" % number for number in range(3, 100)), b"of the second"]


@pytest.mark.parametrize("torn", [b"", b"half a li", b"half\x00"])
def test_a_line_that_was_being_written_at_the_end_is_none(directory: Path, torn: bytes) -> None:
    first = spool(directory)
    first.append(b"whole")
    first.close()
    [segment] = directory.glob("*.spool")
    with segment.open("r+b") as file:
        file.seek(len(b"whole\n"))
        file.write(torn)

    second = spool(directory)
    assert drained(second) == [b"whole"]
    assert list(directory.glob("*.spool")) == []


def test_a_full_spool_takes_nothing_and_takes_again_once_it_is_emptied(directory: Path) -> None:
    opened = spool(directory, 3 * SEGMENT)
    for _ in range(12):
        opened.append(b"x" * 1000)
    with pytest.raises(SpoolFull, match="could not be stored yet"):
        opened.append(b"x" * 1000)
    with pytest.raises(SpoolFull):
        opened.make_room(1)

    assert len(drained(opened)) == 12
    opened.append(b"again")


def test_room_that_was_made_is_there_when_the_disk_is_full(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = spool(directory)
    opened.append(b"x" * 1000)
    opened.make_room(9)  # more than one segment has

    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    for _ in range(9):
        opened.append(b"x" * (LONGEST - 1))
    with pytest.raises(SpoolFull, match="No space left"):
        opened.make_room(4)
    assert drained(opened) == [b"x" * 1000, *[b"x" * (LONGEST - 1)] * 9]
    opened.close()
    assert list(directory.glob("*.spool")) == []


def test_a_line_that_is_longer_than_it_may_be_is_refused(directory: Path) -> None:
    with pytest.raises(SpoolFull):
        spool(directory).append(b"x" * LONGEST)


def test_what_is_synced_is_all_that_was_appended(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, synced = spool(directory), list[str]()
    for _ in range(10):
        opened.append(b"x" * 1000)
    monkeypatch.setattr(
        os, "fdatasync", lambda descriptor: synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
    )
    opened.sync()

    assert sorted(synced) == sorted(map(str, directory.glob("*.spool")))


def test_two_gateways_do_not_write_into_one_spool(directory: Path) -> None:
    first = spool(directory)
    with pytest.raises(BadConfiguration, match=r"AOC_API__AUDIT__SPOOL.*another gateway"):
        spool(directory)
    first.close()
    spool(directory).close()


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadConfiguration, match=r"AOC_API__AUDIT__SPOOL.*Not a directory"):
        spool(tmp_path / "file" / "spool")


_WRITER = """
import sys
from pathlib import Path
from aoc_api.audit.spool import Spool
opened = Spool(Path(sys.argv[1]), 1 << 24, 1024, 4096)
for number in range(1_000_000):
    opened.append(b"%d" % number)
    print(number, flush=True)
"""


def test_what_was_appended_outlives_kill_9(directory: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _WRITER, directory], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(3_000):
            answered = writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        answered = (writer.stdout.read().splitlines() or [answered])[-1]

    lines = drained(Spool(directory, 1 << 24, LONGEST, SEGMENT))
    assert lines == [b"%d" % number for number in range(len(lines))]
    assert len(lines) > int(answered)


def test_a_segment_of_a_run_with_other_limits_is_read_to_its_end(directory: Path) -> None:
    first = spool(directory)
    lines = [b"%0100d" % number for number in range(39)]
    for line in lines:
        first.append(line)
    first.close()

    second = Spool(directory, SEGMENT // 4, LONGEST, SEGMENT)
    assert second.waiting == SEGMENT
    assert drained(second) == lines
    assert second.waiting == 0


def test_a_disk_that_refuses_a_line_is_a_full_spool(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = spool(directory)
    opened.append(b"whole")

    def broken(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", broken)
        with pytest.raises(SpoolFull, match="Input/output"):
            opened.append(b"lost")
    opened.append(b"next")
    opened.sync()

    assert drained(opened) == [b"whole", b"next"]

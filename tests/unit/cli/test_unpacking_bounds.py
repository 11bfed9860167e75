"""Compressed files are unpacked within bounds, whatever they unpack to."""

from __future__ import annotations

import gzip
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aoc_cli.importing.records import Record, Unreadable, items
from aoc_cli.importing.streams import CountingFile
from aoc_cli.importing.unpacking import Unpacking
from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from pathlib import Path

RECORD = b'{"Id": "r%d", "x": "%s"}\n'
MIB = 1 << 20


def read(path: Path, bounds: Unpacking) -> tuple[int, list[Unreadable]]:
    count, broken = 0, []
    with CountingFile(path) as file:
        for item in items(file, bounds):
            if isinstance(item, Record):
                count += 1
            elif isinstance(item, Unreadable):
                broken.append(item)
    return count, broken


def bomb(path: Path, mib: int, members: int = 1) -> Path:
    line = b'{"x": "' + b"0" * (MIB - 10) + b'"}\n'
    path.write_bytes(b"".join(gzip.compress(line * mib, 9) for _ in range(members)))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("members", [1, 8])
def test_a_gzip_that_unpacks_to_too_much_for_its_size_ends_with_its_name_and_bound(tmp_path, members) -> None:
    path = bomb(tmp_path / "bomb.json.gz", 400 // members, members)
    tracemalloc.start()

    count, broken = read(path, Unpacking(ratio=200))

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert broken[-1].stopped
    assert broken[-1].reason == "the gzip stream is too large: it unpacks to more than 200 times its size (--max-ratio)"
    assert count * MIB < 201 * path.stat().st_size + 20 * MIB
    assert peak < 30 * MIB


def test_a_gzip_that_unpacks_to_too_much_at_all_ends_there(tmp_path) -> None:
    count, broken = read(bomb(tmp_path / "a.gz", 40), Unpacking(ratio=10_000, most=30 * MIB))

    assert 28 <= count <= 30
    assert "more than 31,457,280 bytes (--max-unpacked)" in broken[-1].reason


@pytest.mark.slow
def test_a_small_file_may_repeat_itself(tmp_path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(RECORD % (1, b"0") * 100_000, 9))

    assert read(path, Unpacking(ratio=2)) == (100_000, [])


@pytest.mark.slow
def gzip_inside_of_gzip_is_read_to_the_bound_of_the_outer_one(tmp_path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(bomb(tmp_path / "inner.gz", 400).read_bytes()))

    count, broken = read(path, Unpacking())

    assert broken[-1].stopped
    assert count * MIB < 201 * path.stat().st_size + 20 * MIB


@pytest.mark.slow
@given(parts=st.lists(st.integers(0, 1000), max_size=6), cut=st.integers(0, 20))  # under the bound
@example(parts=[0], cut=19)
def test_members_are_read_one_after_the_other_and_a_broken_one_is_named(tmp_path_factory, parts, cut) -> None:
    path = tmp_path_factory.mktemp("gz") / "a.gz"
    whole = b"".join(gzip.compress(b"".join(RECORD % (n, b"x" * n) for n in range(size))) for size in parts)
    path.write_bytes(whole[: len(whole) - cut] if cut else whole)
    if path.stat().st_size == 1:  # half of what a gzip begins with
        with pytest.raises(Malformed):
            read(path, Unpacking())
        return

    count, broken = read(path, Unpacking())

    if not whole or not cut:
        assert (count, broken) == (sum(parts), [])
    elif broken:
        assert not any(item.stopped for item in broken)
        assert count <= sum(parts)

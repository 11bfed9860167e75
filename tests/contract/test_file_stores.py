"""What every place promises that files are written to; held by a folder and by S3, as moto speaks it."""

from __future__ import annotations

import asyncio
import io
import json
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
import zstandard

from aoc_common.clock import SystemClock
from aoc_exporter.delivery.deliver import deliver
from aoc_exporter.outcome import Accepted
from aoc_exporter.sinks.folder import FolderOptions, folder
from aoc_exporter.sinks.security_lake import SecurityLakeOptions, security_lake
from aoc_exporter.stores.places import store_of
from object_stores import moto_s3, objects, s3_at
from siem_entries import item, items

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aoc_exporter.stores.port import Store

    #: The store, and what is in it by path.
    Made = tuple[Store, Callable[[], dict[str, bytes]]]

CLOCK = SystemClock()
PATH = "ext/aoc_3002/region=eu-west-1/eventDay=20261123/0a~b.c_d-e.zstd.parquet"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with moto_s3("made", "lake") as address:
        yield address


@pytest.fixture(params=["folder", "s3"])
def made(request: pytest.FixtureRequest, tmp_path: Path, s3: str) -> Made:
    if request.param == "folder":
        store = store_of(FolderOptions(path=tmp_path), CLOCK)
        return store, lambda: {
            str(file.relative_to(tmp_path)): file.read_bytes()
            for file in tmp_path.rglob("*")
            if file.is_file() and file.parent.name != ".locks"
        }
    store = store_of(FolderOptions(**s3_at(s3)), CLOCK)
    return store, lambda: {key.removeprefix("aoc/test/"): content for key, content in objects(s3, "made").items()}


async def test_a_file_is_what_was_put_last_whole_and_looked_at_where_that_may_be(made: Made) -> None:
    store, there = made
    large = bytes(range(256)) * 8_192
    for content in (b"", b"first", large, large):
        await store.put(PATH, content)
    await asyncio.gather(*(store.put(f"day/{number}", b"%d" % number) for number in range(3)))

    assert await asyncio.to_thread(there) == {PATH: large, "day/0": b"0", "day/1": b"1", "day/2": b"2"}
    await store.put("day/0", b"the last")
    latest = [(name, await read()) for name, read in await store.latest("day", "", 10, {"1"})]
    assert latest == ([("0", b"the last"), ("2", b"2")] if store.readable else [])
    assert len(await store.latest("day", "", 2, ())) == (2 if store.readable else 0)
    assert await store.latest("never", "", 10, ()) == []
    async with store.alone("day") as first, store.alone("other"):
        assert first == store.readable
    async with store.alone("day") as second:
        assert not second
    await store.close()


async def test_both_encodings_are_read_back_from_an_object_store_once(s3: str) -> None:
    sent = [*items(5), item(9, time_ms=1)]
    for sink in (
        folder(FolderOptions(**s3_at(s3, "lake")), CLOCK),
        security_lake(SecurityLakeOptions(**s3_at(s3, "lake")), CLOCK),
    ):
        outcomes = [await deliver(sink, batch) for batch in (sent, sent, sent[2:4])]
        await sink.close()
        assert outcomes == [[Accepted()] * 6, [Accepted()] * 6, [Accepted()] * 2]
        assert not sink.idempotent

    there = await asyncio.to_thread(objects, s3, "lake")
    texts = [zstandard.decompress(content) for key, content in there.items() if key.endswith(".zst")]
    tables = [pq.ParquetFile(io.BytesIO(content)).read() for key, content in there.items() if key.endswith(".parquet")]
    ids = sorted(one.entry.id for one in sent)
    assert sorted(json.loads(line)["aoc"]["id"] for text in texts for line in text.splitlines()) == ids
    assert sorted(json.loads(row["aoc"])["id"] for table in tables for row in table.to_pylist()) == ids
    assert {key.rpartition("/")[0] for key in there if key.endswith(".parquet")} == {
        f"aoc/test/ext/aoc_6003/region=eu-central-1/accountId=external/eventDay={day}" for day in (19700101, 20261123)
    }

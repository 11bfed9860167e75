"""How an export is walked, written, counted and compressed, without a store."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from aoc_api.access.note import Note
from aoc_api.export.encodings import chosen, compressor
from aoc_api.export.formats import FORMATS, Format
from aoc_api.export.pages import pages
from aoc_api.export.stream import CutOff, Export
from aoc_common.contracts.access import Scope
from aoc_common.contracts.rows import OF_CSV
from aoc_common.errors import Unreachable
from aoc_common.store.searches import EventPage, EventQuery
from each import each
from exporting import an_event, exported, unchanged

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_common.contracts.event import StoredEvent
    from aoc_common.store.pace import Pace

EVER = EventQuery(Scope("contoso"))
AT_ONCE: Any = None
#: How spreadsheets are made to compute, and terminals to act.
HOSTILE = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\uff1d1", " =1", "\x1b]0;x\x07",
           'a","b\nc']  # fmt: skip


class Held:
    """`EventSearch.search` over events that are made when they are asked for. `full`: pages hold what they may."""

    def __init__(self, count: int, make: Callable[[int], StoredEvent] = an_event) -> None:
        self.count = count
        self.make = make
        self.limits: list[int] = []
        self.asked_for_raw: set[bool] = set()

    async def search(self, query: EventQuery, pace: Pace | None = None, *, raw: bool = False) -> EventPage:
        self.limits.append(query.limit)
        self.asked_for_raw.add(raw)
        end = self.count if query.before is None else query.before.int - 1
        start = max(0, end - query.limit)
        await self.between()
        return EventPage(tuple(self.make(number) for number in range(end - 1, start - 1, -1)), start > 0)

    async def between(self) -> None:
        """Before a page is answered."""


async def walked(search: Any, **options: Any) -> list[StoredEvent]:
    given = {"raw": False} | options
    return [event async for page in pages(search, EVER, AT_ONCE, unchanged(), **given) for event in page]


async def test_every_event_is_given_once_the_newest_first_while_new_ones_come() -> None:
    class Busy(Held):
        async def between(self) -> None:
            self.count += 3

    found = [event.id.int for event in await walked(Busy(1_234))]

    assert found == list(range(1_234, 0, -1))


async def test_a_search_that_stopped_before_its_end_goes_on_there() -> None:
    class Tired(Held):
        """Every second question ends with nothing, or with half of it."""

        async def search(self, query: EventQuery, pace: Pace | None = None, *, raw: bool = False) -> EventPage:
            page = await super().search(query, pace, raw=raw)
            if len(self.limits) % 2 or not page.events:
                return page
            half = page.events[: len(page.events) // 2 * (len(self.limits) % 4 // 2)]
            at = half[-1].id if half else UUID(int=page.events[0].id.int + 1)
            return EventPage(half, more=False, searched_to=at)

    found = [event.id.int for event in await walked(Tired(300))]

    assert found == list(range(300, 0, -1))


async def test_an_export_of_nothing_is_a_file_without_events() -> None:
    assert await walked(Held(0)) == []
    for form in Format:
        data, note = await exported([], form)
        assert (note.rows, note.digest) == (0, hashlib.sha256(data).hexdigest())
    assert (await exported([], Format.CSV))[0].decode() == ",".join(OF_CSV) + "\n"


@pytest.mark.parametrize("large", ["raw", "event"])
async def test_the_larger_events_are_the_fewer_are_held_at_once(large: str) -> None:
    def make(number: int) -> StoredEvent:
        changes: dict[str, Any] = {"raw": "x" * 300_000} if large == "raw" else {"ocsf": {"message": "x" * 300_000}}
        return an_event(number, **changes)

    small, big = Held(2_000), Held(200, make)
    await walked(small)
    await walked(big, raw=True)

    assert max(small.limits) == 200
    assert small.limits[0] >= 10
    assert set(big.limits[1:]) == {10}
    assert (small.asked_for_raw, big.asked_for_raw) == ({False}, {True})


async def test_csv_has_a_line_for_each_event_and_a_header() -> None:
    data, note = await exported([an_event(number) for number in range(20)], Format.CSV)
    header, *lines = csv.reader(io.StringIO(data.decode()))

    assert tuple(header) == OF_CSV
    assert [line[header.index("message")] for line in lines] == [f"event {number}" for number in range(20)]
    assert lines[3][header.index("time")] == "2026-11-23T08:00:00.003Z"
    assert lines[3][header.index("targets")] == "a; b"
    assert (note.rows, note.digest) == (20, hashlib.sha256(data).hexdigest())


@each("hostile", HOSTILE)
async def test_no_cell_of_csv_is_a_formula_or_breaks_its_line(hostile: str) -> None:
    event = an_event(1, actor=hostile, ip=hostile, operation=hostile, ocsf={"message": hostile, "time": 0})
    data, _ = await exported([event], Format.CSV, fields=["actor", "ip", "operation", "message", "event.message"])
    lines = data.decode().splitlines()
    [cells] = list(csv.reader(lines[1:]))

    assert len(lines) == 2
    assert len(cells) == 5
    assert [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d"))] == []
    assert "\x1b" not in data.decode()


@pytest.mark.parametrize("form", [Format.JSONL, Format.OCSF])
async def test_the_last_line_tells_count_and_digest_of_what_stands_before_it(form: Format) -> None:
    data, note = await exported([an_event(number) for number in range(20)], form, trailer={"id": "r", "tenant": "x"})
    before, _, last = data.removesuffix(b"\n").rpartition(b"\n")
    before += b"\n"

    assert json.loads(last) == {
        "aoc_export": {"id": "r", "tenant": "x", "rows": 20, "bytes": len(before),
                       "sha256": hashlib.sha256(before).hexdigest()},
    }  # fmt: skip
    assert before.count(b"\n") == 20
    assert note.digest == hashlib.sha256(before).hexdigest()
    assert (await exported([an_event(number) for number in range(20)], form))[0] == before


async def test_jsonl_has_what_the_command_line_prints_or_some_fields_of_it() -> None:
    whole, _ = await exported([an_event(1)], Format.JSONL)
    some, _ = await exported([an_event(1)], Format.JSONL, fields=["ip", "targets", "unmapped.UserKey", "twin_of"])

    assert json.loads(whole)["message"] == "event 1"
    assert json.loads(whole)["unmapped"] == {"UserKey": 1}
    assert "raw_data" not in json.loads(whole)
    assert json.loads(some) == {"ip": "2001:db8::7", "targets": ["a", "b"], "unmapped.UserKey": 1, "twin_of": None}


async def test_ocsf_has_the_event_as_it_was_published() -> None:
    [line] = (await exported([an_event(1)], Format.OCSF))[0].splitlines()

    assert json.loads(line) == an_event(1).ocsf | {"raw_data": '{"Id":1}', "unmapped": {"UserKey": 1}}


@each("form", list(Format))
async def test_a_file_that_is_cut_off_has_no_digest_and_no_end(form: Format) -> None:
    async def failing():
        yield [an_event(2)]
        raise Unreachable("the store went away")

    note, parts = Note(), list[bytes]()
    chunks = Export(FORMATS[form].make(None), compressor(None), {"id": "r"}).chunks([an_event(1)], failing(), note)

    async def receive() -> None:
        async for part in chunks:
            parts.append(part)

    with pytest.raises(CutOff, match="after 2 events"):
        await receive()

    assert (note.rows, note.digest) == (2, "")
    assert b"aoc_export" not in b"".join(parts)
    assert not b"".join(parts[1:]).endswith(b"PAR1")


@each("coding", ["gzip", "zstd"])
@each("form", [Format.CSV, Format.OCSF])
async def test_the_digest_is_of_what_was_compressed(form: Format, coding: str) -> None:
    events = [an_event(number) for number in range(200)]
    plain, note = await exported(events, form)
    compressed, noted = await exported(events, form, coding)
    unzipping: Any = zlib.decompressobj(31) if coding == "gzip" else zstandard.ZstdDecompressor().decompressobj()
    undone = unzipping.decompress(compressed)

    assert undone == plain
    assert len(compressed) < len(plain) / 3
    assert noted.digest == note.digest


@each(
    ("accepted", "coding"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("br, deflate", None),
        ("gzip", "gzip"),
        ("GZIP ; Q=0.3", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("*", "zstd"),
        ("*, zstd;q=0", "gzip"),
        ("gzip;q=0", None),
        ("gzip;q=0.5, identity;q=0.9", None),
        ("gzip;q=nan", None),
        ("gzip;q=7", None),
        ("gzip;q=", None),
        ("gzip;level=9", None),
        ("," * 5_000 + "gzip", None),
    ],
)
def test_what_a_client_accepts_decides_how_it_is_compressed(accepted: str | None, coding: str | None) -> None:
    assert chosen(accepted) == coding


@given(st.text(max_size=60))
def test_no_accepted_encodings_are_an_error(accepted: str) -> None:
    assert chosen(accepted) in {None, "gzip", "zstd"}


@pytest.mark.slow
@pytest.mark.parametrize("form", [Format.CSV, Format.OCSF, Format.PARQUET])
async def test_memory_does_not_grow_with_the_file(form: Format) -> None:
    """A hundred megabytes of records pass; what is held of them at any time is a few."""
    filling = "x" * 40_000

    def make(number: int) -> StoredEvent:
        return an_event(number, raw=filling + str(number), unmapped={"Filling": filling})

    async def run(count: int) -> int:
        passed = 0
        searched: Any = Held(count, make)
        following = pages(searched, EVER, AT_ONCE, unchanged(), raw=True)
        first = await anext(following)
        export = Export(FORMATS[form].make(None), compressor(None))
        async for part in export.chunks(first, following, note := Note()):
            passed += len(part)
        assert note.rows == count
        return passed

    await run(20)  # what is imported and cached the first time is not what is measured
    tracemalloc.start()
    try:
        passed = await run(1_200)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert form is not Format.OCSF or passed > 90 << 20
    assert peak < 32 << 20


async def test_who_goes_away_ends_the_reading() -> None:
    ended = asyncio.Event()

    async def endless():
        try:
            while True:
                yield [an_event(1)]
        finally:
            ended.set()

    chunks = Export(FORMATS[Format.CSV].make(None), compressor(None)).chunks([an_event(1)], endless(), Note())
    await anext(chunks)
    await anext(chunks)
    await anext(chunks)
    await chunks.aclose()

    assert ended.is_set()

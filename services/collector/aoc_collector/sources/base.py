"""What a source is, and how its answers are cut into pages without touching a byte of a record."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, Protocol

import msgspec

from aoc_collector.microsoft.answers import ELEMENTS, is_strict, listed, tolerated
from aoc_common.contracts.raw import MAX_PAGE_BYTES, MAX_PAGE_RECORDS
from aoc_common.store.clock_corrections import TOO_OLD

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from aoc_collector.microsoft.api import Api
    from aoc_collector.microsoft.families import FamilyName
    from aoc_common.clock import Clock
    from aoc_common.store.blob_retries import BlobRetries
    from aoc_common.store.blobs import ContentBlob

SAMPLE_BYTES: Final = 64 * 1024

type Subscription = Literal["stands", "started", "ran"]
"""What was found of a source's subscription: that it does not run; then that it was started, or ran after all."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is asked for: `start` inclusive, `end` exclusive, UTC.

    `afresh`: somebody asked for it, or pages of it were lost, so that what was fetched before is fetched again.
    """

    start: datetime
    end: datetime
    afresh: bool = False


@dataclass(frozen=True, slots=True)
class RawArray:
    """A JSON array of records as it will be published."""

    body: bytes
    records: int


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that cannot be collected, ever: why, and the beginning of it (at most `SAMPLE_BYTES`), if any.

    `window`: the time that is missing, when it is not the whole slice. A blob that expired is in the ledger as such.
    """

    reason: str
    sample: bytes = b""
    window: Window | None = None
    blob: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """What one answer gave.

    `blobs`: content id -> records of the blobs that this batch completes. `subscription`: told as it is found.
    """

    arrays: Sequence[RawArray] = ()
    blobs: Mapping[str, int] = field(default_factory=dict)
    losses: Sequence[Loss] = ()
    subscription: Subscription | None = None


def out_of_reach(window: Window, oldest: datetime) -> tuple[Window, Loss | None]:
    """What can still be asked for of a window, and what is lost because Microsoft keeps nothing before `oldest`."""
    if window.start >= oldest:
        return window, None
    start = min(window.end, oldest.replace(microsecond=0))
    gone = Window(window.start, start)
    reason = f"{gone.start:%FT%TZ} to {gone.end:%FT%TZ} is {TOO_OLD}"
    return replace(window, start=start), Loss(reason, window=gone)


class Blobs(Protocol):
    """What a source may know of the blob ledger. Writing "fetched" is the runner's: it knows what is acknowledged."""

    async def fetched(self, tenant: str, source: str, content_ids: Sequence[str]) -> set[str]:
        """Those that were fetched before, and held records."""
        ...

    async def listed(self, tenant: str, source: str, blobs: Sequence[ContentBlob], at: datetime) -> None:
        """The API offered these."""
        ...

    async def mark_expired(self, tenant: str, source: str, content_id: str, at: datetime) -> bool:
        """A blob is gone for good; False when it was fetched before."""
        ...


class Source(Protocol):
    """One feed of one tenant."""

    def batches(self, window: Window) -> AsyncGenerator[Batch]:
        """Everything that the feed has for a window, as it arrives; never more than an answer or so in memory.

        May be asked for the same window again. Raises `Transient` (also in the middle) or `Refused`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a source lets itself be told of news, what proves that it was told by Microsoft, and for how long."""

    address: str
    auth_id: str = field(repr=False)
    lifetime: timedelta


@dataclass(frozen=True, slots=True)
class Context:
    """What a source is built from.

    `webhook`: None when nobody is to call us. `retention`: how long Microsoft keeps its records, where that is known.
    """

    tenant: str
    tenant_id: str
    api: Api
    blobs: Blobs
    waiting: BlobRetries
    clock: Clock
    publisher: str
    concurrency: int
    webhook: Webhook | None = None
    retention: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Spec:
    """An entry of the registry: a source's name, whose limits it shares, and how to make it."""

    name: str
    family: FamilyName
    build: Callable[[Context], Source]


def cut(array: bytes | msgspec.Raw, what: str) -> Batch:
    """A JSON array as pages: whole when it is none too large, else split between records.

    Records that a strict parser refuses go on pages of their own: whoever reads them guesses at no others. A single
    record may be larger than a page; see `fitted`. Raises `Unreachable` when it is no array.
    """
    try:
        records = ELEMENTS.decode(array)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        found = [(one, is_strict(one)) for one in tolerated(array, f"{what}: unreadable answer ({error})")]
        clean, odd = ([one for one, strict in found if strict is like] for like in (True, False))
        return Batch((*_pages(clean, MAX_PAGE_BYTES), *_pages(odd, MAX_PAGE_BYTES)))
    if not records:
        return Batch()
    if len(records) <= MAX_PAGE_RECORDS and memoryview(array).nbytes <= MAX_PAGE_BYTES:
        return Batch((RawArray(bytes(array), len(records)),))
    return Batch(tuple(_pages(records, MAX_PAGE_BYTES)))


def fitted(batch: Batch, room: int) -> Batch:
    """The same with pages of at most `room` bytes; a record that fits into none is a loss of the batch.

    `room`: what the bus takes at this moment (see `bus.limits`).
    """
    if all(len(page.body) <= room for page in batch.arrays):
        return batch
    arrays: list[RawArray] = []
    losses = list(batch.losses)
    for page in batch.arrays:
        if len(page.body) <= room:
            arrays.append(page)
            continue
        records = listed(page.body, "a page")
        losses += [_too_large(record, room) for record in records if _size(record) + 2 > room]
        arrays += _pages((record for record in records if _size(record) + 2 <= room), min(room, MAX_PAGE_BYTES))
    return replace(batch, arrays=tuple(arrays), losses=losses)


def _too_large(record: msgspec.Raw, room: int) -> Loss:
    sample = bytes(memoryview(record)[: max(0, min(SAMPLE_BYTES, room))])
    return Loss(f"a record of {_size(record)} bytes is larger than the {room} that a message may have", sample)


def _pages(records: Iterable[msgspec.Raw], most: int) -> Iterable[RawArray]:
    page: list[msgspec.Raw] = []
    size = 2
    for record in records:
        more = _size(record) + 1
        if page and (size + more > most or len(page) == MAX_PAGE_RECORDS):
            yield _join(page)
            page, size = [], 2
        page.append(record)
        size += more
    if page:
        yield _join(page)


def _join(records: Sequence[msgspec.Raw]) -> RawArray:
    return RawArray(b"[" + b",".join(records) + b"]", len(records))


def _size(record: msgspec.Raw) -> int:
    return memoryview(record).nbytes

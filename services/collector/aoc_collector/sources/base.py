"""What a source is, and how its answers are cut into pages without touching a byte of a record."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, Protocol

import msgspec

from aoc_collector.microsoft.answers import ELEMENTS, array_elements, is_strict, lenient_elements
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

type Subscription = Literal["stopped", "started", "was-running"]
"""The state of a source's subscription: it does not run; then, that it was started, or was running after all."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is requested: `start` inclusive, `end` exclusive, UTC.

    `afresh`: a backfill, or pages of it were lost, so what was fetched before is fetched once more.
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
    """The records of one answer, as pages.

    `blobs`: content id -> records of the blobs that this batch completes. `subscription`: its state, when it was read.
    """

    arrays: Sequence[RawArray] = ()
    blobs: Mapping[str, int] = field(default_factory=dict)
    losses: Sequence[Loss] = ()
    subscription: Subscription | None = None


def clip_to_retention(window: Window, oldest: datetime) -> tuple[Window, Loss | None]:
    """The part of a window that Microsoft still keeps, and the loss of what is before `oldest`."""
    if window.start >= oldest:
        return window, None
    start = min(window.end, oldest.replace(microsecond=0))
    lost = Window(window.start, start)
    reason = f"{lost.start:%FT%TZ} to {lost.end:%FT%TZ} is {TOO_OLD}"
    return replace(window, start=start), Loss(reason, window=lost)


class Blobs(Protocol):
    """The blob ledger as sources use it. The runner notes what was fetched, since it knows what is acknowledged."""

    async def fetched(self, tenant: str, source: str, content_ids: Sequence[str]) -> set[str]:
        """Those that were fetched before, and held records."""
        ...

    async def listed(self, tenant: str, source: str, blobs: Sequence[ContentBlob], at: datetime) -> None:
        """The API offered these."""
        ...

    async def mark_expired(self, tenant: str, source: str, content_id: str, at: datetime) -> bool:
        """Microsoft has deleted a blob; False when it was fetched before."""
        ...


class Source(Protocol):
    """One feed of one tenant."""

    def batches(self, window: Window) -> AsyncGenerator[Batch]:
        """Everything that the feed has for a window, as it arrives; never more than an answer or so in memory.

        May be called again for the same window. Raises `Transient` (also in the middle; `Postponed` when the clock has
        jumped) or `Refused`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook for the notifications of a source: its address, the secret that Microsoft sends back, its lifetime."""

    address: str
    auth_id: str = field(repr=False)
    lifetime: timedelta


@dataclass(frozen=True, slots=True)
class Context:
    """What a source is built from.

    `webhook`: None without webhooks. `retention`: how long Microsoft keeps its records, where that is known. `clock`:
    raises `Postponed` while it is not trusted, see `clock_faults`.
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
    """A JSON array as pages: one when it is small enough, else split between records.

    Records that a strict parser refuses get pages of their own, so that the others are parsed strictly. A single
    record may be larger than a page; see `fitted`. Raises `Unreachable` when it is no array.
    """
    try:
        records = ELEMENTS.decode(array)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        elements = [
            (element, is_strict(element)) for element in lenient_elements(array, f"{what}: unreadable answer ({error})")
        ]
        clean, lenient = ([element for element, strict in elements if strict is expected] for expected in (True, False))
        return Batch((*_pages(clean, MAX_PAGE_BYTES), *_pages(lenient, MAX_PAGE_BYTES)))
    if not records:
        return Batch()
    if len(records) <= MAX_PAGE_RECORDS and memoryview(array).nbytes <= MAX_PAGE_BYTES:
        return Batch((RawArray(bytes(array), len(records)),))
    return Batch(tuple(_pages(records, MAX_PAGE_BYTES)))


def fitted(batch: Batch, room: int) -> Batch:
    """The batch with pages of at most `room` bytes; a larger record becomes a loss.

    `room`: the largest body that the bus takes now (see `bus.limits`).
    """
    if all(len(page.body) <= room for page in batch.arrays):
        return batch
    arrays: list[RawArray] = []
    losses = list(batch.losses)
    for page in batch.arrays:
        if len(page.body) <= room:
            arrays.append(page)
            continue
        records = array_elements(page.body, "a page")
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

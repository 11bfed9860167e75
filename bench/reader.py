"""The reader of AOC_EVENTS against a plain pull of the same messages, and what a hole costs.

`python bench/reader.py [--events 50000] [--pairs 3] [--holes 2000 20000 200000]`

- nothing missing: events a second through `bus.events` and through `bus.consume` alone, with a handler that does
  nothing, in turns, and the ratio. Both acknowledge each message.
- a hole: the stream is purged before the reader has read anything. Seconds, events a second, seconds for a thousand
  events, and by how much the memory of the reader's process grew, which is a new one for each hole.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import batched
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from rich.console import Console

from aoc_cli.deployment.bus import USERS
from aoc_cli.local import mongo, nats
from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_common.bus.atomic import EventPublisher, PageEvents
from aoc_common.bus.broker import close, jetstream, make_broker
from aoc_common.bus.consume import consuming
from aoc_common.bus.events import reading_events
from aoc_common.bus.provision import provision
from aoc_common.bus.publish import Outgoing
from aoc_common.bus.readers import Reader, declare_reader
from aoc_common.clock import SystemClock
from aoc_common.contracts import ids, subjects
from aoc_common.contracts.event import Event, PackedEvent
from aoc_common.contracts.event_message import EventMessage
from aoc_common.contracts.publications import PublishedSpan
from aoc_common.settings import MongoSettings, NatsSettings
from aoc_common.store.mongo.client import connect, ensure_indexes
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.publications import MongoPublications
from aoc_common.store.mongo.readers import MongoReaders

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from faststream.nats import NatsBroker

_STREAM: Final = subjects.EVENTS_STREAM
_PAGE: Final = 200
_PAGES_TOGETHER: Final = 20
_READER: Final = Reader("bench", "bench")
_NOW: Final = datetime.now(UTC)
#: Of an average record of the unified log.
_RAW: Final = '{"Id":"%s","AuditData":"' + "x" * 1_400 + '"}'

type Got = Callable[[int], None]


def _events(count: int, run: str) -> Iterator[Event]:
    """Events of which no other run has any: the server remembers ids for some minutes."""
    for number in range(count):
        name = f"{run}-{number}"
        yield Event(
            id=ids.event_id("contoso", "ual", name, ids.to_ms(_NOW) + number),
            tenant="contoso",
            source="o365-exchange",
            time_ms=ids.to_ms(_NOW) + number,
            class_uid=6003,
            service="exchange",
            operation="Set-Mailbox",
            result="success",
            actor="dana@contoso.example",
            ip="203.0.113.9",
            correlation_id=None,
            terms=("dana", "set-mailbox"),
            tags=(),
            mapper="exchange",
            mapper_version=1,
            ocsf={"metadata": {"uid": name}, "class_uid": 6003},
            unmapped={},
            raw=_RAW % name,
        )


async def _publish(bus: NatsBroker, settings: MongoSettings, count: int) -> None:
    """Store and publish events as the normalizer does, without the indexes that the bench does not need."""
    publisher = EventPublisher(bus)
    async with connect(settings) as database:
        await ensure_indexes(database, ("publications", "event_versions"))
        store, log = MongoEvents(database, lambda *_: timedelta(days=1)), MongoPublications(database)
        for number, some in enumerate(batched(batched(_events(count, settings.database), _PAGE), _PAGES_TOGETHER)):
            await store.insert_encoded([store.encoded(event, "page") for page in some for event in page])
            pages = [
                PageEvents(f"{number}-{place}-{time.monotonic_ns()}", [_message(event) for event in page])
                for place, page in enumerate(some)
            ]
            published = await publisher.publish(pages)
            spans = [
                PublishedSpan(receipt.incarnation, part.first, page.page, "contoso", "o365-exchange", part.ids)
                for page, receipt in zip(pages, published, strict=True)
                for part in receipt.parts
            ]
            await log.note(spans, _NOW)


def _message(event: Event) -> Outgoing:
    packed = PackedEvent(
        event.id, event.tenant, event.source, event.time_ms, event.class_uid, event.operation,
        document=b"", body=event.message(), position=0, text="",
    )  # fmt: skip
    message = EventMessage.of(packed, None, None)
    return Outgoing(message.subject, message.body, message.headers())


class _Counted:
    """A handler that does nothing but count. `seconds`: from the first batch that it got to the last."""

    def __init__(self, count: int) -> None:
        self.all_there = asyncio.Event()
        self.seconds = 0.0
        self._left = count
        self._began: float | None = None

    async def __call__(self, events: Sequence[object]) -> None:
        if self._began is None:
            self._began = time.monotonic()
        self._left -= len(events)
        if self._left <= 0:
            self.seconds = time.monotonic() - self._began
            self.all_there.set()


async def _read(bus: NatsBroker, settings: MongoSettings, count: int) -> float:
    """Seconds that the reader takes for so many events."""
    handle = _Counted(count)
    async with (
        connect(settings) as database,
        reading_events(bus, _READER, MongoReaders(database), MongoPublications(database), handle, SystemClock()),
    ):
        await handle.all_there.wait()
    return handle.seconds


async def _pulled(bus: NatsBroker, count: int) -> float:
    """Seconds that a plain pull of the same consumer takes."""
    handle = _Counted(count)
    async with consuming(bus, _READER.consumer, handle):
        await handle.all_there.wait()
    return handle.seconds


async def _connected[T](settings: NatsSettings, work: Callable[[NatsBroker], Awaitable[T]]) -> T:
    bus = make_broker(settings, settings.user or "")
    await bus.connect()
    try:
        return await work(bus)
    finally:
        await close(bus)


async def _anew(bus: NatsBroker, settings: MongoSettings) -> None:
    """The reader from the beginning, without a memory."""
    async with connect(settings) as database:
        await database["readers"].delete_many({})
        js = jetstream(bus)
        if any(consumer.name == _READER.name for consumer in await js.consumers_info(_STREAM)):
            await js.delete_consumer(_STREAM, _READER.name)
        await declare_reader(bus, _READER, MongoReaders(database), MongoPublications(database))


def _publisher(bus: NatsSettings) -> NatsSettings:
    return bus.model_copy(update={"user": "normalizer"})


def _fill(bus: NatsSettings, settings: MongoSettings, count: int) -> tuple[float, float]:
    """In a process of its own: seconds that a hole takes, and the MiB by which the process grew meanwhile."""
    before = _peak_mib()
    seconds = asyncio.run(_connected(bus, lambda broker: _read(broker, settings, count)))
    return seconds, _peak_mib() - before


def _peak_mib() -> float:
    """Peak memory of this process, MiB (Linux; `getrusage` includes the parent's)."""
    [line] = [line for line in Path("/proc/self/status").read_text("ascii").splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


async def _nothing_missing(bus: NatsSettings, settings: MongoSettings, count: int, pairs: int, out: Console) -> None:
    await _connected(_publisher(bus), lambda broker: _publish(broker, settings, count))

    async def run(broker: NatsBroker) -> None:
        ratios = []
        for _ in range(pairs):
            await _anew(broker, settings)
            plain = await _pulled(broker, count)
            await _anew(broker, settings)
            reader = await _read(broker, settings, count)
            ratios.append(plain / reader)
            out.print(f"plain {count / plain:,.0f}/s, reader {count / reader:,.0f}/s: {plain / reader:.2f}")
        out.print(f"[bold]median {median(ratios):.2f}[/] of a plain pull")

    await _connected(bus, run)


async def _hole(bus: NatsSettings, settings: MongoSettings, count: int, out: Console) -> None:
    await _connected(bus, lambda broker: _anew(broker, settings))
    await _connected(_publisher(bus), lambda broker: _publish(broker, settings, count))
    await _connected(bus, lambda broker: jetstream(broker).purge_stream(_STREAM))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        seconds, grown = await asyncio.get_running_loop().run_in_executor(processes, _fill, bus, settings, count)
    rate = f"{count / seconds:,.0f}/s, {1000 * seconds / count:.2f} s a thousand"
    out.print(f"a hole of {count:,}: {seconds:,.1f} s, {rate}, {grown:,.0f} MiB more")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=50_000, help="events for the comparison with a plain pull")
    parser.add_argument("--pairs", type=int, default=3, help="how often that is done")
    parser.add_argument("--holes", type=int, nargs="*", default=[2_000, 20_000, 200_000], help="sizes of holes")
    arguments = parser.parse_args()
    out = Console()
    with TemporaryDirectory() as root, ExitStack() as stack:
        port, store = free_port(), free_port()
        passwords = dict.fromkeys(USERS, "bench")
        for child in (
            nats.server(Path(root) / "nats", port, passwords),
            mongo.server(Path(root) / "mongo", store, auth=False),
        ):
            child.start()
            stack.callback(child.stop)
            child.wait_ready()
        secret = Path(root) / "secret"
        secret.write_text("bench")
        bus = NatsSettings(url=f"nats://{LOOPBACK}:{port}", user="provision", password=f"file:{secret}")
        asyncio.run(_connected(bus, lambda broker: provision(broker, bus)))
        for number, count in enumerate([arguments.events, *arguments.holes]):
            settings = MongoSettings(uri=f"mongodb://{LOOPBACK}:{store}", database=f"bench{number}")
            if number:
                asyncio.run(_hole(bus, settings, count, out))
            elif arguments.pairs:
                asyncio.run(_nothing_missing(bus, settings, count, arguments.pairs, out))
                asyncio.run(_connected(bus, lambda broker: jetstream(broker).purge_stream(_STREAM)))


if __name__ == "__main__":
    main()

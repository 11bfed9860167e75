"""Makes AOC_RAW a work queue where an older version left it as a stream with limits. Resumable at every step.

A stream's retention cannot be changed in place. So what is not settled is copied aside, the stream is deleted and made
anew, and the pages are put back with their headers and the sequence that they had, by which the events that an older
normalizer had stored of them are recognised. The state is in the streams themselves:

1. AOC_RAW has limits: pages are copied to AOC_RAW_MOVING, from where the last copy ends; `aoc.moving.done` closes it.
2. AOC_RAW_MOVING is closed: the old AOC_RAW is deleted, the new one is made.
3. AOC_RAW_MOVING has pages: each is put on AOC_RAW, noted in the ledger, and then acknowledged.
4. AOC_RAW_MOVING has none: it is deleted.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from aoc_common.bus.broker import connection, jetstream
from aoc_common.bus.consume import reading
from aoc_common.bus.provision import provision
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.bus.pull import Pull
from aoc_common.bus.streams import check_version, stream_config
from aoc_common.contracts import subjects
from aoc_common.contracts.event import header_safe
from aoc_common.contracts.raw import SEQUENCE_BEFORE, RawPage
from aoc_common.errors import BadConfiguration, Malformed, Unreachable
from aoc_common.store.ports import PublishedPage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from faststream.nats import NatsBroker
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

    from aoc_common.clock import Clock
    from aoc_common.settings import NatsSettings
    from aoc_common.store.ports import LedgerStore

MOVING: Final = "AOC_RAW_MOVING"
_FROZEN: Final = "aoc.moving.frozen"
_PAGES: Final = "aoc.moving.page.*.*"
_DONE: Final = "aoc.moving.done"
_MOVER: Final = "mover"
#: The consumer of AOC_RAW before it had parts.
_OLD_CONSUMER: Final = "normalizer"
#: Pages that are moved together; each has at most 512 KiB.
_TOGETHER: Final = 32
_WAIT_S: Final = 1.0
_POLL_S: Final = 1.0


class Migration:
    """One migration. `say` is told what happens, a line each."""

    def __init__(
        self, broker: NatsBroker, ledger: LedgerStore, settings: NatsSettings, clock: Clock, say: Callable[[str], None]
    ) -> None:
        self._broker = broker
        self._js: JetStreamContext = jetstream(broker)
        self._ledger = ledger
        self._settings = settings
        self._clock = clock
        self._say = say

    async def needed(self) -> bool:
        """Whether there is anything to migrate, or a migration that was broken off. Raises `Unreachable`."""
        raw = await stream_config(self._js, subjects.RAW_STREAM)
        return (raw is not None and not _is_queue(raw)) or await stream_config(self._js, MOVING) is not None

    async def run(self, patience_s: float = 600.0) -> int:
        """Migrate; the number of pages that were moved. Does nothing when nothing is to be done.

        Waits up to `patience_s` for services of the older version to end. Raises `BadConfiguration` when they do not,
        `Unreachable` when a server is away; run it again then.
        """
        check_version(connection(self._broker))
        try:
            raw = await stream_config(self._js, subjects.RAW_STREAM)
            if raw is not None and not _is_queue(raw):
                await self._wait_for_silence(patience_s)
                await self._copy_aside(raw)
                await self._js.delete_stream(subjects.RAW_STREAM)
                self._say(f"{subjects.RAW_STREAM}: the old stream is deleted")
            if await stream_config(self._js, MOVING) is None:
                return 0
            for line in await provision(self._broker, self._settings, only=[subjects.RAW_STREAM]):
                self._say(line)
            moved = await self._put_back()
            await self._js.delete_stream(MOVING)
        except (APIError, NatsError, TimeoutError) as error:
            raise Unreachable(f"migration: {error or type(error).__name__}; run it again") from error
        self._say(f"{subjects.RAW_STREAM}: migrated, {moved} pages were waiting")
        return moved

    async def _wait_for_silence(self, patience_s: float) -> None:
        """No service of an older version may be at work: its normalizer would settle pages that are being copied."""
        started = self._clock.monotonic()
        while busy := await self._at_work():
            if self._clock.monotonic() - started > patience_s:
                raise BadConfiguration(f"{', '.join(busy)}: still at work; stop every service, then migrate again")
            self._say(f"waiting for services to end: {', '.join(busy)}")
            await self._clock.sleep(_POLL_S)

    async def _at_work(self) -> list[str]:
        """Consumers that somebody waits at."""
        found: list[str] = []
        for stream in (subjects.RAW_STREAM, subjects.JOBS_STREAM):
            try:
                infos = await self._js.consumers_info(stream)
            except NotFoundError:
                continue
            found += [info.name for info in infos if info.num_waiting]
        return found

    async def _copy_aside(self, raw: StreamConfig) -> None:
        if raw.subjects != [_FROZEN]:
            # From here on nobody can put a page on the old stream.
            await self._js.update_stream(replace(raw, subjects=[_FROZEN]))
        copied = await self._copied_until()
        if copied is None:
            return
        async with reading(self._broker, subjects.RAW_STREAM, await self._from(copied)) as pull:
            # The stream has whole pages only from here to its end: nothing is added any more.
            last = (await self._js.stream_info(subjects.RAW_STREAM)).state.last_seq
            while messages := await pull.batch(_TOGETHER, _WAIT_S):
                await self._copy(messages)
                if messages[-1].metadata.sequence.stream >= last:
                    break
        await publish_all(self._js, MOVING, [Outgoing(_DONE, b"", {})])

    async def _from(self, copied: int) -> ConsumerConfig:
        """Reads what the old consumer had not acknowledged yet, and was not copied yet."""
        try:
            info = await self._js.consumer_info(subjects.RAW_STREAM, _OLD_CONSUMER)
            floor = info.ack_floor.stream_seq if info.ack_floor else 0
        except NotFoundError:
            floor = 0
        return ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=max(floor, copied) + 1)

    async def _copied_until(self) -> int | None:
        """The sequence of the last page that was copied aside; None when all were."""
        if await stream_config(self._js, MOVING) is None:
            await self._js.add_stream(
                StreamConfig(
                    name=MOVING,
                    description="Pages on their way to the new AOC_RAW. Goes when all are there.",
                    subjects=[_PAGES, _DONE],
                    retention=RetentionPolicy.WORK_QUEUE,
                    storage=StorageType.FILE,
                    num_replicas=self._settings.replicas,
                )
            )
            return 0
        last = (await self._js.stream_info(MOVING)).state.last_seq
        if not last:
            return 0
        message = await self._js.get_msg(MOVING, last)
        return None if message.subject == _DONE else int((message.headers or {})[SEQUENCE_BEFORE])

    async def _copy(self, messages: Sequence[Msg]) -> None:
        keys = {
            message.metadata.sequence.stream: (
                (message.headers or {}).get("Aoc-Slice", ""),
                str(message.metadata.sequence.stream),
            )
            for message in messages
        }
        settled = await self._ledger.settled(keys.values())
        copies = []
        for message in messages:
            sequence = message.metadata.sequence.stream
            if keys[sequence] not in settled:
                headers = {**(message.headers or {}), SEQUENCE_BEFORE: str(sequence)}
                headers.pop("Nats-Msg-Id", None)
                copies.append(Outgoing(_aside(message), message.data, headers))
        await publish_all(self._js, MOVING, copies)

    async def _put_back(self) -> int:
        """Every page that was copied aside, on the new stream."""
        await self._js.add_consumer(
            MOVING, ConsumerConfig(durable_name=_MOVER, filter_subject=_PAGES, ack_policy=AckPolicy.EXPLICIT)
        )
        pull = Pull(connection(self._broker), MOVING, _MOVER)
        await pull.open()
        moved = 0
        try:
            while (info := await self._js.consumer_info(MOVING, _MOVER)).num_pending or info.num_ack_pending:
                messages = await pull.batch(_TOGETHER, _WAIT_S)
                await self._publish(messages)
                for message in messages:
                    await message.ack_sync()
                moved += len(messages)
        finally:
            await pull.close()
        return moved

    async def _publish(self, messages: Sequence[Msg]) -> None:
        pages: list[RawPage] = []
        for message in messages:
            try:
                pages.append(_page(message.headers or {}, message.data))
            except Malformed as error:
                await publish_all(self._js, subjects.DLQ_STREAM, [_dead_letter(message, str(error))])
        outgoing = [Outgoing(page.subject, page.body, page.headers()) for page in pages]
        acks = await publish_all(self._js, subjects.RAW_STREAM, outgoing)
        now = self._clock.now()
        await self._ledger.note_pages(
            [
                PublishedPage(page.id, page.tenant, page.source, page.slice_id, ack.seq, now)
                for page, ack in zip(pages, acks, strict=True)
            ]
        )


def _is_queue(config: StreamConfig) -> bool:
    return config.retention == RetentionPolicy.WORK_QUEUE


def _aside(message: Msg) -> str:
    return f"aoc.moving.page.{'.'.join(message.subject.split('.')[-2:])}"


def _page(headers: Mapping[str, str], body: bytes) -> RawPage:
    """A page as an older version put it on the bus. Raises `Malformed`."""
    try:
        fetched_at = datetime.fromisoformat(headers["Aoc-Fetched-At"])
        page = RawPage(
            subjects.check_tenant(headers["Aoc-Tenant"]),
            headers["Aoc-Source"],
            headers["Aoc-Slice"],
            fetched_at,
            body,
            "Aoc-Behind" in headers,
            int(headers[SEQUENCE_BEFORE]),
        )
        # What the normalizer would refuse is refused here.
        return RawPage.from_message(page.subject, page.headers(), body)
    except (KeyError, ValueError) as error:
        raise Malformed(f"raw page of an older version: {error}") from None


def _dead_letter(message: Msg, reason: str) -> Outgoing:
    headers = {**(message.headers or {}), "Aoc-Reason": header_safe(reason), "Aoc-Subject": message.subject}
    return Outgoing(subjects.dead_letter("normalizer", "unknown"), message.data, headers)

"""Makes AOC_RAW a work queue where an older version left it as a stream with limits. Resumable at every step.

A stream's retention cannot be changed in place. So what is not settled is copied aside, the stream is deleted and made
anew, and the pages are put back with their headers and the sequence that they had, by which the events that an older
normalizer had stored of them are recognised. The state is in the streams themselves:

1. AOC_RAW has limits: pages are copied to AOC_RAW_MOVING, from where the last copy ends; `aoc.moving.done` closes it,
   and says up to where, so that what an older service that was started again puts there is copied too.
2. AOC_RAW_MOVING is closed: the old AOC_RAW is deleted, the new one is made.
3. AOC_RAW_MOVING has pages: each is put on AOC_RAW, noted in the ledger, and then acknowledged.
4. AOC_RAW_MOVING has none: it is deleted.

Only one process migrates at a time (`MigrationLease`): a second would delete the stream that the first has made anew.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from aoc_common.bus.broker import connection, jetstream
from aoc_common.bus.consume import reading
from aoc_common.bus.dead_letters import dead_letter
from aoc_common.bus.provision import provision
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.bus.pull import Pull
from aoc_common.bus.streams import check_version, stream_config
from aoc_common.contracts import subjects
from aoc_common.contracts.event import header_safe
from aoc_common.contracts.raw import SEQUENCE_BEFORE, RawPage
from aoc_common.errors import BadConfiguration, Malformed, Unreachable
from aoc_common.store.pages import PublishedPage, PublishedPages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from faststream.nats import NatsBroker
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

    from aoc_common.clock import Clock
    from aoc_common.contracts.dead_letters import DeadLetter
    from aoc_common.settings import NatsSettings
    from aoc_common.store.dead_letters import DeadLetterStore

MOVING: Final = subjects.MOVING_STREAM
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


class MigrationLease(Protocol):
    """The right to migrate. Both may raise `Transient`."""

    async def take(self, now: datetime) -> bool:
        """Take it, or keep it; False when another process has it."""
        ...

    async def give_back(self) -> None:
        """Let others have it."""
        ...


class MigratedPages(PublishedPages, Protocol):
    """What is asked of the ledger."""

    async def settled(self, pages: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of these pages (slice id, page) that the normalizer is done with; not those that it gave up."""
        ...


class Migration:
    """One migration. `report` is called with each step, a line each.

    `quiet_s`: so long nobody may be seen at work before it begins: who is in the middle of something asks for nothing.
    """

    def __init__(
        self,
        broker: NatsBroker,
        ledger: MigratedPages,
        settings: NatsSettings,
        clock: Clock,
        report: Callable[[str], None],
        lease: MigrationLease,
        letters: DeadLetterStore,
        quiet_s: float = 10.0,
    ) -> None:
        self._broker = broker
        self._js: JetStreamContext = jetstream(broker)
        self._ledger = ledger
        self._settings = settings
        self._clock = clock
        self._report = report
        self._lease = lease
        self._letters = letters
        self._quiet_s = quiet_s

    async def needed(self) -> bool:
        """Whether there is anything to migrate, or a migration that was broken off. Raises `Unreachable`."""
        raw = await stream_config(self._js, subjects.RAW_STREAM)
        return (raw is not None and not _is_queue(raw)) or await self.broken_off()

    async def broken_off(self) -> bool:
        """Whether a migration was begun and not ended. Raises `Unreachable`."""
        return await stream_config(self._js, MOVING) is not None

    async def run(self, patience_s: float = 600.0) -> int:
        """Migrate; the number of pages that were moved. Does nothing when nothing is to be done.

        Waits up to `patience_s` for services of the older version to end. Raises `BadConfiguration` when they do not,
        `Unreachable` when a server is away; run it again then.
        """
        check_version(connection(self._broker))
        try:
            if not await self.needed():
                return 0
            await self._alone(patience_s)
            try:
                return await self._migrate(patience_s)
            finally:
                await self._lease.give_back()
        except (APIError, NatsError, TimeoutError) as error:
            raise Unreachable(f"migration: {error or type(error).__name__}; run it again") from error

    async def _migrate(self, patience_s: float) -> int:
        raw = await stream_config(self._js, subjects.RAW_STREAM)
        if raw is not None and not _is_queue(raw):
            await self._wait_for_silence(patience_s)
            last = await self._copy_out(raw)
            await self._still_alone()
            await self._delete_old(last)
        if await stream_config(self._js, MOVING) is None:
            return 0
        for line in await provision(self._broker, self._settings, only=[subjects.RAW_STREAM]):
            self._report(line)
        moved = await self._put_back()
        await self._still_alone()
        await self._js.delete_stream(MOVING)
        self._report(f"{subjects.RAW_STREAM}: migrated, {moved} pages were waiting")
        return moved

    async def _alone(self, patience_s: float) -> None:
        started, reported = self._clock.monotonic(), False
        while not await self._lease.take(self._clock.now()):
            if self._clock.monotonic() - started > patience_s:
                raise BadConfiguration("another migration is under way; let it end, or run this one again later")
            if not reported:
                reported = True
                self._report("waiting for another migration to end, or for a minute if it was killed")
            await self._clock.sleep(_POLL_S)

    async def _still_alone(self) -> None:
        if not await self._lease.take(self._clock.now()):
            raise Unreachable("migration: another process has taken it over; run it again")

    async def _delete_old(self, last: int) -> None:
        """`last`: the sequence up to which it was copied. Raises `BadConfiguration` when there is more by now."""
        info = await self._js.stream_info(subjects.RAW_STREAM)
        if _is_queue(info.config):
            return
        if info.config.subjects != [_FROZEN] or info.state.last_seq > last:
            raise BadConfiguration(
                f"{subjects.RAW_STREAM}: a service of the version before was started meanwhile and has put its stream "
                "back; stop it, then migrate again"
            )
        await self._js.delete_stream(subjects.RAW_STREAM)
        self._report(f"{subjects.RAW_STREAM}: the old stream is deleted")

    async def _wait_for_silence(self, patience_s: float) -> None:
        """No service of an older version may be at work: its normalizer would settle pages that are being copied."""
        started = quiet_since = self._clock.monotonic()
        before: dict[str, int] | None = None
        while True:
            waiting, progress = await self._at_work()
            now = self._clock.monotonic()
            moving = [name for name in progress if before is not None and progress[name] != before.get(name)]
            if waiting or moving:
                quiet_since = now
            elif now - quiet_since >= self._quiet_s:
                return
            if now - started > patience_s + self._quiet_s:
                names = ", ".join(waiting or moving)
                raise BadConfiguration(f"{names}: still at work; stop every service, then migrate again")
            if waiting:
                self._report(f"waiting for services to end: {', '.join(waiting)}")
            before = progress
            await self._clock.sleep(_POLL_S if waiting else min(_POLL_S, self._quiet_s))

    async def _at_work(self) -> tuple[list[str], dict[str, int]]:
        """Consumers that somebody waits at; of each how far it is: who is in the middle of a batch waits for none."""
        waiting: list[str] = []
        progress: dict[str, int] = {}
        for stream in (subjects.RAW_STREAM, subjects.JOBS_STREAM):
            try:
                infos = await self._js.consumers_info(stream)
            except NotFoundError:
                continue
            waiting += [info.name for info in infos if info.num_waiting]
            for info in infos:
                done = (info.delivered, info.ack_floor)
                progress[info.name] = sum(position.consumer_seq for position in done if position) - (
                    info.num_ack_pending or 0
                )
        return waiting, progress

    async def _copy_out(self, raw: StreamConfig) -> int:
        """Copy what is not settled; the sequence up to which that is done."""
        if raw.subjects != [_FROZEN]:
            # From here on nobody can put a page on the old stream.
            await self._js.update_stream(replace(raw, subjects=[_FROZEN]))
        last = (await self._js.stream_info(subjects.RAW_STREAM)).state.last_seq
        copied, closed = await self._copied_until()
        if closed and copied >= last:
            return copied
        async with reading(self._broker, subjects.RAW_STREAM, await self._from(copied)) as pull:
            read = 0
            while messages := await pull.batch(_TOGETHER, _WAIT_S):
                for message in messages:
                    read += 1
                    if message.metadata.sequence.consumer != read:
                        raise Unreachable("migration: pages went astray on their way here; run it again")
                await self._still_alone()
                await self._copy(messages)
                if messages[-1].metadata.sequence.stream >= last:
                    break
            await self._check_delivered(pull.consumer, read)
        await publish_all(self._js, MOVING, [Outgoing(_DONE, b"", {SEQUENCE_BEFORE: str(last)})])
        return last

    async def _check_delivered(self, consumer: str, read: int) -> None:
        """Raises `Unreachable` when the reading ended early: an answer was lost, not the end reached."""
        info = await self._js.consumer_info(subjects.RAW_STREAM, consumer)
        delivered = info.delivered.consumer_seq if info.delivered else 0
        if info.num_pending or delivered != read:
            raise Unreachable(f"migration: {read} pages came of {delivered + (info.num_pending or 0)}; run it again")

    async def _from(self, copied: int) -> ConsumerConfig:
        """Reads what the old consumer had not acknowledged yet, and was not copied yet."""
        try:
            info = await self._js.consumer_info(subjects.RAW_STREAM, _OLD_CONSUMER)
            floor = info.ack_floor.stream_seq if info.ack_floor else 0
        except NotFoundError:
            floor = 0
        return ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=max(floor, copied) + 1)

    async def _copied_until(self) -> tuple[int, bool]:
        """The sequence up to which pages were copied aside, and whether that was said to be all."""
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
            return 0, False
        last = (await self._js.stream_info(MOVING)).state.last_seq
        if not last:
            return 0, False
        message = await self._js.get_msg(MOVING, last)
        return int((message.headers or {})[SEQUENCE_BEFORE]), message.subject == _DONE

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
                copies.append(Outgoing(_moving_subject(message), message.data, headers))
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
                # On record first: a stream drops by age, and nobody is asked.
                await self._letters.put(_letter(message, str(error), self._clock.now()), 1, "")
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


def _moving_subject(message: Msg) -> str:
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


def _letter(message: Msg, reason: str, at: datetime) -> DeadLetter:
    """The page as it would be tried again: on the new stream, where its subject allows that."""
    made = dead_letter("normalizer", message, f"Malformed: {reason}", at)
    try:
        subject = subjects.raw(made.tenant, made.source)
    except Malformed:
        subject = message.subject
    return replace(made, stream=subjects.RAW_STREAM, subject=subject, retry_of="")


def _dead_letter(message: Msg, reason: str) -> Outgoing:
    headers = {**(message.headers or {}), "Aoc-Reason": header_safe(reason), "Aoc-Subject": message.subject}
    return Outgoing(subjects.dead_letter("normalizer", "unknown"), message.data, headers)

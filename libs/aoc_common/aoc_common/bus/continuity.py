"""Sees to it that a reader misses nothing: compares its checkpoint with the stream, and fills holes.

*The checkpoint moves on only while the stream still holds all that is behind it.* A consumer passes over what the
stream has dropped without a word, and its acknowledgement floor with it. So it is asked first, and then the stream:
only if that still begins at the checkpoint's position, nothing was passed over, and all up to the floor was handled.
Else what lies between is a hole, and is delivered from the store, portion by portion; the checkpoint keeps its place
after each.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError

from aoc_common.bus.broker import jetstream
from aoc_common.bus.readers import first_unread, view
from aoc_common.contracts.publications import Position, Range
from aoc_common.contracts.reading import MOST_SOUGHT, UnnotedHole, accounted, filled, hole_in
from aoc_common.errors import AocError, BadConfiguration, Unreachable
from aoc_common.telemetry import logs, metrics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from faststream.nats import NatsBroker
    from nats.js.api import ConsumerInfo

    from aoc_common.bus.readers import Checkpoints, Log, Reader
    from aoc_common.clock import Clock
    from aoc_common.contracts.reading import Checkpoint, Portion, StoredMessage, StreamView

_log = logs.get(__name__)

type MayLeave = Callable[[int, int], bool]
"""Whether so many messages may be left for later that were not handled, after so many tries."""
type Deliver = Callable[[Sequence[StoredMessage], str, MayLeave], Awaitable[Sequence[StoredMessage]]]
"""Has these messages of an incarnation handled, however long that takes; those that were left for later."""

#: Between two looks, in seconds: what was handled since the last one is delivered again when the consumer is lost.
LOOK_S: Final = 1.0
#: For how long a replica that says nothing is believed to be filling a hole, and how often it says so.
_LEASE: Final = timedelta(seconds=60)
_RENEW_S: Final = 15.0
#: After so many tries what fails, while what was read with it does not, holds up a hole no longer: it is sought.
_TRIES: Final = 3
#: Ranges that are sought at a look.
_SOUGHT_TOGETHER: Final = 20


class _LostError(Exception):
    """Another replica has changed the checkpoint: it fills the hole."""


class Continuity:
    """The checkpoint of one reader, kept by one replica of it. `run` it beside the reading.

    `open` is set while nothing is known to lack: only then events of the stream are to be handled. `trouble` is why the
    checkpoint cannot be kept; None when it can.
    """

    def __init__(
        self,
        broker: NatsBroker,
        reader: Reader,
        checkpoints: Checkpoints,
        log: Log[StoredMessage],
        deliver: Deliver,
        clock: Clock,
    ) -> None:
        self.open = asyncio.Event()
        self.trouble: str | None = "not looked yet"
        self.portions = 0
        self._broker = broker
        self._reader = reader
        self._consumer = reader.consumer
        self._checkpoints = checkpoints
        self._log = log
        self._deliver = deliver
        self._clock = clock
        self._replica = token_hex(8)
        self._stopping = asyncio.Event()
        self._before: StreamView | None = None
        #: Of the stream, as of the last look at which nothing lacked.
        self.incarnation = ""

    async def run(self) -> None:
        """Look until told to stop, and once more then: what was handled until then is not delivered again."""
        while not self._stopping.is_set():
            await self._looked()
            await self._pause(LOOK_S)
        await self._looked()

    async def _looked(self) -> None:
        """Look until nothing lacks. What fails is tried again at the next look."""
        try:
            while await self.look():
                pass
        except (AocError, NatsError, TimeoutError) as error:
            self._failed(error)
        except _LostError:
            pass
        except Exception as error:  # noqa: BLE001  # reported with its traceback
            # A defect of ours must not end the checkpoint in silence.
            self.trouble = f"{type(error).__name__}: {error}"
            _log.exception("reader.failed", reader=self._reader.checkpoint)

    def stop(self) -> None:
        """End after what is in work."""
        self._stopping.set()

    async def look(self) -> bool:
        """Compare the checkpoint with the stream; whether a hole was worked on, so that one has to look at once again.

        Raises `Transient`, and `BadConfiguration` for a reader that `provision` has not made.
        """
        state = await self._checkpoints.read(self._reader.checkpoint)
        if state is None:
            raise BadConfiguration(f"reader {self._reader.checkpoint} has no checkpoint; run: aoc provision")
        if state.hole is not None:
            return await self._fill(state)
        # In this order: what the consumer says is proven by what the stream says after it.
        info = await self._consumer_info()
        stream = await view(jetstream(self._broker), self._reader.stream)
        if (hole := hole_in(state, stream, self._clock.now())) is not None:
            self.open.clear()
            self._before = None
            metrics.READER_HOLES.labels(self._reader.checkpoint, hole.reason).inc()
            _log.warning(
                "reader.hole_found", reader=self._reader.checkpoint, reason=hole.reason, **_span(hole.after, hole.upto)
            )
            return await self._fill(replace(state, hole=hole, head=stream.last, deleted=stream.deleted))
        await self._advance(state, stream, info)
        self._before = stream
        return False

    async def _consumer_info(self) -> ConsumerInfo:
        name = self._reader.name
        try:
            info: ConsumerInfo = await jetstream(self._broker).consumer_info(self._consumer.stream, name)
        except (NatsError, TimeoutError) as error:
            raise Unreachable(f"consumer {name}: {error or type(error).__name__} (run: aoc provision)") from error
        if grave := [str(difference) for difference in self._consumer.differences(info) if difference.grave]:
            raise BadConfiguration(f"consumer {name}: {'; '.join(grave)}; run: aoc provision")
        return info

    async def _advance(self, state: Checkpoint, stream: StreamView, info: ConsumerInfo) -> None:
        """Move the checkpoint on to what was handled, and seek what was not accounted for."""
        if (info.config.opt_start_seq or 1) > first_unread(state, stream):
            raise BadConfiguration(f"consumer {info.name} begins behind what is not read yet; run: aoc provision")
        handled = info.ack_floor.stream_seq if info.ack_floor else 0
        before = self._before
        if before is not None and before.incarnation == stream.incarnation and not _has_work(info):
            # All that the stream held at the look before was delivered since, or is for others.
            handled = max(handled, before.last)
        self.incarnation = stream.incarnation
        position = max(state.position, Position(stream.incarnation, min(handled, stream.last)))
        after = replace(state, position=position, head=stream.last, deleted=stream.deleted)
        self.open.set()
        self.trouble = None
        if after != state:
            # Another replica that was quicker seeks, too.
            after = await self._written(after)
        if after.sought:
            await self._seek(after)

    async def _fill(self, state: Checkpoint) -> bool:
        """Fill a hole, or go on where another replica was killed; False while another one is at it."""
        self.open.clear()
        self.trouble = None
        now = self._clock.now()
        if state.filler not in ("", self._replica) and state.filler_until is not None and state.filler_until > now:
            return False
        name = self._reader.checkpoint
        with metrics.READER_FILLING.labels(name).track_inprogress():
            state = await self._written(replace(state, filler=self._replica, filler_until=now + _LEASE))
            while (hole := state.hole) is not None and not self._stopping.is_set():
                portion = await self._log.portion(hole.after, hole.upto, self._reader.event_filter, self._reader.batch)
                state, left = await self._handled(state, portion)
                done = _without(portion, left)
                state = await self._written(_bounded(filled(state, done, self._clock.now()), name))
                self._count(done)
        if state.hole is not None:  # told to stop: another replica may go on at once
            await self._checkpoints.write(replace(state, filler="", filler_until=None))
            return False
        if state.past:
            hole = state.past[-1]
            _log.log(
                40 if hole.missing else 30,
                "reader.hole_filled",
                reader=name,
                reason=hole.reason,
                filled=hole.filled,
                missing=hole.missing,
                unaccounted=hole.unaccounted,
            )
        return True

    async def _handled(
        self, state: Checkpoint, portion: Portion[StoredMessage]
    ) -> tuple[Checkpoint, Sequence[StoredMessage]]:
        """Have a portion handled, and go on saying meanwhile that this replica does it; what was left for later.

        Raises `_LostError`.
        """
        if not portion.messages:
            return state, ()
        room = min(MOST_SOUGHT - len(state.sought) - len(portion.unaccounted), len(portion.messages) - 1)
        leaving = self._deliver(
            portion.messages, portion.incarnation, lambda left, tries: tries >= _TRIES and left <= room
        )
        work = asyncio.ensure_future(leaving)
        try:
            while not (await asyncio.wait({work}, timeout=_RENEW_S))[0]:
                state = await self._written(replace(state, filler_until=self._clock.now() + _LEASE))
            return state, work.result()
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _seek(self, state: Checkpoint) -> None:
        """Look whether somebody has noted meanwhile what sequences held that nobody accounted for."""
        some = state.sought[:_SOUGHT_TOGETHER]
        # Before the log is read: whoever is settled by then has noted what he published.
        final = not await self._log.unsettled(max(sought.since for sought in some))
        looked_up: list[tuple[UnnotedHole, Portion[StoredMessage]]] = []
        for sought in some:
            portion = await self._log.portion(
                Position(sought.range.incarnation, sought.range.first - 1),
                Position(sought.range.incarnation, sought.range.last),
                self._reader.event_filter,
                self._reader.batch,
            )
            if portion.messages and await self._deliver(portion.messages, portion.incarnation, _at_once):
                continue  # it comes again
            self._count(portion)
            rest = [*portion.unaccounted, *_behind(sought.range, portion.after)]
            looked_up.append((sought, replace(portion, unaccounted=tuple(rest))))
        after = accounted(state, looked_up)
        if final:
            given_up = [
                sought
                for sought in after.sought
                if sought.since in {of.since for of in some} and _done(sought, looked_up)
            ]
            after = replace(after, sought=tuple(sought for sought in after.sought if sought not in given_up))
            _give_up(self._reader.checkpoint, given_up)
        elif after.sought == state.sought:
            # The others have their turn at the next look.
            after = replace(after, sought=(*after.sought[len(some) :], *after.sought[: len(some)]))
        if after != state:
            await self._written(after)

    async def _written(self, state: Checkpoint) -> Checkpoint:
        if not await self._checkpoints.write(state):
            raise _LostError
        return replace(state, revision=state.revision + 1)

    def _count(self, portion: Portion[StoredMessage]) -> None:
        self.portions += 1
        metrics.READER_EVENTS.labels(self._reader.checkpoint, "store").inc(len(portion.messages))
        metrics.READER_LOST.labels(self._reader.checkpoint, "missing").inc(portion.missing)

    def _failed(self, error: Exception) -> None:
        why = str(error) or type(error).__name__
        if why != self.trouble:
            _log.warning("reader.look_failed", reader=self._reader.checkpoint, error=why)
        self.trouble = why

    async def _pause(self, seconds: float) -> None:
        stop = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({stop}, timeout=seconds)
        stop.cancel()


def _at_once(_left: int, _tries: int) -> bool:
    return True


def _without(portion: Portion[StoredMessage], left: Sequence[StoredMessage]) -> Portion[StoredMessage]:
    """The portion without these messages, whose places are to be sought."""
    places = [Range(portion.incarnation, one.sequence, one.sequence) for one in left]
    aside = set(map(id, left))
    handled = [one for one in portion.messages if id(one) not in aside]
    return replace(portion, messages=handled, unaccounted=(*portion.unaccounted, *places))


def _has_work(info: ConsumerInfo) -> bool:
    return bool(info.num_pending or info.num_ack_pending)


def _behind(range_: Range, after: Position | None) -> list[Range]:
    """The rest of a range that was read in part."""
    return [] if after is None else [replace(range_, first=after.sequence + 1)]


def _done(sought: UnnotedHole, looked_up: Sequence[tuple[UnnotedHole, Portion[StoredMessage]]]) -> bool:
    """Whether a range was read to its end, so that nobody has noted what it held."""
    return any(sought.range in portion.unaccounted and portion.after is None for _, portion in looked_up)


def _bounded(state: Checkpoint, name: str) -> Checkpoint:
    """The checkpoint with as many ranges as it may hold: the rest is not sought, and said to be lost."""
    left_out, retained = state.sought[:-MOST_SOUGHT], state.sought[-MOST_SOUGHT:]
    _give_up(name, left_out)
    return replace(state, sought=retained) if left_out else state


def _give_up(name: str, sought: Sequence[UnnotedHole]) -> None:
    for entry in sought:
        count = entry.range.last - entry.range.first + 1
        metrics.READER_LOST.labels(name, "unaccounted").inc(count)
        _log.error(
            "reader.unaccounted", reader=name, incarnation=entry.range.incarnation, first=entry.range.first, count=count
        )


def _span(after: Position, upto: Position) -> dict[str, str]:
    return {name: f"{at.incarnation}/{at.sequence}" for name, at in (("after", after), ("upto", upto))}

"""Publishing a page's events once: in atomic batches, each with a mark that the stream takes only once.

A batch ends with a *mark*: a message on `aoc.marks.{page}.{number}` that is refused when that subject has a message
already, and with it the whole batch (ADR-50 of nats-server's makers: checks hold for the batch). So a page's batch
stands in AOC_EVENTS once, for as long as the stream holds it, whoever publishes: a replica that comes back from
the dead after another has taken its page over, or this one after an acknowledgement that got lost. No memory of message
ids is needed, and no bound on time. A mark's body is the ids of the events before it: what a return finds there.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError, NoRespondersError
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError

from aoc_common.bus.broker import connection, jetstream
from aoc_common.bus.consume import reading
from aoc_common.bus.publish import classify
from aoc_common.bus.streams import check_version
from aoc_common.contracts import subjects
from aoc_common.contracts.publications import incarnation
from aoc_common.errors import BadConfiguration, Permanent, Transient, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from faststream.nats import NatsBroker
    from nats.aio.msg import Msg

    from aoc_common.bus.publish import Outgoing

#: Messages and bytes of a batch; nats-server takes 1,000 messages, the mark among them, and holds them in memory.
_MOST: Final = 999
_MOST_BYTES: Final = 4 * 1024 * 1024
#: Batches under way at once; nats-server refuses the 51st of a stream, and there may be many replicas.
_AT_ONCE: Final = 4
_TIMEOUT_S: Final = 10.0
#: How often a page is looked at again because somebody else published some of it meanwhile.
_ROUNDS: Final = 5
_PAUSE_S: Final = 0.1
_READ_S: Final = 1.0
_ID: Final = "Nats-Msg-Id"

# JetStream error codes (nats-server, errors.json)
_MARK_EXISTS: Final = 10071  # wrong last sequence
_ID_EXISTS: Final = 10201  # atomic publish batch contains duplicate message id
_NOT_ATOMIC: Final = 10174  # atomic publish is disabled


@dataclass(frozen=True, slots=True)
class PageEvents:
    """The events of one page that are to be published. `returned`: some of it may have been published before.

    `since`: it is a page of before there were marks, and was published after that moment if at all.
    """

    page: str
    messages: Sequence[Outgoing]
    returned: bool = False
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A batch of a page as it stands in AOC_EVENTS: the sequence of the first message, and the ids of all, in order."""

    first: int
    ids: tuple[str, ...]

    @property
    def last(self) -> int:
        """The sequence of the last message; the batch's mark follows it."""
        return self.first + len(self.ids) - 1


@dataclass(frozen=True, slots=True)
class Published:
    """Where a page's events stand in AOC_EVENTS, batch by batch.

    `already_published`: events that were in the stream before this call. `incarnation`: which stream of that name it
    was (`contracts.publications`): sequences are compared only within one.
    """

    parts: tuple[Part, ...] = ()
    already_published: int = 0
    incarnation: str = ""

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """Sequences of the first and the last event of each batch, both inclusive."""
        return tuple((part.first, part.last) for part in self.parts)


@dataclass(slots=True)
class _State:
    """What of a page stands in the stream. `sent`: how many of these this call has published."""

    ids: set[str] = field(default_factory=set)
    parts: list[Part] = field(default_factory=list)
    next_number: int = 0
    sent: int = 0


class _ExistsError(Exception):
    """A batch was refused since a mark or an id of it is known."""


class EventPublisher:
    """Publishes on AOC_EVENTS. The broker must be connected."""

    def __init__(self, broker: NatsBroker) -> None:
        self._broker = broker
        self._connection = connection(broker)
        self._stream = subjects.EVENTS_STREAM
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._incarnation: str | None = None

    async def publish(self, pages: Sequence[PageEvents]) -> list[Published]:
        """Publish what of these pages does not stand in the stream yet; where each stands, in the order of the pages.

        Raises `Transient`, or `Permanent` for a message that is never taken; what has been published then stays, and a
        repetition with `returned` publishes the rest.
        """
        if not any(page.messages for page in pages):
            return [Published() for _ in pages]
        already: list[int] | None = None
        for _ in range(_ROUNDS):
            before = self._incarnation or await self._present_incarnation()
            results = await self._each(pages)
            already = [result.already_published for result in results] if already is None else already
            # It was the same stream before and after, so in between.
            self._incarnation = await self._present_incarnation()
            if self._incarnation == before:
                counted = zip(results, already, strict=True)
                return [replace(result, already_published=count, incarnation=before) for result, count in counted]
            # Made anew since the last page: what of these stands in which of both is seen by their marks.
            pages = [replace(page, returned=True) for page in pages]
        raise Transient(f"{self._stream} was made anew again and again while events were published")

    async def _each(self, pages: Sequence[PageEvents]) -> list[Published]:
        results = await asyncio.gather(*(self._page(page) for page in pages), return_exceptions=True)
        published: list[Published] = []
        for result in results:
            if isinstance(result, BaseException):
                raise result
            published.append(result)
        return published

    async def _present_incarnation(self) -> str:
        """The present incarnation of the stream. Raises `Unreachable`."""
        try:
            return incarnation((await jetstream(self._broker).stream_info(self._stream)).created)
        except (NatsError, TimeoutError) as error:
            raise Unreachable(f"{self._stream}: {error or type(error).__name__}") from error

    async def _page(self, page: PageEvents) -> Published:
        if not page.messages:
            return Published()
        async with self._slots:
            state = await self._look(page) if page.returned else _State()
            for _ in range(_ROUNDS):
                try:
                    await self._rest(page, state)
                except _ExistsError:
                    # Published by somebody else meanwhile, or by us, and the acknowledgement got lost. A replica of the
                    # stream that answers may be a moment behind.
                    await asyncio.sleep(_PAUSE_S)
                    sent, state = state.sent, await self._look(page)
                    state.sent = sent
                else:
                    return Published(tuple(state.parts), len(page.messages) - state.sent)
            raise Transient(f"{self._stream}: events of page {page.page} are refused as known, and are not there")

    async def _rest(self, page: PageEvents, state: _State) -> None:
        missing = [message for message in page.messages if message.headers[_ID] not in state.ids]
        for batch in _cut(missing):
            ids = [message.headers[_ID] for message in batch]
            last = await self._batch(page.page, state.next_number, batch, ids)
            state.next_number += 1
            state.sent += len(ids)
            state.ids.update(ids)
            state.parts.append(Part(last - len(batch), tuple(ids)))

    async def _batch(self, page: str, number: int, messages: Sequence[Outgoing], ids: Sequence[str]) -> int:
        """Publish one batch and its mark; the mark's sequence."""
        try:
            # At each: after a reconnect it may be another server, which would store event by event what it does not
            # know to be a batch, each time that it is tried.
            check_version(self._connection)
        except BadConfiguration as error:
            raise Unreachable(str(error)) from error
        batch = token_hex(16)
        for position, message in enumerate(messages, start=1):
            headers = {**message.headers, "Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(position)}
            try:
                await self._connection.publish(message.subject, message.body, headers=headers)
            except MaxPayloadError:
                raise Permanent(
                    f"{message.subject}: {len(message.body)} bytes are more than the server takes"
                ) from None
            except NatsError as error:
                raise Unreachable(f"{message.subject}: {error or type(error).__name__}") from error
        headers = {
            "Nats-Batch-Id": batch,
            "Nats-Batch-Sequence": str(len(messages) + 1),
            "Nats-Batch-Commit": "1",
            "Nats-Expected-Last-Subject-Sequence": "0",
        }
        mark = subjects.mark(page, number)
        try:
            answer = await self._connection.request(mark, "\n".join(ids).encode(), _TIMEOUT_S, headers=headers)
        except NoRespondersError:
            raise Unreachable(f"{mark}: no stream takes this subject") from None
        except (NatsError, TimeoutError) as error:
            raise Unreachable(f"{mark}: {error or type(error).__name__}") from error
        return _acknowledged(mark, answer)

    async def _look(self, page: PageEvents) -> _State:
        """What of a page stands in the stream. Raises `Unreachable`."""
        state = _State(ids=await self._unmarked(page))
        for message in await self._last_of_each(subjects.marks_of(page.page)):
            headers = message.headers or {}
            ids = message.data.decode().split("\n")
            last = int(headers["Nats-Sequence"])
            state.ids.update(ids)
            state.parts.append(Part(last - len(ids), tuple(ids)))
            state.next_number = max(state.next_number, int(headers["Nats-Subject"].rsplit(".", 1)[1]) + 1)
        state.parts.sort(key=lambda part: part.first)
        return state

    async def _unmarked(self, page: PageEvents) -> set[str]:
        """Ids of events that an older version published, without marks, where this page's are. Reads them all."""
        ids: set[str] = set()
        if page.since is None:
            return ids
        config = ConsumerConfig(
            filter_subject=f"{page.messages[0].subject.rpartition('.')[0]}.*",
            deliver_policy=DeliverPolicy.BY_START_TIME,
            opt_start_time=page.since,
            headers_only=True,
        )
        async with reading(self._broker, self._stream, config) as pull:
            while messages := await pull.batch(_MOST, _READ_S):
                ids |= {(message.headers or {}).get(_ID, "") for message in messages}
                if not messages[-1].metadata.num_pending:
                    break
        return ids

    async def _last_of_each(self, subjects_filter: str) -> list[Msg]:
        """The last message of each subject that `wanted` covers: one request, answered until an "end of batch"."""
        inbox = self._connection.new_inbox()
        subscription = await self._connection.subscribe(inbox)
        try:
            body = json.dumps({"multi_last": [subjects_filter]}).encode()
            await self._connection.publish(f"$JS.API.DIRECT.GET.{self._stream}", body, reply=inbox)
            messages: list[Msg] = []
            while True:
                message = await subscription.next_msg(_TIMEOUT_S)
                status = (message.headers or {}).get("Status")
                if status is None:
                    messages.append(message)
                elif status in {"204", "404"}:
                    return messages
                else:
                    raise Unreachable(f"{self._stream}: looking for {subjects_filter}: {message.headers}")
        except (NatsError, TimeoutError) as error:
            raise Unreachable(
                f"{self._stream}: looking for {subjects_filter}: {error or type(error).__name__}"
            ) from error
        finally:
            await subscription.unsubscribe()


def _acknowledged(mark: str, answer: Msg) -> int:
    reply = json.loads(answer.data)
    if "error" not in reply:
        return int(reply["seq"])
    error = reply["error"]
    code, text = error.get("err_code"), error.get("description")
    if code in {_MARK_EXISTS, _ID_EXISTS}:
        raise _ExistsError(text)
    if code == _NOT_ATOMIC:
        raise Unreachable(f"{mark}: the stream takes no atomic batches (run: aoc provision)")
    raise classify(APIError(code=error.get("code"), err_code=code, description=text), mark)


def _cut(messages: Sequence[Outgoing]) -> Iterator[list[Outgoing]]:
    batch: list[Outgoing] = []
    size = 0
    for message in messages:
        more = len(message.body)
        if batch and (len(batch) == _MOST or size + more > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += more
    if batch:
        yield batch

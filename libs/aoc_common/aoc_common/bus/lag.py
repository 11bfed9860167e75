"""What waits at every consumer, and the last beat of every instance: one snapshot, by the server's time.

A snapshot costs two requests a stream, however many tenants there are, and one for each reader: of its stream the
consumers are not listed, since tools of others have theirs there, too. In a cluster each stream and each consumer has
a leader of its own, and clocks differ: every answer has its own time, and all are converted to the clock of the leader
of AOC_BEATS, which stamps beats.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.js.api import RetentionPolicy

from aoc_common.bus import consumers
from aoc_common.contracts import subjects
from aoc_common.contracts.beats import Beat
from aoc_common.errors import Malformed, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nats.aio.client import Client

    from aoc_common.bus.consume import Consumer

_TIMEOUT_S: Final = 3.0
#: nats-server, errors.json: there is no such stream; there is no such consumer.
_NO_STREAM: Final = 10059
_NO_CONSUMER: Final = 10014
#: Instances of which a snapshot tells; AOC_BEATS keeps no more.
_MOST: Final = 1_000
_NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ConsumerLag:
    """What the server knows of a consumer. All times are by the clock that stamps beats.

    - `waiting`: messages that were not given to anybody yet; `in_work`: given, and not settled; `redelivered`: given
      more than once, and not settled. `asking`: requests for a message that are open.
    - `taken_at`: when one was last given to somebody; `settled_at`: when one was last acknowledged. None: not since the
      server started. `oldest`: from when the oldest message of the whole stream is, if there is any.
    - `work_queue`: what is settled leaves the stream. Elsewhere its oldest message says nothing of what waits, and
      `oldest` is None.
    """

    service: str
    stream: str
    durable: str
    still_after_s: float
    of_sources: bool = False
    waiting: int = 0
    in_work: int = 0
    redelivered: int = 0
    asking: int = 0
    created: datetime = _NEVER
    taken_at: datetime | None = None
    settled_at: datetime | None = None
    oldest: datetime | None = None
    paused: bool = False
    work_queue: bool = True

    @property
    def lag(self) -> int:
        """Messages that are not settled."""
        return self.waiting + self.in_work


@dataclass(frozen=True, slots=True)
class LastBeat:
    """The last beat of an instance, and when the server got it."""

    service: str
    instance: str
    at: datetime
    beat: Beat


@dataclass(frozen=True, slots=True)
class BusState:
    """What was found at one moment, `at` by the clock that stamps beats.

    `missing`: streams and consumers that are not there.
    """

    at: datetime
    lags: tuple[ConsumerLag, ...] = ()
    seen: tuple[LastBeat, ...] = ()
    missing: tuple[str, ...] = ()


async def bus_state(connection: Client, of: Sequence[Consumer] = consumers.ALL) -> BusState:
    """Take one snapshot, within a bounded time. Raises `Unreachable`, also when this user may not ask."""
    streams = sorted({consumer.stream for consumer in of})
    try:
        async with asyncio.timeout(2 * _TIMEOUT_S):
            answers, beats, stamped = await asyncio.gather(
                asyncio.gather(*(_stream(connection, name, of) for name in streams)),
                _beats(connection),
                _api_request(connection, f"$JS.API.STREAM.INFO.{subjects.BEATS_STREAM}"),
            )
    except (NatsError, TimeoutError) as error:
        raise Unreachable(f"the bus does not tell its state: {error or type(error).__name__}") from error
    lags: list[ConsumerLag] = []
    missing: list[str] = []
    clocks = [stamped, *(answer.info for answer in answers if answer)]
    at = next((at for info in clocks if info and (at := _time(info.get("ts")))), _NEVER)
    for name, answer in zip(streams, answers, strict=True):
        if answer is None:
            missing.append(name)
            continue
        for consumer in (consumer for consumer in of if consumer.stream == name):
            if info := answer.consumers.get(consumer.durable):
                lags.append(_lag(consumer, info, answer, at))
            else:
                missing.append(f"{name}: consumer {consumer.durable}")
    if beats is None:
        missing.append(subjects.BEATS_STREAM)
    seen = tuple(beats or ())
    return BusState(at, tuple(lags), seen, tuple(missing))


@dataclass(frozen=True, slots=True)
class _Stream:
    info: Mapping[str, Any]
    consumers: Mapping[str, Mapping[str, Any]]


async def _stream(connection: Client, name: str, of: Sequence[Consumer]) -> _Stream | None:
    readers = [consumer.durable for consumer in of if consumer.stream == name and consumer.positioned]
    info, found = await asyncio.gather(
        _api_request(connection, f"$JS.API.STREAM.INFO.{name}"),
        _each(connection, name, readers) if readers else _listed(connection, name),
    )
    return None if info is None or found is None else _Stream(info, {one["name"]: one for one in found})


async def _listed(connection: Client, stream: str) -> Sequence[Mapping[str, Any]] | None:
    """All consumers of a stream; None when there is no such stream."""
    listing = await _api_request(connection, f"$JS.API.CONSUMER.LIST.{stream}")
    return None if listing is None else listing["consumers"] or ()


async def _each(connection: Client, stream: str, durables: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    """Those of these consumers that are there."""
    subjects_of = [f"$JS.API.CONSUMER.INFO.{stream}.{durable}" for durable in durables]
    answers = await asyncio.gather(*(_api_request(connection, subject) for subject in subjects_of))
    return [answer for answer in answers if answer is not None]


async def _api_request(connection: Client, subject: str) -> dict[str, Any] | None:
    """An answer of the server's API; None when there is no such stream, or consumer."""
    answer: dict[str, Any] = json.loads((await connection.request(subject, timeout=_TIMEOUT_S)).data)
    if error := answer.get("error"):
        if error.get("err_code") in {_NO_STREAM, _NO_CONSUMER}:
            return None
        raise Unreachable(f"{subject}: {error.get('description', error)}")
    return answer


def _lag(consumer: Consumer, info: Mapping[str, Any], stream: _Stream, at: datetime) -> ConsumerLag:
    state = stream.info["state"]
    work_queue = stream.info["config"]["retention"] == RetentionPolicy.WORK_QUEUE.value
    return ConsumerLag(
        consumer.service,
        consumer.stream,
        consumer.durable,
        consumer.still_after_s,
        consumer.of_sources,
        waiting=info.get("num_pending", 0),
        in_work=info.get("num_ack_pending", 0),
        redelivered=info.get("num_redelivered", 0),
        asking=info.get("num_waiting", 0),
        created=_by(info, at, info.get("created")) or _NEVER,
        taken_at=_by(info, at, info.get("delivered", {}).get("last_active")),
        settled_at=_by(info, at, info.get("ack_floor", {}).get("last_active")),
        oldest=_by(stream.info, at, state.get("first_ts")) if work_queue and state["messages"] else None,
        paused=bool(info.get("paused")),
        work_queue=work_queue,
    )


async def _beats(connection: Client) -> list[LastBeat] | None:
    """The last beat of each instance; None when there is no stream of them."""
    inbox = connection.new_inbox()
    answers = await connection.subscribe(inbox)
    request = {"multi_last": [subjects.ALL_BEATS], "batch": _MOST}
    beats: list[LastBeat] = []
    try:
        await connection.publish(f"$JS.API.DIRECT.GET.{subjects.BEATS_STREAM}", json.dumps(request).encode(), inbox)
        while True:
            message = await answers.next_msg(_TIMEOUT_S)
            headers = message.headers or {}
            status = headers.get("Status")
            if status is not None:
                return None if status == "503" else beats
            beats += _seen(headers, message.data)
    except NoRespondersError:
        return None
    finally:
        await answers.unsubscribe()


def _seen(headers: Mapping[str, str], body: bytes) -> Iterator[LastBeat]:
    """A beat; nothing for what is none of this version: its service is judged by what the server knows."""
    tokens, at = headers.get("Nats-Subject", "").split("."), _time(headers.get("Nats-Time-Stamp"))
    if at is not None:
        try:
            yield LastBeat(tokens[-2], tokens[-1], at, Beat.read(body))
        except Malformed:
            return


def _by(answer: Mapping[str, Any], at: datetime, text: str | None) -> datetime | None:
    """A time in an answer, by the clock that shows `at` when that of the answer shows its `ts`."""
    moment, own = _time(text), _time(answer.get("ts"))
    return moment if moment is None or own is None else moment + (at - own)


def _time(text: str | None) -> datetime | None:
    """A time of the server's; None for none, also for the one that Go writes then."""
    if not text or text.startswith("0001-"):
        return None
    return datetime.fromisoformat(text)

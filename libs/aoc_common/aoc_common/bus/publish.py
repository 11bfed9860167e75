"""Publishing many messages at once: awaited together, never one by one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js.errors import APIError, NoStreamResponseError

from aoc_common.backoff import backoff
from aoc_common.bus.limits import header_bytes
from aoc_common.errors import Backpressure, TooLarge, Transient, Unreachable
from aoc_common.telemetry.pulse import moved

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nats.js import JetStreamContext
    from nats.js.api import PubAck

    from aoc_common.clock import Clock

type Ack = PubAck
"""JetStream's acknowledgement: the message is on the stream, at `seq`."""

_IN_FLIGHT: Final = 256
_TIMEOUT_S: Final = 10.0
#: How long a full stream is waited for that takes nothing, and between two tries, in seconds.
_PATIENCE_S: Final = 60.0
_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 5.0

# JetStream error codes (nats-server, errors.json)
_FULL: Final = {
    10023,
    10047,
    10077,
}  # insufficient resources, storage resources exceeded, maximum bytes exceeded
_OVER_STREAM_LIMIT: Final = 10054


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish."""

    subject: str
    body: bytes
    headers: dict[str, str]

    @property
    def size(self) -> int:
        """Bytes of body and headers, as the server counts them."""
        return len(self.body) + header_bytes(self.headers)


async def publish_all(
    js: JetStreamContext, stream: str, messages: Iterable[Outgoing], *, timeout_s: float = _TIMEOUT_S
) -> list[Ack]:
    """Publish and await every acknowledgement, each for `timeout_s`; acks in the order of the messages.

    Raises `Backpressure` when the stream is full, `Unreachable` when it does not answer, `TooLarge` when a message is
    larger than the server takes. On an error some messages may be on the stream already: publish all again with the
    same `Nats-Msg-Id` headers.
    """
    acks: list[Ack] = []
    for result in await publish_each(js, stream, messages, timeout_s=timeout_s):
        if isinstance(result, BaseException):
            raise result
        acks.append(result)
    return acks


async def publish_each(
    js: JetStreamContext, stream: str, messages: Iterable[Outgoing], *, timeout_s: float = _TIMEOUT_S
) -> list[Ack | BaseException]:
    """As `publish_all`, and raises nothing: the acknowledgement or the error of each message, in their order.

    After an error nothing more is begun: what had not been sent has that error.
    """
    results: list[Ack | BaseException] = []
    failure: BaseException | None = None
    for window in batched(messages, _IN_FLIGHT):
        if failure is None:
            sent = await asyncio.gather(
                *(_publish(js, stream, message, timeout_s) for message in window), return_exceptions=True
            )
            failure = next((result for result in sent if isinstance(result, BaseException)), None)
            results += sent
        else:
            results += [failure] * len(window)
    return results


async def publish_patiently(
    js: JetStreamContext, clock: Clock, stopping: asyncio.Event, stream: str, messages: Sequence[Outgoing]
) -> list[Ack]:
    """As `publish_all`, but what a full stream refuses is published again as it empties.

    A full stream is one that others are reading from: whoever gives up fetches all of it again and publishes it again,
    so that the stream is full of what was on it before. Raises `Backpressure` when nothing was taken for a minute, or
    as soon as `stopping` is set.
    """
    acks: dict[int, Ack] = {}
    waiting = list(range(len(messages)))
    moved, tries = clock.monotonic(), 0
    while waiting:
        refused: dict[int, Backpressure] = {}
        results = await publish_each(js, stream, [messages[number] for number in waiting])
        for number, result in zip(waiting, results, strict=True):
            if isinstance(result, Backpressure):
                refused[number] = result
            elif isinstance(result, BaseException):
                raise result
            else:
                acks[number] = result
        if len(refused) < len(waiting):
            moved, tries = clock.monotonic(), 0
        waiting = list(refused)
        if waiting:
            if stopping.is_set() or clock.monotonic() - moved >= _PATIENCE_S:
                raise refused[waiting[0]]
            tries += 1
            await clock.sleep(backoff(tries, _LONGEST_PAUSE_S, _PAUSE_S))
    return [acks[number] for number in range(len(messages))]


async def _publish(js: JetStreamContext, stream: str, message: Outgoing, timeout_s: float) -> Ack:
    limit = js._nc.max_payload  # noqa: SLF001  # nats-py looks at the body only, and the server then hangs up
    if message.size > limit:
        raise TooLarge(f"{message.subject}: {message.size} bytes are more than the {limit} that the server takes")
    try:
        ack = await js.publish(message.subject, message.body, timeout=timeout_s, stream=stream, headers=message.headers)
    except MaxPayloadError as error:
        raise TooLarge(f"{message.subject}: {message.size} bytes are more than the server takes") from error
    except APIError as error:
        raise classify(error, message.subject) from error
    except NoStreamResponseError as error:
        raise Unreachable(f"{message.subject}: no stream takes this subject") from error
    except (NatsError, TimeoutError) as error:
        raise Unreachable(f"{message.subject}: {error or type(error).__name__}") from error
    moved()
    return ack


def classify(error: APIError, subject: str) -> Transient:
    """What a refusal by JetStream means."""
    if error.err_code == _OVER_STREAM_LIMIT:
        return TooLarge(f"{subject}: {error.description}")
    if error.err_code in _FULL:
        return Backpressure(f"{subject}: stream is full ({error.description})")
    return Unreachable(f"{subject}: {error.description} ({error.err_code})")

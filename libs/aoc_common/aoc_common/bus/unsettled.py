"""How many messages of a stream its consumers have still to settle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nats.errors import Error as NatsError

from aoc_common.errors import Unreachable

if TYPE_CHECKING:
    from nats.js import JetStreamContext
    from nats.js.api import ConsumerInfo


async def last_sequence(js: JetStreamContext, stream: str) -> int:
    """The sequence of the newest message that was ever on the stream. Raises `Unreachable`."""
    try:
        return (await js.stream_info(stream)).state.last_seq
    except (NatsError, TimeoutError) as error:
        raise Unreachable(f"{stream}: {error or type(error).__name__}") from error


async def unsettled(js: JetStreamContext, stream: str, upto: int) -> int:
    """Messages up to sequence `upto` that no consumer has acknowledged yet; 0 only when there is none.

    Redelivered ones count until they are acknowledged. While later messages arrive the number is an upper bound.
    Without any consumer everything waits. Raises `Unreachable`.
    """
    try:
        state = (await js.stream_info(stream)).state
        consumers = await js.consumers_info(stream)
    except (NatsError, TimeoutError) as error:
        raise Unreachable(f"{stream}: {error or type(error).__name__}") from error
    if state.first_seq > upto or not state.messages:
        return 0
    if not consumers:
        return min(state.messages, upto - state.first_seq + 1)
    return sum(_unsettled_of(consumer, upto) for consumer in consumers)


def _unsettled_of(consumer: ConsumerInfo, upto: int) -> int:
    floor = consumer.ack_floor.stream_seq if consumer.ack_floor else 0
    if floor >= upto:
        return 0
    delivered = consumer.delivered.stream_seq if consumer.delivered else 0
    working, waiting = consumer.num_ack_pending or 0, consumer.num_pending or 0
    if delivered >= upto:
        waiting = 0
    return min(working + waiting, upto - floor)

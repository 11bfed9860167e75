"""The one owner of streams and consumers: makes what is missing and changes what differs, never to less unless told."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError
from nats.js.api import RetentionPolicy
from nats.js.errors import APIError, NotFoundError

from aoc_common.bus import consumers
from aoc_common.bus.broker import connection, jetstream
from aoc_common.bus.consume import IN_PLACE, Changed
from aoc_common.bus.streams import check_version, declarations, differences, stream_config
from aoc_common.contracts import subjects
from aoc_common.errors import BadConfiguration, Unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from faststream.nats import NatsBroker
    from nats.js import JetStreamContext
    from nats.js.api import StreamConfig

    from aoc_common.bus.consume import Consumer
    from aoc_common.bus.streams import Difference
    from aoc_common.settings import NatsSettings

#: Fields of which less is lost room, lost copies, or lost messages. -1 and 0 mean "without limit".
_LESS: Final = frozenset({"max_bytes", "max_age", "num_replicas"})
_LOOKS: Final = 3


async def provision(
    broker: NatsBroker, settings: NatsSettings, *, reduce: bool = False, only: Collection[str] | None = None
) -> list[str]:
    """Bring every stream and consumer in order (`only`: these streams and theirs); what was done, a line each.

    Idempotent. `reduce`: also make a stream smaller, have it forget sooner, or give it fewer replicas, when the
    settings say so. What a stream has beside what we declare (its placement, say) stays. Raises `BadConfiguration` for
    what cannot be changed in place or a server that is too old, `Unreachable`.
    """
    check_version(connection(broker))
    js = jetstream(broker)
    done: list[str] = []
    try:
        for name, declared in declarations(settings).items():
            if only is None or name in only:
                done += await _stream(js, name, declared, reduce=reduce)
        for consumer in consumers.ALL:
            # Those of readers are made with their checkpoints (`bus.readers.declare_reader`).
            if not consumer.positioned and (only is None or consumer.stream in only):
                lines = await declare_consumer(js, consumer)
                done += [] if _made(consumer.stream) in done else lines
    except (APIError, NatsError, TimeoutError) as error:
        raise Unreachable(f"provision: {error or type(error).__name__}") from error
    return done


async def _stream(js: JetStreamContext, name: str, declared: StreamConfig, *, reduce: bool) -> list[str]:
    actual = await stream_config(js, name)
    if actual is None:
        _echoed((await js.add_stream(declared)).config, declared)
        return [_made(name)]
    differing = differences(actual, declared)
    if any(difference.field == "retention" for difference in differing):
        raise BadConfiguration(
            f"{name}: its retention is {_retention(actual)} and cannot be changed in place; "
            "stop every service, then run: aoc provision --migrate"
        )
    unchanged = [difference for difference in differing if _is_less(difference) and not reduce]
    changed = [difference for difference in differing if difference not in unchanged]
    if changed:
        target = replace(actual, **{difference.field: getattr(declared, difference.field) for difference in changed})
        _echoed((await js.update_stream(target)).config, target)
    return [
        *(f"{difference}: changed" for difference in changed),
        *(f"{difference}: kept (--reduce to change it)" for difference in unchanged),
    ]


def _made(stream: str) -> str:
    return f"{stream}: made, with its consumers"


def _echoed(actual: StreamConfig, target: StreamConfig) -> None:
    """A server, or a client between, that does not know a field drops it without a word."""
    if lacking := [str(difference) for difference in differences(actual, target) if difference.grave]:
        raise BadConfiguration(f"the server did not take over: {'; '.join(lacking)}")


def _is_less(difference: Difference) -> bool:
    if (
        difference.field not in _LESS
        or not isinstance(difference.actual, int | float)
        or not isinstance(difference.declared, int | float)
    ):
        return False
    unlimited = difference.field != "num_replicas" and difference.actual <= 0
    return difference.declared > 0 and (unlimited or difference.declared < difference.actual)


def _retention(config: StreamConfig) -> str:
    return str(getattr(config.retention, "value", config.retention) or RetentionPolicy.LIMITS.value)


async def declare_consumer(js: JetStreamContext, consumer: Consumer) -> list[str]:
    """Make a consumer, or bring it in order. Raises as nats-py does.

    What cannot be changed in place is made anew; so is one that gave messages up: those come again by a new one only.
    """
    declared, name = consumer.config(), f"{consumer.stream}: consumer {consumer.durable}"
    try:
        changes = await _changes(js, consumer)
    except NotFoundError:
        await js.add_consumer(consumer.stream, declared)
        return [f"{name} made"]
    if not changes:
        return []
    if any(change.field not in IN_PLACE for change in changes):
        # What is in work elsewhere comes again, and is known.
        with suppress(NotFoundError):  # somebody else does the same
            await js.delete_consumer(consumer.stream, consumer.durable)
    await js.add_consumer(consumer.stream, declared)
    return [f"{name}: {change}: changed" for change in changes]


async def _changes(js: JetStreamContext, consumer: Consumer) -> list[Changed]:
    changes = list(consumer.differences(await js.consumer_info(consumer.stream, consumer.durable)))
    if forsaken := await _forsaken(js, consumer):
        changes.append(Changed("messages that it will never deliver", forsaken, 0, grave=True))
    return changes


async def _forsaken(js: JetStreamContext, consumer: Consumer) -> int:
    """Messages of a work queue that its consumer neither has to deliver nor has in work.

    A limit of deliveries that somebody set leaves them so, also when it is gone. Messages come and go meanwhile: it is
    so only if it is so each time.
    """
    least = 0
    for look in range(_LOOKS):
        before = await _held(js, consumer)
        info = await js.consumer_info(consumer.stream, consumer.durable)
        held = min(before, await _held(js, consumer))
        undelivered = max(0, held - (info.num_pending or 0) - (info.num_ack_pending or 0))
        least = min(least, undelivered) if look else undelivered
        if not least:
            break
    return least


async def _held(js: JetStreamContext, consumer: Consumer) -> int:
    """Messages that a work queue holds for a consumer; 0 on a stream that keeps what is settled, so tells nothing."""
    info = await js.stream_info(consumer.stream, subjects_filter=consumer.subject)
    if _retention(info.config) != RetentionPolicy.WORK_QUEUE.value:
        return 0
    return sum((info.state.subjects or {}).values())


async def report(broker: NatsBroker, settings: NatsSettings) -> list[tuple[bool, str]]:
    """What `provision` would do, and whether the promise does not hold without it: for `aoc doctor`.

    Raises `Unreachable`.
    """
    js = jetstream(broker)
    lines: list[tuple[bool, str]] = []
    if await stream_config(js, subjects.MOVING_STREAM) is not None:
        lines.append((True, f"{subjects.MOVING_STREAM}: a migration was broken off; run: aoc provision --migrate"))
    for name, declared in declarations(settings).items():
        config = await stream_config(js, name)
        if config is None:
            lines.append((True, f"{name}: missing"))
            continue
        lines += [(difference.grave, str(difference)) for difference in differences(config, declared)]
        lines += [line async for line in _consumers(js, name)]
    return lines


async def _consumers(js: JetStreamContext, stream: str) -> AsyncIterator[tuple[bool, str]]:
    for consumer in (consumer for consumer in consumers.ALL if consumer.stream == stream):
        name = f"{stream}: consumer {consumer.durable}"
        try:
            changes = await _changes(js, consumer)
        except NotFoundError:
            yield True, f"{name} is missing"
        except (NatsError, TimeoutError) as error:
            raise Unreachable(f"consumer {consumer.durable}: {error or type(error).__name__}") from error
        else:
            for change in changes:
                yield change.grave, f"{name}: {change}"

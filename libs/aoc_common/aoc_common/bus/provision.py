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
    found = await stream_config(js, name)
    if found is None:
        _echoed((await js.add_stream(declared)).config, declared)
        return [_made(name)]
    differing = differences(found, declared)
    if any(one.field == "retention" for one in differing):
        raise BadConfiguration(
            f"{name}: its retention is {_retention(found)} and cannot be changed in place; "
            "stop every service, then run: aoc provision --migrate"
        )
    kept = [one for one in differing if _is_less(one) and not reduce]
    changed = [one for one in differing if one not in kept]
    if changed:
        wanted = replace(found, **{one.field: getattr(declared, one.field) for one in changed})
        _echoed((await js.update_stream(wanted)).config, wanted)
    return [*(f"{one}: changed" for one in changed), *(f"{one}: kept (--reduce to change it)" for one in kept)]


def _made(stream: str) -> str:
    return f"{stream}: made, with its consumers"


def _echoed(found: StreamConfig, wanted: StreamConfig) -> None:
    """A server, or a client between, that does not know a field drops it without a word."""
    if lacking := [str(one) for one in differences(found, wanted) if one.grave]:
        raise BadConfiguration(f"the server did not take over: {'; '.join(lacking)}")


def _is_less(one: Difference) -> bool:
    if one.field not in _LESS or not isinstance(one.found, int | float) or not isinstance(one.declared, int | float):
        return False
    unlimited = one.field != "num_replicas" and one.found <= 0
    return one.declared > 0 and (unlimited or one.declared < one.found)


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
    if any(one.field not in IN_PLACE for one in changes):
        # What is in work elsewhere comes again, and is known.
        with suppress(NotFoundError):  # somebody else does the same
            await js.delete_consumer(consumer.stream, consumer.durable)
    await js.add_consumer(consumer.stream, declared)
    return [f"{name}: {change}: changed" for change in changes]


async def _changes(js: JetStreamContext, consumer: Consumer) -> list[Changed]:
    found = list(consumer.differences(await js.consumer_info(consumer.stream, consumer.durable)))
    if left := await _forsaken(js, consumer):
        found.append(Changed("messages that it will never deliver", left, 0, grave=True))
    return found


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
        left = max(0, held - (info.num_pending or 0) - (info.num_ack_pending or 0))
        least = min(least, left) if look else left
        if not least:
            break
    return least


async def _held(js: JetStreamContext, consumer: Consumer) -> int:
    info = await js.stream_info(consumer.stream, subjects_filter=consumer.subject)
    return sum((info.state.subjects or {}).values())


async def report(broker: NatsBroker, settings: NatsSettings) -> list[tuple[bool, str]]:
    """What `provision` would do, and whether the promise does not hold without it: for `aoc doctor`.

    Raises `Unreachable`.
    """
    js = jetstream(broker)
    found: list[tuple[bool, str]] = []
    if await stream_config(js, subjects.MOVING_STREAM) is not None:
        found.append((True, f"{subjects.MOVING_STREAM}: a migration was broken off; run: aoc provision --migrate"))
    for name, declared in declarations(settings).items():
        config = await stream_config(js, name)
        if config is None:
            found.append((True, f"{name}: missing"))
            continue
        found += [(one.grave, str(one)) for one in differences(config, declared)]
        found += [line async for line in _consumers(js, name)]
    return found


async def _consumers(js: JetStreamContext, stream: str) -> AsyncIterator[tuple[bool, str]]:
    for consumer in (one for one in consumers.ALL if one.stream == stream):
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

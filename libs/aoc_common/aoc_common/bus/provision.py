"""The one owner of streams and consumers: makes what is missing and changes what differs, never to less unless told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError
from nats.js.api import RetentionPolicy
from nats.js.errors import APIError, NotFoundError

from aoc_common.bus import consumers
from aoc_common.bus.broker import connection, jetstream
from aoc_common.bus.streams import check_version, declarations, differences, stream_config
from aoc_common.errors import BadConfiguration, Unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterator

    from faststream.nats import NatsBroker
    from nats.js import JetStreamContext
    from nats.js.api import ConsumerConfig, StreamConfig

    from aoc_common.bus.consume import Consumer
    from aoc_common.bus.streams import Difference
    from aoc_common.settings import NatsSettings

#: Fields of which less is lost room, or lost copies. -1 and 0 mean "without limit".
_LESS: Final = frozenset({"max_bytes", "num_replicas"})
_CONSUMER_FIELDS: Final = ("filter_subject", "ack_wait", "max_ack_pending", "max_deliver")


async def provision(
    broker: NatsBroker, settings: NatsSettings, *, reduce: bool = False, only: Collection[str] | None = None
) -> list[str]:
    """Bring every stream and consumer in order (`only`: these streams and theirs); what was done, a line each.

    Idempotent. `reduce`: also make a stream smaller, or give it fewer replicas, when the settings say so. What a stream
    has beside what we declare (its placement, say) stays. Raises `BadConfiguration` for what cannot be changed in place
    or a server that is too old, `Unreachable`.
    """
    check_version(connection(broker))
    js = jetstream(broker)
    done: list[str] = []
    try:
        for name, declared in declarations(settings).items():
            if only is None or name in only:
                done += await _stream(js, name, declared, reduce=reduce)
        for consumer in consumers.ALL:
            if only is None or consumer.stream in only:
                done += await declare_consumer(js, consumer)
    except (APIError, NatsError, TimeoutError) as error:
        raise Unreachable(f"provision: {error or type(error).__name__}") from error
    return done


async def _stream(js: JetStreamContext, name: str, declared: StreamConfig, *, reduce: bool) -> list[str]:
    found = await stream_config(js, name)
    if found is None:
        _echoed((await js.add_stream(declared)).config, declared)
        return [f"{name}: made"]
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


def _echoed(found: StreamConfig, wanted: StreamConfig) -> None:
    """A server, or a client between, that does not know a field drops it without a word."""
    if lacking := [str(one) for one in differences(found, wanted) if one.grave]:
        raise BadConfiguration(f"the server did not take over: {'; '.join(lacking)}")


def _is_less(one: Difference) -> bool:
    if one.field not in _LESS or not isinstance(one.found, int) or not isinstance(one.declared, int):
        return False
    unlimited = one.field == "max_bytes" and one.found <= 0
    return one.declared > 0 and (unlimited or one.declared < one.found)


def _retention(config: StreamConfig) -> str:
    return str(getattr(config.retention, "value", config.retention) or RetentionPolicy.LIMITS.value)


async def declare_consumer(js: JetStreamContext, consumer: Consumer) -> list[str]:
    """Make a consumer, or bring it in order. Raises as nats-py does."""
    declared = consumer.config()
    try:
        found = (await js.consumer_info(consumer.stream, consumer.durable)).config
    except NotFoundError:
        await js.add_consumer(consumer.stream, declared)
        return [f"{consumer.stream}: consumer {consumer.durable} made"]
    changes = list(_changes(found, declared))
    if changes:
        await js.add_consumer(consumer.stream, declared)
    return [f"{consumer.stream}: consumer {consumer.durable}: {change}: changed" for change in changes]


def _changes(found: ConsumerConfig, declared: ConsumerConfig) -> Iterator[str]:
    for field in _CONSUMER_FIELDS:
        is_, shall = getattr(found, field), getattr(declared, field)
        if is_ != shall:
            yield f"{field} is {is_}, declared is {shall}"


async def report(broker: NatsBroker, settings: NatsSettings) -> list[str]:
    """What `provision` would do: for `aoc doctor`. Raises `Unreachable`."""
    js = jetstream(broker)
    found: list[str] = []
    for name, declared in declarations(settings).items():
        config = await stream_config(js, name)
        found += [f"{name}: missing"] if config is None else map(str, differences(config, declared))
        if config is not None:
            found += [line async for line in _consumers(js, name)]
    return found


async def _consumers(js: JetStreamContext, stream: str) -> AsyncIterator[str]:
    for consumer in (one for one in consumers.ALL if one.stream == stream):
        try:
            info = await js.consumer_info(stream, consumer.durable)
        except NotFoundError:
            yield f"{stream}: consumer {consumer.durable} is missing"
        except (NatsError, TimeoutError) as error:
            raise Unreachable(f"consumer {consumer.durable}: {error or type(error).__name__}") from error
        else:
            for change in _changes(info.config, consumer.config()):
                yield f"{stream}: consumer {consumer.durable}: {change}"

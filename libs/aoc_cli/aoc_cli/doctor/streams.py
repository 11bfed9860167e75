"""Checks of streams and consumers: present, as declared, not too full; how long pages have waited."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from nats.js.errors import NotFoundError

from aoc_collector.findings import Finding, Grade
from aoc_common.bus.broker import connection, jetstream
from aoc_common.bus.provision import report
from aoc_common.bus.streams import check_version
from aoc_common.contracts import subjects
from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from faststream.nats import NatsBroker
    from nats.js.api import StreamState

    from aoc_common.settings import NatsSettings
    from aoc_common.store.pages import PublishedPage

_FULL: Final = 0.8
_SHOWN: Final = 3
_STREAMS: Final = (subjects.RAW_STREAM, subjects.EVENTS_STREAM, subjects.JOBS_STREAM, subjects.DLQ_STREAM)
#: Nothing on AOC_RAW expires, but Microsoft's copies do, after seven days: time to find out why a page waits.
_WARN_AFTER: Final = timedelta(hours=1)
_FAIL_AFTER: Final = timedelta(days=1)


async def of_streams(where: str, broker: NatsBroker, settings: NatsSettings) -> list[Finding]:
    """Raises `Unreachable`, or as nats-py does."""
    findings = [_of_version(where, broker)]
    js = jetstream(broker)
    for name in _STREAMS:
        try:
            info = await js.stream_info(name)
        except NotFoundError:
            findings.append(Finding(where, f"stream {name}", Grade.FAIL, "is not there", "Run aoc provision"))
        else:
            # The bound of the stream itself, which may differ from the declaration.
            findings.append(_of_state(where, name, info.state, info.config.max_bytes or 0))
            findings += _of_readers(where, name, info.state.consumer_count, info.config.max_consumers or 0)
    return [*findings, _of_order(where, await report(broker, settings))]


def _of_order(where: str, differing: Sequence[tuple[bool, str]]) -> Finding:
    """`differing`: what is not as declared, and whether that is grave."""
    if not differing:
        return Finding(where, "streams and consumers", Grade.OK, "as declared")
    gravest_first = [text for _, text in sorted(differing, key=lambda difference: not difference[0])]
    summary = "; ".join(gravest_first[:_SHOWN]) + (
        f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
    )
    grade = Grade.FAIL if any(grave for grave, _ in differing) else Grade.WARN
    return Finding(where, "streams and consumers", grade, summary, "Run aoc provision")


def _of_version(where: str, broker: NatsBroker) -> Finding:
    try:
        check_version(connection(broker))
    except BadConfiguration as error:
        return Finding(where, "nats-server", Grade.FAIL, str(error), "Update nats-server")
    version = connection(broker).connected_server_version
    return Finding(where, "nats-server", Grade.OK, f"{version.major}.{version.minor}.{version.patch}")


def _of_state(where: str, name: str, state: StreamState, room: int) -> Finding:
    share = state.bytes / room if room > 0 else 0.0
    full = f", {share:.0%} full" if share else ""
    usage = f"{state.messages:,} messages{full}"
    # AOC_EVENTS drops its oldest when it is full, and is meant to be.
    if name == subjects.EVENTS_STREAM or share <= _FULL:
        return Finding(where, f"stream {name}", Grade.OK, usage)
    fix = "Look why nobody reads it, or give it more room (AOC_NATS__RAW_MAX_BYTES, then aoc provision)"
    return Finding(where, f"stream {name}", Grade.WARN, usage, fix)


def _of_readers(where: str, name: str, readers: int, most: int) -> Iterator[Finding]:
    if most > 0 and readers > _FULL * most:
        usage, fix = f"{readers:,} consumers of {most:,}", "Look which tool leaves consumers behind: nats consumer list"
        yield Finding(where, f"consumers of {name}", Grade.WARN, usage, fix)


def of_waiting(where: str, oldest: PublishedPage | None, now: datetime) -> Finding:
    """`oldest`: the page that has waited longest to be settled."""
    if oldest is None:
        return Finding(where, "waiting pages", Grade.OK, "none")
    waited = now - oldest.at
    description = f"the first of {oldest.tenant}/{oldest.source} since {oldest.at:%Y-%m-%dT%H:%M:%SZ}"
    if waited < _WARN_AFTER:
        return Finding(where, "waiting pages", Grade.OK, description)
    grade = Grade.FAIL if waited > _FAIL_AFTER else Grade.WARN
    return Finding(where, "waiting pages", grade, description, "Look whether the normalizer runs, and what it logs")

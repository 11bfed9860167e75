"""All that the streams hold of one tenant: counted, and purged by subject."""

from __future__ import annotations

import asyncio
from itertools import batched
from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError
from nats.js.errors import APIError, NotFoundError

from aoc_common.contracts import subjects
from aoc_common.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nats.js import JetStreamContext

#: Marks of pages that are purged at once.
_AT_ONCE: Final = 32


def _subjects(tenant: str) -> tuple[tuple[str, str], ...]:
    subjects.check_tenant(tenant)
    return (
        (subjects.JOBS_STREAM, f"aoc.jobs.*.{tenant}"),
        (subjects.JOBS_STREAM, f"aoc.jobs.*.{tenant}.>"),
        (subjects.RAW_STREAM, subjects.raw_of_tenant(tenant)),
        (subjects.EVENTS_STREAM, f"aoc.events.{tenant}.>"),
        (subjects.ALERTS_STREAM, f"aoc.alerts.{tenant}.>"),
        (subjects.DLQ_STREAM, f"aoc.dlq.*.{tenant}"),
    )


async def count(js: JetStreamContext, tenant: str) -> dict[str, int]:
    """Stream -> messages of the tenant. Raises `Unreachable`."""
    counts: dict[str, int] = {}
    for stream, subject in _subjects(tenant):
        try:
            state = (await js.stream_info(stream, subject)).state
        except NotFoundError:
            continue
        except (APIError, NatsError, TimeoutError) as error:
            raise Unreachable(f"{stream}: {error or type(error).__name__}") from error
        counts[stream] = counts.get(stream, 0) + sum((state.subjects or {}).values())
    return counts


async def purge(js: JetStreamContext, tenant: str, pages: Iterable[str]) -> None:
    """Remove all of them, and the marks of these pages. Repeatable. Raises `Unreachable`."""
    for stream, subject in _subjects(tenant):
        await _purge(js, stream, subject)
    for together in batched(pages, _AT_ONCE):
        await asyncio.gather(*(_purge(js, subjects.EVENTS_STREAM, subjects.marks_of(page)) for page in together))


async def _purge(js: JetStreamContext, stream: str, subject: str) -> None:
    try:
        await js.purge_stream(stream, subject=subject)
    except NotFoundError:
        return
    except (APIError, NatsError, TimeoutError) as error:
        raise Unreachable(f"{stream}: {error or type(error).__name__}") from error

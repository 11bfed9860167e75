"""What waits of a tenant on AOC_RAW. The stream counts by subject."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nats.errors import Error as NatsError
from nats.js.errors import APIError

from aoc_common.contracts import subjects
from aoc_common.errors import Unreachable

if TYPE_CHECKING:
    from nats.js import JetStreamContext


@dataclass(frozen=True, slots=True)
class Waiting:
    """A tenant's pages on AOC_RAW that the normalizer is not done with. `size`: bytes, by the stream's average."""

    pages: int
    size: int


async def waiting_of(js: JetStreamContext, tenant: str) -> Waiting:
    """What waits of a tenant. Raises `Unreachable`."""
    try:
        info = await js.stream_info(subjects.RAW_STREAM, subjects_filter=subjects.raw_of_tenant(tenant))
    except (APIError, NatsError, TimeoutError) as error:
        raise Unreachable(f"{subjects.RAW_STREAM}: {error or type(error).__name__}") from error
    pages = sum((info.state.subjects or {}).values())
    average = info.state.bytes / info.state.messages if info.state.messages else 0.0
    return Waiting(pages, int(pages * average))

"""What lies on a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.contracts import subjects

if TYPE_CHECKING:
    from nats.js import JetStreamContext


async def events_held(js: JetStreamContext) -> int:
    """How many events AOC_EVENTS holds, without marks."""
    info = await js.stream_info(subjects.EVENTS_STREAM, subjects_filter=subjects.ALL_EVENTS)
    return sum((info.state.subjects or {}).values())

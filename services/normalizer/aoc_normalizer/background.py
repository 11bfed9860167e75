"""What goes on beside the batches: small work again and again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aoc_common.errors import AocError
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_log = logs.get(__name__)


async def every(interval_s: float, name: str, work: Callable[[], Awaitable[object]]) -> None:
    """Do `work` each interval, until cancelled. What fails is said, and tried again at the next turn."""
    while True:
        try:
            await work()
        except AocError as error:
            _log.warning("background.failed", work=name, error=str(error))
        await asyncio.sleep(interval_s)

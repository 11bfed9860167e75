"""Time as a dependency."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where code gets the time and how it waits. Tests pass one that they move by hand."""

    def now(self) -> datetime:
        """The present, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go backwards, for measuring durations."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""
        await asyncio.sleep(seconds)


class StoredClock(SystemClock):
    """The machine's clock in whole milliseconds, as the store keeps times: what is answered is what is read later."""

    def now(self) -> datetime:
        """The present, in UTC."""
        now = super().now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

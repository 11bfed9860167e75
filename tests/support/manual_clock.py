"""The clock of the tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_START: Final = datetime(2026, 11, 23, 8, tzinfo=UTC)


class ManualClock:
    """A `Clock` that stands still until it is moved: by `advance`, or by whoever sleeps on it. `slept`: their seconds.

    Called, it gives its monotonic seconds, which begin at 0: what takes `time.monotonic` takes it too.
    """

    def __init__(self, start: datetime = _START) -> None:
        self._now = start
        self._elapsed_s = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The present, in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return self._elapsed_s

    __call__ = monotonic

    async def sleep(self, seconds: float) -> None:
        """Pass that time, at once."""
        self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, span: float | timedelta) -> None:
        """Move forward by so many seconds."""
        passed = span if isinstance(span, timedelta) else timedelta(seconds=span)
        self._now += passed
        self._elapsed_s += passed.total_seconds()

    def jump(self, span: timedelta) -> None:
        """Put the wall clock that far forward, or back, as somebody does who sets it: no time passes."""
        self._now += span

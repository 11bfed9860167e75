"""A breaker: a destination that is away is left alone, and asked by one request at a time until it is back. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_common.backoff import backoff

if TYPE_CHECKING:
    from aoc_common.clock import Clock

#: Failures in a row that open it, and the longest pause between two probes.
_FAILURES: Final = 3
_LONGEST_S: Final = 60.0


class Breaker:
    """Closed: everything passes. Open: nothing does, for a pause that doubles; then one probe, which decides."""

    def __init__(self, clock: Clock, failures: int = _FAILURES, longest_s: float = _LONGEST_S) -> None:
        self._clock = clock
        self._allowed = failures
        self._longest_s = longest_s
        self._failed = 0
        self._until = 0.0
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether requests are held back."""
        return self._failed >= self._allowed

    def wait_s(self) -> float:
        """Seconds to wait before asking again whether one may send; 0: now."""
        left = self._until - self._clock.monotonic()
        if left > 0:
            return left
        return 1.0 if self.is_open and self._probing else 0.0

    def enter(self) -> bool:
        """Whether a request may go now. Whoever was let in calls `succeeded`, `failed`, or `left` if it was neither."""
        if self.wait_s() > 0:
            return False
        self._probing = self.is_open
        return True

    def succeeded(self) -> None:
        """The destination answered."""
        self._failed, self._until, self._probing = 0, 0.0, False

    def failed(self, retry_after: float | None = None) -> None:
        """It did not, or wants to be left alone for that long."""
        self._failed += 1
        self._probing = False
        pause = backoff(self._failed - self._allowed + 1, self._longest_s) if self.is_open else 0.0
        self._until = max(self._until, self._clock.monotonic() + max(pause, retry_after or 0.0))

    def left(self) -> None:
        """The request was given up before it told anything."""
        self._probing = False

"""Time as a dependency: the simulator's own, so that it stands alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """Where the simulator gets the time. Tests pass one that they move by hand."""

    def now(self) -> datetime:
        """The present, in UTC."""
        ...


class SystemClock:
    """The machine's clock, or one that is `ahead_s` seconds ahead of it."""

    def __init__(self, ahead_s: float = 0) -> None:
        self._ahead = timedelta(seconds=ahead_s)

    def now(self) -> datetime:
        """The present, in UTC."""
        return datetime.now(UTC) + self._ahead


class SteppedClock:
    """Another clock, and how far it is put ahead of it (or back) for the moment.

    `unstepped`: the other clock, for what is to last so long, or to begin so much later, whatever steps come.
    """

    def __init__(self, clock: Clock) -> None:
        self.unstepped = clock
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The present, in UTC."""
        return self.unstepped.now() + self._ahead

    def step(self, ahead_s: float) -> None:
        """Go that far ahead of the other clock from now on."""
        self._ahead = timedelta(seconds=ahead_s)


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime: exact, unlike a float of seconds."""
    return (moment - _EPOCH) // _MICROSECOND


def from_us(micros: int) -> datetime:
    """The aware UTC datetime of that many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)


def seconds(amount: float) -> int:
    """A duration in seconds as whole microseconds."""
    return round(amount * 1_000_000)


def iso(moment: datetime) -> str:
    """`2026-01-05T09:30:00.123Z`: how the Management API and the control plane write a time."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"

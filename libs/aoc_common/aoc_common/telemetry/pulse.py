"""What a service has in work, and when something last moved: kept in memory, told by its heartbeat."""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.beats import ConsumerWork, brief

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _Batch:
    """Messages in work. `moved_at`: when something last came of them."""

    __slots__ = ("consumer", "messages", "moved_at", "pulse")

    def __init__(self, pulse: Pulse, consumer: str, messages: int) -> None:
        self.pulse = pulse
        self.consumer = consumer
        self.messages = messages
        self.moved_at = pulse.monotonic()


_BATCH: Final[ContextVar[_Batch | None]] = ContextVar("aoc_batch", default=None)


def moved() -> None:
    """Something moved in the work that the caller is a part of: an answer came, a message was taken."""
    if (batch := _BATCH.get()) is not None:
        batch.moved_at = batch.pulse.monotonic()


def settled(messages: int) -> None:
    """Of the work that the caller is a part of, so many messages were handled and acknowledged."""
    moved()
    if (batch := _BATCH.get()) is not None:
        batch.pulse.settled(batch.consumer, messages)


def failed(error: BaseException) -> None:
    """In the work that the caller is a part of, something failed, and is tried again or given up."""
    if (batch := _BATCH.get()) is not None:
        batch.pulse.failed(batch.consumer, error)


@dataclass(slots=True)
class _Work:
    batches: set[_Batch] = field(default_factory=set)
    settled: int = 0
    settled_at: float | None = None
    failing_since: float | None = None
    error: str = ""


class Pulse:
    """The work of one instance of a service, by consumer. One dictionary entry a consumer, whatever happens."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.monotonic = monotonic
        self._started = monotonic()
        self._work: dict[str, _Work] = {}

    @property
    def running_s(self) -> float:
        """Seconds since the start."""
        return self.monotonic() - self._started

    def serves(self, consumer: str) -> None:
        """This instance takes a consumer's messages."""
        self._of(consumer)

    @contextmanager
    def holding(self, consumer: str, messages: int) -> Iterator[None]:
        """These many messages of a consumer are in work."""
        batch, work = _Batch(self, consumer, messages), self._of(consumer)
        work.batches.add(batch)
        token = _BATCH.set(batch)
        try:
            yield
        finally:
            _BATCH.reset(token)
            work.batches.discard(batch)

    def settled(self, consumer: str, messages: int) -> None:
        """These many messages were handled and acknowledged."""
        work = self._of(consumer)
        work.settled += messages
        work.settled_at, work.failing_since, work.error = self.monotonic(), None, ""

    def failed(self, consumer: str, error: BaseException) -> None:
        """Something failed, and is tried again or given up."""
        work = self._of(consumer)
        work.error = brief(error)
        if work.failing_since is None:
            work.failing_since = self.monotonic()

    def work(self) -> list[ConsumerWork]:
        """What is done for each consumer, as a beat tells it."""
        now = self.monotonic()
        return [
            ConsumerWork(
                consumer=name,
                held=sum(batch.messages for batch in work.batches),
                held_s=_ago(now, min((batch.moved_at for batch in work.batches), default=None)),
                settled=work.settled,
                settled_s=_ago(now, work.settled_at),
                failing_s=_ago(now, work.failing_since),
                error=work.error,
            )
            for name, work in self._work.items()
        ]

    def _of(self, consumer: str) -> _Work:
        return self._work.setdefault(consumer, _Work())


def _ago(now: float, then: float | None) -> float | None:
    return None if then is None else round(max(0.0, now - then), 3)

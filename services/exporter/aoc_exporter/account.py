"""The account of one sink as one replica keeps it, until it is written to the store with what others have counted."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.sink_states import COUNTED, Tally
from aoc_common.outbound.refusals import one_line
from aoc_exporter import metrics

if TYPE_CHECKING:
    from aoc_common.clock import Clock
    from aoc_common.store.sink_accounts import SinkAccountStore


_MINUTE_S: Final = 60.0
_LEAST_LOOKS: Final = 2


class Account:
    """Counts, and adds what was counted to the store. What is not written yet when a process is killed is lost.

    But for repeats: what is acknowledged is acknowledged behind them (`write_repeats`), so the account never says less
    than a destination may have.
    """

    def __init__(self, sink: str, store: SinkAccountStore, clock: Clock) -> None:
        self._sink = sink
        self._store = store
        self._clock = clock
        self._new: dict[str, Tally] = {}
        self._unwritten_repeats = 0
        self._delivered = 0
        #: Moments, and how much was delivered until then; the first one is a minute ago.
        self._looks: deque[tuple[float, int]] = deque([(clock.monotonic(), 0)])

    @property
    def per_s(self) -> float:
        """Entries delivered a second, of the last minute. To be asked about once a second."""
        now = self._clock.monotonic()
        self._looks.append((now, self._delivered))
        while len(self._looks) > _LEAST_LOOKS and now - self._looks[1][0] >= _MINUTE_S:
            self._looks.popleft()
        began, before = self._looks[0]
        return (self._delivered - before) / max(now - began, 1.0)

    def delivered(self, tenant: str, count: int, *, late: bool = False) -> None:
        """The destination has confirmed these."""
        tally = self._of(tenant)
        tally.delivered += count
        tally.late += count if late else 0
        tally.delivered_at = self._clock.now()
        self._delivered += count
        metrics.ENTRIES.labels(self._sink, "delivered").inc(count)

    def filtered(self, tenant: str) -> None:
        """It is not for this sink."""
        self._of(tenant).filtered += 1
        metrics.ENTRIES.labels(self._sink, "filtered").inc()

    def refused(self, tenant: str, words: str) -> None:
        """The destination will never take it."""
        self._of(tenant).refused += 1
        self.failed(tenant, words)
        metrics.ENTRIES.labels(self._sink, "refused").inc()

    def repeated(self, tenant: str, count: int) -> None:
        """The destination may have so many copies beyond the first."""
        if count:
            self._of(tenant).repeated += count
            self._unwritten_repeats += count
            metrics.REPEATS.labels(self._sink).inc(count)

    def lacking(self, tenant: str, *, missing: int = 0, unaccounted: int = 0) -> None:
        """What was to be sent late, and is nowhere any more."""
        if missing or unaccounted:
            tally = self._of(tenant)
            tally.missing += missing
            tally.unaccounted += unaccounted

    def set_aside(self, count: int) -> None:
        """These are sent later, from the store."""
        metrics.ENTRIES.labels(self._sink, "set aside").inc(count)

    def failed(self, tenant: str, words: str) -> None:
        """Something went wrong that a person may want to know."""
        tally = self._of(tenant)
        tally.error, tally.error_at = one_line(words), self._clock.now()

    async def write(self) -> None:
        """Add what is new to the store. Raises `Transient`; what is not written then is written the next time."""
        new, self._new = self._new, {}
        repeats, self._unwritten_repeats = self._unwritten_repeats, 0
        try:
            await self._store.add(self._sink, new)
        except BaseException:
            self._unwritten_repeats += repeats
            for tenant, tally in new.items():
                _add(self._of(tenant), tally)
            raise

    async def write_repeats(self) -> None:
        """As `write`, if there are repeats in what is new."""
        if self._unwritten_repeats:
            await self.write()

    def _of(self, tenant: str) -> Tally:
        return self._new.setdefault(tenant, Tally())


def _add(to: Tally, more: Tally) -> None:
    for name in COUNTED:
        setattr(to, name, getattr(to, name) + getattr(more, name))
    if to.error_at is None:
        to.error, to.error_at = more.error, more.error_at
    to.delivered_at = to.delivered_at or more.delivered_at

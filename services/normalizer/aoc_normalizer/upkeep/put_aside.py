"""What waits for a person, dead letters and quarantined records: what was handled is closed, what is old is let go."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aoc_common.store.review_queues import Selection
from aoc_common.telemetry import logs
from aoc_normalizer import metrics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aoc_common.clock import Clock
    from aoc_common.store.mongo.dead_letters import MongoDeadLetters
    from aoc_common.store.mongo.ledger import MongoLedger
    from aoc_common.store.mongo.quarantine import MongoQuarantine

_log = logs.get(__name__)
#: How often what is old is looked for.
_EXPIRY: Final = timedelta(hours=1)

type StreamBounds = Callable[[], Awaitable[tuple[int, int] | None]]
"""The first and last sequence of AOC_DLQ; None when it is not known now."""


class PutAsideUpkeep:
    """Closes what was handled since, lets go of what is old (counted), and shows how much waits."""

    def __init__(
        self,
        letters: MongoDeadLetters,
        quarantine: MongoQuarantine,
        ledger: MongoLedger,
        bounds: StreamBounds,
        keep: timedelta,
        clock: Clock,
    ) -> None:
        self._letters = letters
        self._quarantine = quarantine
        self._ledger = ledger
        self._bounds = bounds
        self._keep = keep
        self._clock = clock
        self._expired_at = float("-inf")

    async def look_after(self) -> None:
        """One turn. Raises `Transient`."""
        now = self._clock.now()
        await self._letters.look_after(now)
        await self._quarantine.look_after(now)
        if self._clock.monotonic() - self._expired_at >= _EXPIRY.total_seconds():
            await self.expire()
            self._expired_at = self._clock.monotonic()
        for kind, inventory in (("dead letters", self._letters), ("quarantine", self._quarantine)):
            metrics.PUT_ASIDE.labels(kind).set(await inventory.count(Selection()))

    async def expire(self) -> None:
        """Let go of what is old. Nothing goes uncounted. Raises `Transient`."""
        now = self._clock.now()
        await self._quarantine.adopt()
        gone = {
            "letters": await self._letters.expire(now, self._keep, await self._bounds()),
            "records": await self._quarantine.expire(now, self._keep),
            "slices": await self._ledger.lapse(now),
        }
        if any(gone.values()):
            _log.warning("put_aside.expired", **gone)

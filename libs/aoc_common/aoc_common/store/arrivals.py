"""How many records came of each hour, how late, and the newest: what tells a quiet source from one that fell silent.

Every method may raise `Transient` when the store is away. Every query names its tenant.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime


@dataclass(slots=True)
class Arrivals:
    """New records of one source and one day (UTC, when they happened).

    `hours`: hour of the day -> how many. `late`: step of `lateness_step` -> how many. `newest`: when the last happened.
    """

    tenant: str
    source: str
    day: date
    newest: datetime
    hours: Counter[int] = field(default_factory=Counter)
    late: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class RecentArrivals:
    """What is known of a source's arrivals. `usual`: records that an hour with none has usually, if it has.

    `silent_hour`: that hour's beginning.
    """

    last_record: datetime | None = None
    lateness_p95_s: float | None = None
    usual: int | None = None
    silent_hour: datetime | None = None


class ArrivalStore(Protocol):
    """Sums arrivals up."""

    async def add(self, arrivals: Sequence[Arrivals]) -> None:
        """Add these. Not idempotent: each new record is added once."""
        ...

    async def recently(self, tenant: str, complete: Mapping[str, datetime | None]) -> Mapping[str, RecentArrivals]:
        """Source -> what is known of it. `complete`: source -> until when it is complete."""
        ...

    async def lateness(self, tenant: str, now: datetime) -> Mapping[str, Mapping[int, int]]:
        """Source -> step of `lateness_step` -> how many records of the last days came so late."""
        ...


def lateness_step(seconds: float) -> int:
    """The step of a scale on which each is 1.41 times the one before: 0 is up to a second, 34 a day and a half."""
    return 0 if seconds <= 1 else math.ceil(2 * math.log2(seconds))


def percentile(late: Mapping[int, int], share: float) -> float | None:
    """Seconds that this share of records is not later than; the upper end of its step. None without records."""
    total, counted = sum(late.values()), 0
    for step in sorted(late):
        counted += late[step]
        if counted >= share * total:
            return float(round(2 ** (step / 2), 1))
    return None

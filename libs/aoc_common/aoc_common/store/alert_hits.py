"""Which rules matched which events, and the alerts that they are of: a rule fires once for an event.

A hit outlives redelivery, later versions of its event, and the alerter's process. It is what an alert is counted by,
and what correlations look up. Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

#: How long a hit is kept after it was noted: a reader is never given an event that is older on the stream.
HITS_KEPT: Final = timedelta(days=90)

type HitKey = tuple[str, UUID]
"""The ids of a rule and of an event, whose id hashes its tenant."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that has matched an event. `group`: `alert.group_key`; `at`: when the event happened."""

    tenant: str
    rule: str
    event: UUID
    at: datetime
    group: str
    alert: UUID

    @property
    def key(self) -> HitKey:
        """What makes it the same as one before it."""
        return self.rule, self.event


class HitStore(Protocol):
    """Keeps hits."""

    async def known(self, keys: Collection[HitKey]) -> Mapping[HitKey, UUID]:
        """The alerts of those of these that are noted."""
        ...

    async def add(self, hits: Sequence[Hit]) -> Mapping[HitKey, UUID]:
        """Note hits, and give the alert of each. Idempotent: one that was noted before stays as it was."""
        ...

    async def count(self, tenant: str, alert: UUID, most: int) -> int:
        """How many are of an alert, at most `most`."""
        ...

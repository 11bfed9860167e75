"""Which alerts a rule has made of events that have the same in common, and of which stretch of time each is.

Whoever gives an event to an alert changes the group by compare-and-set: so replicas agree on which alert it is. Every
method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

#: Alerts of one group that are known: those that were extended last.
MOST_SPANS: Final = 500


@dataclass(frozen=True, slots=True)
class Span:
    """When the earliest and the latest event of an alert happened."""

    alert: UUID
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """Alerts of one rule and group, the one that was extended last at the end. `key`: `alert.group_key`.

    `revision`: 0 of one that is not stored yet.
    """

    key: str
    tenant: str
    revision: int = 0
    spans: tuple[Span, ...] = ()


class AlertGroupStore(Protocol):
    """Keeps groups for as long as events can still join them."""

    async def read(self, keys: Collection[str]) -> Mapping[str, AlertGroup]:
        """Those of these groups that are there."""
        ...

    async def write(self, groups: Sequence[AlertGroup]) -> frozenset[str]:
        """Store each with the next revision if it still has its own; the keys of those that had."""
        ...

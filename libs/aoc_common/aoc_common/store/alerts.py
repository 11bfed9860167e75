"""Alerts, each with what of it is to be published. Every method may raise `Transient` when the store is away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from aoc_common.contracts.alert import Alert
    from aoc_common.contracts.alert_message import AlertMessage

#: Revisions of one alert that may wait to be published.
MOST_WAITING: Final = 50


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert as it was read. `edition`: counts each time that it was written, also without a new revision.

    `waiting`: revisions that are still to be published.
    """

    alert: Alert
    edition: int
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class AlertWrite:
    """An alert in place of what was read; `before`: None for a new one. `message`: what is to be published of it."""

    after: Alert
    before: StoredAlert | None
    message: AlertMessage | None


class AlertStore(Protocol):
    """Keeps alerts."""

    async def of(self, ids: Collection[UUID]) -> Mapping[UUID, StoredAlert]:
        """Those of these alerts that are there. For the alerter: ids hash the tenant."""
        ...

    async def write(self, writes: Sequence[AlertWrite]) -> frozenset[UUID]:
        """Store each, and what is to be published of it, if it is still as it was read; the ids of those that were."""
        ...

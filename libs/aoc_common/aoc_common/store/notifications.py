"""Which alerts are to be told by which routes, and were. Every method may raise `Transient` when the store is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.contracts.notifications import Notification, RouteRequest, Settled


class NotificationStore(Protocol):
    """A document for each alert and route, as long as the alert may be kept."""

    async def want(self, wants: Sequence[RouteRequest], now: datetime) -> None:
        """Have these told that were not told with that severity or a higher one, or what else they ask. Idempotent."""
        ...

    async def due(self, route: str, now: datetime, most: int, latest: datetime) -> Sequence[Notification]:
        """Those of a route that wait and may be sent now, at most so many, the longest due first.

        Where there is none: those that are to wait until after `latest`. A clock that was ahead has put them off.
        """
        ...

    async def sending(self, notifications: Sequence[Notification]) -> None:
        """They are about to be sent."""
        ...

    async def settle(self, settled: Sequence[Settled], now: datetime) -> None:
        """What came of them. One that became more severe meanwhile waits again."""
        ...

    async def retry(self, route: str, tenant: str, alert: UUID, now: datetime) -> bool:
        """Have one told once more that was given up; whether it is there."""
        ...

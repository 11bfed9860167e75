"""How routes of notifications fare. Every method may raise `Transient` when the store is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aoc_common.contracts.notifications import Counted, RouteState


class NotificationRouteStore(Protocol):
    """What alerters say of the routes that they serve."""

    async def all(self) -> Sequence[RouteState]:
        """Every route, by name."""
        ...

    async def tell(self, state: RouteState, added: Counted) -> None:
        """Say how it fares, and add to what it did. Numbers of the state are not written, but for those that wait."""
        ...

    async def backlog(self, route: str) -> tuple[int, datetime | None]:
        """How many notifications wait, and since when the one does that waits longest."""
        ...

    async def forget(self, route: str) -> None:
        """The route is no more, and what waits for it is not sent."""
        ...

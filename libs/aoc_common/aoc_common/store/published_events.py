"""Stored events as they were published. Every method may raise `Transient`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from aoc_common.contracts.event_message import EventMessage
    from aoc_common.contracts.publications import Position


class PublishedEvents(Protocol):
    """Events of all tenants, for who sends them on."""

    async def messages(self, entries: Sequence[tuple[Position, str, str]]) -> list[EventMessage | None]:
        """The message of each of these (place, `Nats-Msg-Id`, tenant), at most 50; None for one that is gone."""
        ...

    async def tenant_of(self, event: UUID) -> str | None:
        """Whose event it is; None when it is stored no more."""
        ...

    async def newest(self, tenants: Collection[str]) -> str | None:
        """The id of an event of one of these tenants, or of any, that happened lately; None when there is none."""
        ...

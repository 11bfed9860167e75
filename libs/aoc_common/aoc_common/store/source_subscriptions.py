"""Whether the subscriptions of sources run.

Every method may raise `Transient` when the store is away. Every query names its tenant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from aoc_common.store.sources import SourceStates

if TYPE_CHECKING:
    from datetime import datetime


class SourceSubscriptions(SourceStates, Protocol):
    """Notes what was seen of a source's subscription."""

    async def note_subscribed(self, tenant: str, source: str, at: datetime) -> None:
        """Its subscription was started: the first content can take 12 hours."""
        ...

    async def note_unsubscribed(self, tenant: str, source: str, since: datetime | None) -> None:
        """Its subscription does not run, and was seen to until `since`; None when that is accounted for."""
        ...

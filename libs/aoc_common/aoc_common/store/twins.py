"""What the normalizer asks of storage to link twins. `store.mongo.twins` implements it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.contracts.twins import Candidate, TwinLink


class TwinStore(Protocol):
    """Claims of twins: an event is in one link at most, however many replicas try at once."""

    async def near(self, tenant: str, keys: Collection[str]) -> list[Candidate]:
        """The stored events of a tenant with these keys that are in no link yet; of each key a bounded number.

        So a flood under one key costs links under that key alone.
        """
        ...

    async def claim(self, links: Sequence[TwinLink], at: datetime) -> set[int]:
        """Make links; the indices of those that were refused, because one of the two is in another link.

        A link that exists already counts as refused too: `links` tells who stands first in it.
        """
        ...

    async def links(self, ids: Collection[UUID]) -> list[TwinLink]:
        """The links that these events are in: by their claims, where those are forgotten by what the events say."""
        ...

    async def decide(self, links: Sequence[TwinLink], pages: Collection[str], at: datetime) -> None:
        """Write the links on their events, then note that all twins of these raw pages are decided. Idempotent.

        Who is first is kept as long as its second: it stands for both.
        """
        ...

    async def decided(self, pages: Collection[str]) -> set[str]:
        """Those of these raw pages whose twins are decided."""
        ...

"""What the ledger knows of raw pages that are in work.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from aoc_common.store.pages import PublishedPage


class PageStates(Protocol):
    """Tells who works on a page what became of it elsewhere."""

    async def settled(self, pages: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of these pages (slice id, page) that the normalizer is done with; not those that it gave up."""
        ...

    async def lost(self, pages: Collection[str]) -> set[str]:
        """Those of these pages that were lost on the bus before they were settled."""
        ...

    async def returned(self, pages: Sequence[PublishedPage]) -> None:
        """These pages were lost on the bus, and are there again (`sequence`: 0 where that is unknown). Idempotent."""
        ...

    async def taking_on(self, pages: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of these pages (slice id, page) that may take on what lost pages had stored: those not yet settled.

        It is counted at them first, each time, so that nobody settles one who does not know of it.
        """
        ...

"""What a lost page had stored becomes the property of a page that brings the same again: who may take it on.

A page may be in work twice at once, and its other delivery may have taken its records for duplicates of the page that
is gone only now. So it takes on only what that delivery will hear of: none settles a page of which it does not know
how often it took something on, and what is settled takes on nothing. The lost page's time is collected again, and so
there comes a page that may.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.store.page_states import PageStates
    from aoc_common.store.sightings import Adoption, EventSightings
    from aoc_normalizer.write.batch import Batch, PageInWork


class Adopting:
    """Takes on what lost pages had stored. What a delivery leaves half done the next one does."""

    def __init__(self, sightings: EventSightings, ledger: PageStates) -> None:
        self._sightings = sightings
        self._ledger = ledger

    async def of_lost(self, batch: Batch, wanted: Sequence[tuple[PageInWork, Adoption]]) -> list[Adoption]:
        """Take on each of these for its page, unless that is settled; those that were. Raises `Transient`."""
        if not wanted:
            return []
        may = await self._ledger.taking_on({page.key for page, _ in wanted})
        batch.adoptions.update(may)
        # Of several pages that bring the same, the first that may.
        taken = {(one.event, one.number): one for page, one in reversed(wanted) if page.key in may}
        await self._sightings.adopt([*taken.values()])
        return [*taken.values()]

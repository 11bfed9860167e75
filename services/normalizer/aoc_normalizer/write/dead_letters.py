"""Raw pages that were given up: the dead letter, and the page's outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.contracts import subjects
from aoc_common.contracts.raw import RawPage
from aoc_common.errors import Malformed
from aoc_common.store.mongo.outcomes import page_key
from aoc_common.store.page_ledger import PageOutcome
from aoc_normalizer import metrics
from aoc_normalizer.reading.split import split

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aoc_common.contracts.dead_letters import DeadLetter
    from aoc_common.store.dead_letters import DeadLetterStore

type GiveUp = Callable[[PageOutcome], Awaitable[bool]]
"""Notes in the ledger that a page was given up; False, and nothing, when it is settled already. Raises `Transient`."""


class PageDeadLetters:
    """`DeadLetterRecorder` of raw pages: records the letter, then the outcome of its page, so its slice settles."""

    def __init__(self, letters: DeadLetterStore, give_up: GiveUp) -> None:
        self._letters = letters
        self._give_up = give_up

    async def put(self, letter: DeadLetter) -> bool:
        """Put a page on record; whether its body is kept there. Raises `Transient`."""
        records = _records(letter.body)
        page = _page(letter)
        if page is None:
            return await self._letters.put(letter, records, "")
        kept = await self._letters.put(letter, records, page_key(page.slice_id, page.id))
        outcome = PageOutcome(
            page=page.id,
            tenant=page.tenant,
            source=page.source,
            slice_id=page.slice_id,
            stored=0,
            duplicate=0,
            quarantined=0,
            at=letter.at,
            dead_lettered=records,
        )
        if not await self._give_up(outcome):
            # Another replica, or this one before, was done with it: what failed now changes nothing.
            await self._letters.handled([letter.key], letter.at)
        metrics.PAGES_NORMALIZED.labels("dead-lettered").inc()
        return kept

    async def known(self, letter: DeadLetter) -> bool:
        """Whether the message is that of the letter that it says to be."""
        return await self._letters.known(letter)

    async def copied(self, letter: DeadLetter, sequence: int) -> None:
        """Its copy has this sequence in AOC_DLQ."""
        await self._letters.copied(letter, sequence)


def _page(letter: DeadLetter) -> RawPage | None:
    """The page in a letter; None when its headers are none of ours: no slice waits for it then."""
    if letter.stream != subjects.RAW_STREAM:
        return None
    try:
        return RawPage.from_message(letter.subject, letter.headers, letter.body)
    except Malformed:
        return None


def _records(body: bytes) -> int:
    """How many records a page holds, at least 1: the defect may be in the cutting itself."""
    try:
        records, broken = split(body)
    except Exception:  # noqa: BLE001  # whatever is wrong with it, it is one page that was given up
        return 1
    return max(1, len(records) + len(broken))

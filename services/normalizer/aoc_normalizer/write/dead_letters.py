"""Raw pages that were given up: their account, and the care for all that waits for a person."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import subjects
from aoc_common.contracts.raw import RawPage
from aoc_common.errors import Malformed
from aoc_common.store.mongo.outcomes import page_key
from aoc_common.store.page_ledger import PageOutcome
from aoc_common.store.shelves import Selection
from aoc_common.telemetry import logs
from aoc_normalizer import metrics
from aoc_normalizer.reading.split import split

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aoc_common.clock import Clock
    from aoc_common.contracts.letters import DeadLetter
    from aoc_common.store.dead_letters import DeadLetterStore
    from aoc_common.store.mongo.dead_letters import MongoDeadLetters
    from aoc_common.store.mongo.ledger import MongoLedger
    from aoc_common.store.mongo.quarantine import MongoQuarantine

_log = logs.get(__name__)
#: How often what is old is looked for.
_EXPIRY: Final = timedelta(hours=1)

type GiveUp = Callable[[PageOutcome], Awaitable[bool]]
"""Notes in the ledger that a page was given up; False, and nothing, when it is settled already. Raises `Transient`."""
type StreamBounds = Callable[[], Awaitable[tuple[int, int] | None]]
"""The first and last sequence of AOC_DLQ; None when it cannot be told now."""


class PageAccount:
    """`bus.letters.Account` of raw pages: the letter, then the page's outcome, so that its slice settles."""

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


class Caretaker:
    """Closes what was handled since, lets go of what is old (counted), and shows how much waits."""

    def __init__(
        self,
        letters: MongoDeadLetters,
        quarantine: MongoQuarantine,
        ledger: MongoLedger,
        bounds: StreamBounds,
        keep: timedelta,
        clock: Clock,
    ) -> None:
        self._letters = letters
        self._quarantine = quarantine
        self._ledger = ledger
        self._bounds = bounds
        self._keep = keep
        self._clock = clock
        self._expired_at = float("-inf")

    async def look_after(self) -> None:
        """One turn. Raises `Transient`."""
        now = self._clock.now()
        await self._letters.look_after(now)
        await self._quarantine.look_after(now)
        if self._clock.monotonic() - self._expired_at >= _EXPIRY.total_seconds():
            await self.expire()
            self._expired_at = self._clock.monotonic()
        for kind, shelf in (("dead letters", self._letters), ("quarantine", self._quarantine)):
            metrics.PUT_ASIDE.labels(kind).set(await shelf.count(Selection()))

    async def expire(self) -> None:
        """Let go of what is old. Nothing goes uncounted. Raises `Transient`."""
        now = self._clock.now()
        await self._quarantine.adopt()
        gone = {
            "letters": await self._letters.expire(now, self._keep, await self._bounds()),
            "records": await self._quarantine.expire(now, self._keep),
            "slices": await self._ledger.lapse(now),
        }
        if any(gone.values()):
            _log.warning("put_aside.expired", **gone)

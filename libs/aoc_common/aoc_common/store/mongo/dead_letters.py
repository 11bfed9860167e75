"""The durable account of dead letters: kept whatever becomes of AOC_DLQ."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from bson.binary import Binary
from pymongo.errors import DuplicateKeyError

from aoc_common.store.mongo.client import Database, Document, translated
from aoc_common.store.mongo.review_queues import MongoReviewQueue
from aoc_common.store.review_queues import ItemState, Selection

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from aoc_common.contracts.dead_letters import DeadLetter

#: Bytes of a body that is kept here; MongoDB's documents end at 16 MiB. Larger ones are on AOC_DLQ alone.
LARGEST_STORED_BODY: Final = 12 * 1024 * 1024


class MongoDeadLetters(MongoReviewQueue):
    """`DeadLetterStore` and `ReviewQueue` over `dead_letters`."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, "dead_letters", "body")

    async def put(self, letter: DeadLetter, records: int, page: str) -> bool:
        """Put a letter on record, as open; whether its body is kept here."""
        stored = len(letter.body) <= LARGEST_STORED_BODY
        first: Document = {
            "service": letter.service,
            "tenant": letter.tenant,
            "source": letter.source,
            "slice_id": letter.slice_id,
            "stream": letter.stream,
            "sequence": letter.sequence,
            "subject": letter.subject,
            # Pairs: what a message calls its headers never becomes a field's name.
            "headers": [list(pair) for pair in letter.headers.items()],
            "size": len(letter.body),
            "at": letter.at,
            **({"body": Binary(letter.body)} if stored else {}),
        }
        reopened: Document = {
            "state": ItemState.OPEN.value,
            "reason": letter.reason,
            "records": records,
            "settled_by": page,
            "failed_at": letter.at,
        }
        # One that was discarded stays so: its message comes again when the acknowledgement went astray.
        with translated("dead_letters"), suppress(DuplicateKeyError):
            await self._items.update_one(
                {"_id": letter.key, "state": {"$ne": ItemState.DISCARDED.value}},
                {"$set": reopened, "$setOnInsert": first, "$unset": {"asked_at": "", "decided_at": ""}},
                upsert=True,
            )
        return stored

    async def known(self, letter: DeadLetter) -> bool:
        """Whether the message is that of the letter that it says to be: what it says may be another's."""
        with translated("dead_letters"):
            document = await self._items.find_one({"_id": letter.retry_of}, {"subject": 1, "size": 1, "body": 1})
        return (
            document is not None
            and (document["subject"], document["size"]) == (letter.subject, len(letter.body))
            and document.get("body", letter.body) == letter.body
        )

    async def copied(self, letter: DeadLetter, sequence: int) -> None:
        """The letter's copy has this sequence in AOC_DLQ; there alone is its body."""
        with translated("dead_letters"):
            await self._items.update_one({"_id": letter.key}, {"$set": {"copy": sequence}})

    async def lapsed(self, key: str, at: datetime) -> None:
        """The content of a letter is gone."""
        await self._expire({"_id": key}, at)

    async def expire(self, at: datetime, retention: timedelta, stream: tuple[int, int] | None) -> int:
        """Let go of content that is older than `keep`, and note what AOC_DLQ has dropped; how many open letters.

        `stream`: the first and last sequence of AOC_DLQ; None when that is not known. The account itself stays: an
        open letter whose content is gone is a permanent gap, others are evidence of a decision.
        """
        old = await self._expire({"at": {"$lte": at - retention}}, at)
        with translated("dead_letters"):
            await self._items.update_many(
                {"at": {"$lte": at - retention}, "body": {"$exists": True}}, {"$unset": {"body": ""}}
            )
        if stream is None:
            return old
        first, last = stream
        outside = {"$or": [{"copy": {"$lt": first}}, {"copy": {"$gt": last}}]}
        return old + await self._expire({"body": {"$exists": False}, **outside}, at)

    async def _expire(self, which: Document, at: datetime) -> int:
        with translated("dead_letters"):
            done = await self._items.update_many(
                {"state": ItemState.OPEN.value, **which},
                {"$set": {"state": ItemState.EXPIRED.value, "decided_at": at}, "$unset": {"body": ""}},
            )
        return int(done.modified_count)


class JobDeadLetters:
    """`bus.dead_letters.DeadLetterRecorder` of messages that have no page in the ledger."""

    def __init__(self, letters: MongoDeadLetters) -> None:
        self._letters = letters

    async def put(self, letter: DeadLetter) -> bool:
        """Put a letter on record; whether its body is kept there."""
        return await self._letters.put(letter, 1, "")

    async def known(self, letter: DeadLetter) -> bool:
        """Whether the message is that of the letter that it says to be."""
        return await self._letters.known(letter)

    async def copied(self, letter: DeadLetter, sequence: int) -> None:
        """Its copy has this sequence in AOC_DLQ."""
        await self._letters.copied(letter, sequence)


async def waiting(database: Database) -> str | None:
    """How many dead letters wait for a decision, in words; None when none does. Raises `Unreachable`."""
    count = await MongoDeadLetters(database).count(Selection())
    return f"{count} wait for a decision" if count else None

"""The search terms of stored events, window by window back in time, so that they can be made anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from pymongo import UpdateOne

from aoc_common.contracts.ids import to_ms
from aoc_common.store.mongo.client import translated
from aoc_common.store.mongo.term_edition import TOP, MongoTermEdition
from aoc_common.store.mongo.vocabulary import MongoVocabulary

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from datetime import datetime

    from aoc_common.store.mongo.client import Database, Document

#: Milliseconds in an id: 80 bits stand below them.
_MS: Final = 1 << 80
_HOUR: Final = 3_600_000 * _MS
#: Documents of one window: with fewer the next one is twice as wide, with more half as wide.
_FEW: Final = 500
_MANY: Final = 4_000
_TOGETHER: Final = 500
#: ... and characters of fields that no mapper reads, of which an event may have 4 MiB.
_CHARACTERS: Final = 16 * 1024 * 1024
_FIELDS: Final[Mapping[str, Any]] = {
    "tenant": 1, "terms": 1, "ip": 1, "operation": 1, "result": 1, "expire_at": 1, "version": 1, "event.message": 1,
    "event.status_detail": 1, "event.api.request.data": 1, "unmapped": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredTerms:
    """What the terms of an event can be made of without its record.

    `lasting`: an event with versions is found by the terms of all of them, so none is taken away. `unmapped`: the
    fields that no mapper reads, as JSON.
    """

    id: UUID
    tenant: str
    terms: tuple[str, ...]
    ip: str | None
    operation: str
    failed: bool
    message: str
    detail: str | None
    request: Mapping[str, Any]
    expire_at: datetime
    lasting: bool
    unmapped: str | None = None


class MongoStoredTerms:
    """Reads them from the newest event to the oldest, and writes them. Goes on where another run ended."""

    def __init__(self, database: Database) -> None:
        self._events = database["events"]
        self._edition = MongoTermEdition(database)
        self._vocabulary = MongoVocabulary(database)

    async def batches(self, now: datetime) -> AsyncGenerator[list[StoredTerms]]:
        """Events whose terms are of an edition of before. What was yielded is noted as done when the next is asked for.

        A window of ids at a time: the local server reads all that a range holds before it sorts.
        """
        position = await self._edition.position()
        high = 0 if position is None else position.int
        width = _HOUR
        # What is still to come is one window, as a rule an empty one.
        low = to_ms(now) * _MS if position == TOP else max(high - width, 0)
        while high > 0:
            count = 0
            async for batch in self._between(low, high):
                count += len(batch)
                yield batch
            await self._edition.move(UUID(int=low))
            width = width * 2 if count < _FEW else max(width // 2, _MS) if count > _MANY else width
            high, low = low, max(low - width, 0)
        await self._edition.move(None)

    async def _between(self, low: int, high: int) -> AsyncGenerator[list[StoredTerms]]:
        batch: list[StoredTerms] = []
        size = 0
        with translated("events"):
            in_window = {"_id": {"$gte": UUID(int=low), "$lt": UUID(int=high)}}
            async for document in self._events.find(in_window, _FIELDS).batch_size(_TOGETHER):
                # Of what retention has left only the id, nothing is found.
                if "event" in document:
                    batch.append(_read(document))
                    size += len(batch[-1].unmapped or "")
                if len(batch) == _TOGETHER or size > _CHARACTERS:
                    yield batch
                    batch, size = [], 0
        if batch:
            yield batch

    async def write(self, renewed: Sequence[tuple[StoredTerms, tuple[str, ...]]]) -> int:
        """Give events other terms; how many have changed. Raises `Transient`."""
        changed = [(stored, terms) for stored, terms in renewed if stored.terms != terms]
        for stored, terms in renewed:
            self._vocabulary.note(stored.tenant, terms, stored.expire_at)
        await self._vocabulary.write()
        if changed:
            writes: list[Any] = []
            for stored, terms in changed:
                added = {"$addToSet": {"terms": {"$each": list(terms)}}}
                change = added if stored.lasting else {"$set": {"terms": list(terms)}}
                # Not where it was mapped again meanwhile, which made its terms anew.
                writes.append(UpdateOne({"_id": stored.id, "terms": list(stored.terms)}, change))
            with translated("events"):
                await self._events.bulk_write(writes, ordered=False)
        return len(changed)


def _read(document: Document) -> StoredTerms:
    event = document["event"]
    request = event.get("api", {}).get("request", {}).get("data", {})
    return StoredTerms(
        id=document["_id"],
        tenant=document["tenant"],
        terms=tuple(document["terms"]),
        ip=document.get("ip"),
        operation=document["operation"],
        failed=document["result"] == "failure",
        message=event.get("message", ""),
        detail=event.get("status_detail"),
        request=request,
        expire_at=document["expire_at"],
        lasting="version" in document,
        unmapped=document.get("unmapped"),
    )

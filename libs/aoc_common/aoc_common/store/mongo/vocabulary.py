"""The `vocabulary` collection: each word of each tenant once, as `_id` (tenant, a blank, word) makes sure.

It turns the beginning of a word into whole words, which the index over terms serves newest first, and finds what a
misspelt word may mean. A word is in it before the first event that has it, and leaves after the last one has expired.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from aoc_common.contracts import terms
from aoc_common.contracts.query.alike import closest
from aoc_common.contracts.subjects import check_tenant
from aoc_common.errors import Unreachable
from aoc_common.store.mongo.client import translated
from aoc_common.store.mongo.term_edition import MongoTermEdition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from aoc_common.contracts.query.filters import Span
    from aoc_common.store.mongo.client import Database, Document

#: A word's end is put off at most once in this time, not with every event that has it.
_SLACK: Final = timedelta(days=30)
_TOGETHER: Final = 1_000
#: Words that one process remembers to have written, of all tenants together.
_REMEMBERED: Final = 100_000
#: Words that are read to find those that are like another one.
_READ: Final = 100_000
_LAST: Final = "\U0010ffff"
_DUPLICATE_KEY: Final = 11000
_NONE: Final[Mapping[str, datetime]] = {}


class MongoVocabulary:
    """`Vocabulary` over `vocabulary`, and writing it."""

    def __init__(self, database: Database) -> None:
        self._words = database["vocabulary"]
        self._edition = MongoTermEdition(database)
        #: Tenant -> word -> until when it is there. What is `new` is not there for sure.
        self._written: dict[str, dict[str, datetime]] = {}
        self._new: dict[str, dict[str, datetime]] = {}
        self._learning = asyncio.Lock()

    def note(self, tenant: str, of_event: Iterable[str], until: datetime) -> None:
        """Remember the terms of an event that expires then. `write` writes them."""
        written, new = self._written.get(tenant, _NONE), self._new.get(tenant, _NONE)
        for term in of_event:
            known = written.get(term) or new.get(term)
            # Half of the terms are ids, which are never known: `is_word` says so at its first look.
            if (known is None and terms.is_word(term)) or (known is not None and known < until):
                new = self._new.setdefault(tenant, {})
                new[term] = until + _SLACK

    def forget_tenant(self, tenant: str) -> None:
        """A tenant was deleted: its words are not there any more."""
        for words in (self._written, self._new):
            words.pop(tenant, None)

    async def write(self) -> None:
        """Write what was noted, before the events are. Raises `Transient`; what was noted comes with the next try."""
        if not self._new:
            return
        async with self._learning:  # who comes meanwhile waits for these words, instead of writing them too
            # They stay noted meanwhile: the next try has them if this one fails.
            new = {tenant: dict(words) for tenant, words in self._new.items()}
            listed = ((f"{tenant} {word}", until) for tenant, words in new.items() for word, until in words.items())
            for together in batched(listed, _TOGETHER):
                with translated("vocabulary"):
                    await self._write(together)
            if sum(len(words) for held in (self._written, new) for words in held.values()) > _REMEMBERED:
                self._written.clear()
            for tenant, words in new.items():
                self._written.setdefault(tenant, {}).update(words)
            left = {tenant: _without(words, new.get(tenant, _NONE)) for tenant, words in self._new.items()}
            self._new = {tenant: words for tenant, words in left.items() if words}

    async def _write(self, words: Sequence[tuple[str, datetime]]) -> None:
        """A new word costs one insert; one of before is put off."""
        try:
            await self._words.insert_many([_document(key, until) for key, until in words], ordered=False)
        except BulkWriteError as error:
            refused = error.details.get("writeErrors", [])
            if other := next((failure for failure in refused if failure["code"] != _DUPLICATE_KEY), None):
                raise Unreachable(f"vocabulary: {str(other.get('errmsg'))[:300]}") from error
            puts_off: list[Any] = []
            for failure in refused:
                key, until = words[failure["index"]]
                puts_off.append(UpdateOne({"_id": key}, {"$max": {"expire_at": until}}))
            await self._words.bulk_write(puts_off, ordered=False)

    async def words(self, tenant: str, span: Span, most: int) -> list[str] | None:
        """The terms of a span, in order; None when there are more than `most`, or not all of them are known."""
        if not terms.is_word(span.first) or terms.may_begin_id(span.first) or not await self._edition.is_complete():
            return None
        known = await self._between(tenant, span.first, span.last, most + 1)
        return known if len(known) <= most else None

    async def alike(self, tenant: str, word: str, most: int) -> list[str]:
        """Known words that `word` may be a misspelling of; first among those that begin alike, as most do."""
        for first in (word[:1], ""):
            known = await self._between(tenant, first, f"{first}{_LAST}", _READ)
            matches = closest(word, known)
            if matches:
                return matches[:most]
        return []

    async def knows(self, tenant: str, word: str) -> bool:
        """Whether an event was stored with this word."""
        with translated("vocabulary"):
            return await self._words.find_one({"_id": f"{check_tenant(tenant)} {word}"}) is not None

    async def _between(self, tenant: str, first: str, last: str, most: int) -> list[str]:
        query = {"tenant": check_tenant(tenant), "word": {"$gte": first, "$lte": last}}
        with translated("vocabulary"):
            documents = await self._words.find(query, {"word": 1}).limit(most).to_list(None)
        return sorted(document["word"] for document in documents)


def _without(words: Mapping[str, datetime], written: Mapping[str, datetime]) -> dict[str, datetime]:
    """Those of the words that were not written, or are to stay for longer than was written."""
    return {word: until for word, until in words.items() if written.get(word) != until}


def _document(key: str, until: datetime) -> Document:
    tenant, _, word = key.partition(" ")
    return {"_id": key, "tenant": tenant, "word": word, "expire_at": until}

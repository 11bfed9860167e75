"""Searches that ask for tags, which stand beside the events (`event_notes`).

| the query has | how it is executed |
| --- | --- |
| tags that must be there | along the index of tags, newest first; the events of these ids, filtered by all else |
| only tags that must not | as without them; of what is found, what has them is left out |

Both go on until there is enough, or the pace ends them; then it is said where they stopped.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import batched
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from pymongo import DESCENDING

from aoc_common.errors import TimedOut, Unreachable
from aoc_common.store.mongo.access_paths import TOP
from aoc_common.store.mongo.client import BATCH_SIZE
from aoc_common.store.mongo.event_walk import SearchResult

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from aoc_common.contracts.query.filters import Check, Clause
    from aoc_common.store.mongo.access_paths import CompiledQuery
    from aoc_common.store.mongo.client import Database, Document
    from aoc_common.store.mongo.visible_events import Find
    from aoc_common.store.pace import Pace
    from aoc_common.store.searches import EventQuery

type Compile = Callable[[EventQuery], Awaitable[CompiledQuery]]

#: Events that are looked at together, at least, where some are left out.
_LEAST: Final = 16


def asks_for_tags(query: EventQuery) -> bool:
    """Whether a query can be executed here only."""
    return any(clause.field == "tag" for clause in query.where)


class TagSearch:
    """Executes them. `find`: a search without tags. Every method may raise the driver's errors, `Transient`."""

    def __init__(self, database: Database, compile_query: Compile, find: Find) -> None:
        self._notes = database["event_notes"]
        self._events = database["events"]
        self._compiled = compile_query
        self._find = find

    async def find(self, query: EventQuery, limit: int, fields: Mapping[str, Any], pace: Pace) -> SearchResult:
        """The newest `limit` documents that match."""
        tags = [clause for clause in query.where if clause.field == "tag"]
        rest = replace(query, where=tuple(clause for clause in query.where if clause.field != "tag"))
        if all(clause.excluded for clause in tags):
            return await self._leaving_out(rest, tags, limit, fields, pace)
        return await self._along_tags(rest, tags, limit, fields, pace)

    async def _along_tags(
        self, rest: EventQuery, tags: Sequence[Clause], limit: int, fields: Mapping[str, Any], pace: Pace
    ) -> SearchResult:
        compiled = await self._compiled(rest)
        documents: list[Document] = []
        if not compiled.paths:
            return SearchResult(documents)
        residual, high = compiled.paths[-1].residual, compiled.high
        while True:
            async with pace.turn() as seconds:
                if seconds is None:
                    return SearchResult(documents, UUID(int=high) if high < TOP else None)
                noted = await self._noted(rest.tenant, tags, (compiled.low, high))
                if noted:
                    selected: Document = {"tenant": rest.tenant, "_id": {"$in": noted}}
                    if residual:
                        selected["$and"] = [residual]
                    cursor = self._events.find(selected, fields).sort("_id", DESCENDING)
                    documents += await cursor.to_list(None)
            if len(documents) >= limit or len(noted) < BATCH_SIZE:
                return SearchResult(documents[:limit])
            high = noted[-1].int

    async def _noted(self, tenant: str, tags: Sequence[Clause], ids: tuple[int, int]) -> list[UUID]:
        """The next events with such tags: at most `BATCH_SIZE`, the newest first."""
        low, high = ids
        between = {"$gte": UUID(int=low)} | ({"$lt": UUID(int=high)} if high < TOP else {})
        query = {"tenant": tenant, "$and": [{"_id": between}, *map(_condition, tags)]}
        cursor = self._notes.find(query, {"_id": 1}).sort("_id", DESCENDING).limit(BATCH_SIZE)
        return [document["_id"] for document in await cursor.to_list(BATCH_SIZE)]

    async def _leaving_out(
        self, rest: EventQuery, tags: Sequence[Clause], limit: int, fields: Mapping[str, Any], pace: Pace
    ) -> SearchResult:
        asked, documents = rest, list[Any]()
        while True:
            size = max(limit - len(documents), _LEAST)
            try:
                result = await self._find(asked, size, fields, pace)
            except (Unreachable, TimedOut):
                if asked.before is rest.before:
                    raise
                # There was no time for more.
                return SearchResult(documents, asked.before)
            unwanted = await self._having(rest.tenant, tags, [document["_id"] for document in result.documents])
            documents += [document for document in result.documents if document["_id"] not in unwanted]
            if len(documents) >= limit:
                return SearchResult(documents[:limit])
            if len(result.documents) < size:
                return SearchResult(documents, result.searched_to)
            asked = replace(asked, before=result.documents[-1]["_id"])

    async def _having(self, tenant: str, tags: Sequence[Clause], ids: Sequence[UUID]) -> set[UUID]:
        """Those of these events that have a tag which is left out."""
        found: set[UUID] = set()
        unwanted = [_any(clause) for clause in tags]
        for some in batched(ids, BATCH_SIZE):
            query = {"tenant": tenant, "_id": {"$in": list(some)}, "$or": unwanted}
            found |= {document["_id"] async for document in self._notes.find(query, {"_id": 1})}
        return found


def _condition(clause: Clause) -> Document:
    return {"$nor": [_any(clause)]} if clause.excluded else _any(clause)


def _any(clause: Clause) -> Document:
    """The notes that have one of a clause's tags."""
    checks = [value.check for value in clause.values if value.check is not None]
    conditions = [*_equal(checks), *({"tags": {"$regex": "^" + re.escape(one.text)}} for one in checks if _begins(one))]
    return conditions[0] if len(conditions) == 1 else {"$or": conditions}


def _equal(checks: Iterable[Check]) -> list[Document]:
    texts = sorted({one.text for one in checks if not _begins(one)})
    return [] if not texts else [{"tags": texts[0] if len(texts) == 1 else {"$in": texts}}]


def _begins(check: Check) -> bool:
    return check.kind == "start"

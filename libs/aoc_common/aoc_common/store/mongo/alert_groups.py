"""The `alert_groups` collection. `_id` is `alert.group_key`."""

from __future__ import annotations

from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Final

from aoc_common.clock import Clock, SystemClock
from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.alert_groups import MOST_SPANS, AlertGroup, Span
from aoc_common.store.alert_hits import HITS_KEPT
from aoc_common.store.mongo.client import BATCH_SIZE, Database, translated
from aoc_common.store.mongo.compare_and_set import compare_and_set

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from aoc_common.store.mongo.client import Document

#: A group outlives the hits in it: an event whose hit is known needs none.
_KEPT: Final = HITS_KEPT + timedelta(days=1)


class MongoAlertGroups:
    """`AlertGroupStore` over `alert_groups`."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._groups = database["alert_groups"]
        self._clock = clock or SystemClock()

    async def read(self, keys: Collection[str]) -> Mapping[str, AlertGroup]:
        """Those of these groups that are there."""
        found: dict[str, AlertGroup] = {}
        with translated("alert groups"):
            for some in batched(keys, BATCH_SIZE):
                async for one in self._groups.find({"_id": {"$in": list(some)}}):
                    found[one["_id"]] = _group(one)
        return found

    async def write(self, groups: Sequence[AlertGroup]) -> frozenset[str]:
        """Store each with the next revision if it still has its own; the keys of those that had."""
        until = self._clock.now() + _KEPT
        updates = [
            (
                {"_id": group.key, "tenant": check_tenant(group.tenant), "revision": group.revision},
                {"$set": {"spans": [_span(span) for span in group.spans[-MOST_SPANS:]], "expire_at": until}},
            )
            for group in groups
        ]
        with translated("alert groups"):
            return await compare_and_set(self._groups, updates, "revision")


def _group(document: Document) -> AlertGroup:
    spans = tuple(Span(one["alert"], one["first"], one["last"]) for one in document["spans"])
    return AlertGroup(document["_id"], document["tenant"], document["revision"], spans)


def _span(span: Span) -> Document:
    return {"alert": span.alert, "first": span.first, "last": span.last}

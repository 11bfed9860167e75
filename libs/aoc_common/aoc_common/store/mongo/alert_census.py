"""All alerts and hits, for operators' tools. Not for requests: nothing here is bound to one tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.store.alert_hits import Hit
from aoc_common.store.mongo.alerts import stored_of
from aoc_common.store.mongo.client import Database, translated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aoc_common.store.alerts import StoredAlert


class MongoAlertCensus:
    """Lists over all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def alerts(self) -> AsyncIterator[StoredAlert]:
        """Every alert."""
        bodies = {"outbox.body": 0, "outbox.headers": 0}
        with translated("alert census"):
            async for document in self._database["alerts"].find({}, bodies):
                yield stored_of(document)

    async def hits(self) -> AsyncIterator[Hit]:
        """Every hit."""
        with translated("alert census"):
            async for one in self._database["hits"].find({}):
                yield Hit(one["tenant"], one["rule"], one["event"], one["at"], one["group"], one["alert"])

    async def unpublished(self) -> int:
        """How many alerts have something that is still to be published."""
        with translated("alert census"):
            return int(await self._database["alerts"].count_documents({"waiting": True}))

    async def undecided(self) -> int:
        """How many stretches of time wait until windows of correlations are over."""
        with translated("alert census"):
            return int(await self._database["window_ends"].estimated_document_count())

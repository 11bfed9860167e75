"""Removes what has expired from a store that must not do so itself.

MongoDB does it by its own indexes. SecantusDB reads and decodes every document of a collection with such an index each
minute, has all of them in memory, and holds up whoever writes meanwhile: its indexes are plain ones (`indexes`). It is
the server's clock that counts, as with MongoDB: by a service's that is days ahead, what is still needed would go.
"""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING, Final

from aoc_common.store.mongo.client import INDEXES, Database, translated
from aoc_common.store.mongo.server_kinds import server_of
from aoc_common.store.mongo.server_time import server_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

#: Documents of a collection that one run removes, and that one command does: writes wait for each of them.
_AT_ONCE: Final = 10_000
_TOGETHER: Final = 200


def expiring() -> Iterator[tuple[str, str]]:
    """Collections whose documents expire, and the field that says when."""
    for collection, indexes in INDEXES.items():
        for index in indexes:
            if "expireAfterSeconds" in index.document:
                [field] = index.document["key"]
                yield collection, field


class MongoLocalExpiry:
    """Expiry of documents of all collections, by the indexes that MongoDB does it by."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ours: bool | None = None

    async def run(self) -> None:
        """Remove what has expired, or a part of it; nothing where the server does. Raises `Unreachable`."""
        with translated("expiry"):
            if self._ours is None:
                self._ours = not (await server_of(self._database)).expires
            if self._ours and (now := await server_time(self._database)) is not None:
                for collection, field in expiring():
                    await self._expire(collection, field, now)

    async def _expire(self, collection: str, field: str, now: datetime) -> None:
        documents, due = self._database[collection], {field: {"$lt": now}}
        # One read: to find what has expired it reads all of that, however little is asked for.
        expired = await documents.find(due, {"_id": 1}).limit(_AT_ONCE).to_list(_AT_ONCE)
        for some in batched(expired, _TOGETHER):
            # Once more: somebody may have given one of them more time.
            await documents.delete_many({"_id": {"$in": [one["_id"] for one in some]}, **due})

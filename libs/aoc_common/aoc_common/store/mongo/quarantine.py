"""What could not become an event, kept whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymongo import DESCENDING, UpdateOne

from aoc_common.store.mongo.client import Database, Document, translated
from aoc_common.store.ports import QuarantineEntry

if TYPE_CHECKING:
    from collections.abc import Sequence


class MongoQuarantine:
    """`QuarantineStore` over `quarantine`."""

    def __init__(self, database: Database) -> None:
        self._entries = database["quarantine"]

    async def put(self, entries: Sequence[QuarantineEntry]) -> None:
        """Keep these entries. Idempotent by `key`."""
        if not entries:
            return
        with translated("quarantine"):
            await self._entries.bulk_write(
                [
                    UpdateOne(
                        {"_id": entry.key},
                        {
                            "$setOnInsert": {
                                "tenant": entry.tenant,
                                "source": entry.source,
                                "slice_id": entry.slice_id,
                                "page": entry.page,
                                "reason": entry.reason,
                                "text": entry.text,
                                "at": entry.at,
                            }
                        },
                        upsert=True,
                    )
                    for entry in entries
                ],
                ordered=False,
            )

    async def list(self, tenant: str, slice_id: str | None, limit: int) -> list[QuarantineEntry]:
        """The newest entries, of one slice or of all."""
        wanted: dict[str, Any] = {"tenant": tenant}
        if slice_id is not None:
            wanted["slice_id"] = slice_id
        with translated("quarantine"):
            found = await self._entries.find(wanted).sort("at", DESCENDING).limit(limit).to_list(limit)
        return [_entry(document) for document in found]


def _entry(document: Document) -> QuarantineEntry:
    # Entries of before pages had ids have the page's sequence.
    page = document.get("page", f"#{document.get('raw_seq', 0)}")
    fields = ("tenant", "source", "slice_id", "reason", "text", "at")
    return QuarantineEntry(key=document["_id"], page=page, **{name: document[name] for name in fields})

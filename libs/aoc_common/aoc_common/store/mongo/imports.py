"""Imports that never came to their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.contracts import subjects
from aoc_common.store.mongo.client import translated
from aoc_common.store.slices import SliceState

if TYPE_CHECKING:
    from datetime import datetime

    from aoc_common.store.mongo.client import Database


async def left_open(database: Database, tenant: str, before: datetime) -> list[str]:
    """The slices of a tenant's imports that began before a moment and were never fetched to their end."""
    query = {
        "tenant": tenant,
        "source": subjects.IMPORT_SOURCE,
        "start": {"$lt": before},
        "state": {"$in": [SliceState.OPEN.value, SliceState.FAILED.value]},
    }
    with translated("ledger"):
        return [document["_id"] async for document in database["ledger_slices"].find(query, {"_id": 1})]

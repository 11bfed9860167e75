"""What became of imports: of those that never came to their end, and of the pages of the others."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts import subjects
from aoc_common.store.mongo.client import translated
from aoc_common.store.page_ledger import PageFacts
from aoc_common.store.slices import SliceState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aoc_common.store.mongo.client import Database

_COUNTS: Final = ("stored", "changed", "duplicate", "quarantined", "dead_lettered")


@dataclass(frozen=True, slots=True)
class ImportedPage:
    """What became of a page of an import: counts as of `PageOutcome`, and what its records tell together."""

    page: str
    stored: int
    changed: int
    duplicate: int
    quarantined: int
    dead_lettered: int
    facts: PageFacts


async def imported_pages(database: Database, tenant: str, slice_id: str) -> list[ImportedPage]:
    """The settled pages of an import. A few kB each."""
    wanted = {"slice_id": slice_id, "tenant": tenant}
    with translated("ledger"):
        cursor = database["ledger_pages"].find(wanted, dict.fromkeys(("page", "facts", *_COUNTS), 1))
        return [_imported(document) async for document in cursor if "stored" in document]


def _imported(document: Mapping[str, Any]) -> ImportedPage:
    counts = {name: document.get(name, 0) for name in _COUNTS}
    return ImportedPage(document["page"], **counts, facts=_facts(document.get("facts") or {}))


def _facts(document: Mapping[str, Any]) -> PageFacts:
    values = {one.name: document[one.name] for one in fields(PageFacts) if one.name in document}
    for name in ("services", "operations", "actors"):
        values[name] = tuple((text, count) for text, count in values.get(name, ()))
    return PageFacts(**values)


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

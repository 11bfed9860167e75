"""What the normalizer made of raw pages, as `ledger_pages` holds it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from aoc_common.store.mongo.events import duplicates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.store.mongo.client import Document
    from aoc_common.store.page_ledger import PageOutcome

#: How long pages of a slice that is settled stay, from then on. A look back can bring them again for so long, and a
#: person can retry what was put aside of them (`LAPSE`).
RETENTION: Final = timedelta(days=90)
#: Until their slice is settled pages are kept for longer than anything waits: its account is made of them.
_RETENTION_OPEN: Final = timedelta(days=500)
_NOTED: Final = (
    "tenant", "source", "slice_id", "page", "stored", "changed", "duplicate", "quarantined", "dead_lettered",
    "not_understood", "undated", "added", "at",
)  # fmt: skip
#: A page that waits, or was given up: what becomes of it now takes that place. (An `$or` is slow on the local server.)
OPEN: Final[Document] = {"settled": None}


def page_key(slice_id: str, page: str) -> str:
    """The `_id` of a page in `ledger_pages`."""
    return f"{slice_id}#{page}"


async def write(pages: Any, outcomes: Sequence[PageOutcome]) -> tuple[set[int], set[int]]:
    """Note outcomes, in one write; the numbers of those of which the page stays as it was, and of those new to it.

    A page stays when it is settled, so that a replica that was paused, or a page that comes again late, changes nothing
    of an account that is closed; and when it has taken on more than the outcome knows of.
    """
    try:
        written = await pages.bulk_write(
            [UpdateOne(_still_open(outcome), _of_page(outcome), upsert=True) for outcome in outcomes],
            ordered=False,
        )
    except BulkWriteError as error:
        return duplicates(error.details), {entry["index"] for entry in error.details.get("upserted", ())}
    return set(), set(written.upserted_ids or {})


def _still_open(outcome: PageOutcome) -> Document:
    query: Document = {"_id": page_key(outcome.slice_id, outcome.page), **OPEN}
    if outcome.dead_lettered:
        return query  # whatever it took on: who retries it publishes that
    return query | {"adoptions": outcome.adoptions or {"$exists": False}}


def _of_page(outcome: PageOutcome) -> Document:
    noted = {name: getattr(outcome, name) for name in _NOTED}
    if not outcome.dead_lettered:
        noted["settled"] = True
    noted["published"] = [list(span) for span in outcome.published]
    if outcome.examples:
        noted["examples"] = dict(outcome.examples)
    if outcome.facts is not None:
        noted["facts"] = asdict(outcome.facts)
    return {
        "$set": {**noted, "expire_at": outcome.at + _RETENTION_OPEN},
        "$unset": {"waiting_since": ""},
    }

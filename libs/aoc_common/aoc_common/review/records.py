"""How a quarantined record is published again."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.contracts.raw import RawPage
from aoc_common.review.deciding import slice_for
from aoc_common.store.mongo.outcomes import page_key
from aoc_common.store.pages import PublishedPage
from aoc_common.store.slices import SliceFetched

if TYPE_CHECKING:
    from datetime import datetime

    from aoc_common.review.deciding import Backends
    from aoc_common.store.review_queues import Item


async def republish(backends: Backends, item: Item, at: datetime) -> str | None:
    """Publish a record again in its slice; returns why it is left. Raises `Transient` when bus or store is away."""
    if item.stored:
        return "its event is stored, as a generic one: aoc remap maps it again"
    text = await backends.quarantine.content(item.key)
    if text is None:
        return "its text is gone"
    name, opened = slice_for(item, at)
    # Late because of the quarantine: it must not count in the lateness of the source (`behind`).
    body = b"[" + text + b"]" + _blanks(item)
    page = RawPage(item.tenant, item.source, name, item.at, body, behind=True, delayed=True)
    headers = page.headers()
    if opened:
        await backends.ledger.open_slice(name, item.tenant, item.source, item.at, item.at, rereading=True)
    [ack] = await publish_all(backends.bus, subjects.RAW_STREAM, [Outgoing(page.subject, page.body, headers)])
    if opened:
        await backends.ledger.note_pages([PublishedPage(page.id, page.tenant, page.source, name, ack.seq, at)])
        await backends.ledger.slice_fetched(SliceFetched(name, 1, 1, at))
    await backends.quarantine.republished(item, page_key(name, page.id), at)
    return None


def _blanks(item: Item) -> bytes:
    """Blanks that give the page of each try its own id, so that its outcome is not confused with an earlier try's.

    The same try always makes the same page: repeated after a crash, it is one message and one page.
    """
    tried = f"{item.key}/{item.tries}".encode("utf-8", "replace")
    bits = format(int.from_bytes(blake2b(tried, digest_size=6).digest()), "048b")
    return bits.translate(str.maketrans("01", " \t")).encode()

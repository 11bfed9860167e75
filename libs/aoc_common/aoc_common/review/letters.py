"""How a dead letter is published again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from aoc_common.bus.jobs import put_job
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.contracts.dead_letters import LETTER, PAGE_BEFORE
from aoc_common.contracts.raw import RawPage
from aoc_common.errors import Malformed, NotFound, Unreachable
from aoc_common.review.deciding import slice_for
from aoc_common.store.mongo.outcomes import page_key
from aoc_common.store.pages import PublishedPage
from aoc_common.store.slices import SliceFetched

if TYPE_CHECKING:
    from datetime import datetime

    from nats.js import JetStreamContext

    from aoc_common.review.deciding import Backends
    from aoc_common.store.review_queues import Item


async def republish(backends: Backends, item: Item, at: datetime) -> str | None:
    """Publish a dead letter again; returns why it is left. Raises `Transient` when the bus or the store is away.

    A crash between the publication and its note in the store is harmless: the next try has the same message id and
    the same page id (`RawPage.id`), so the normalizer recognises it.
    """
    body = await backends.letters.content(item.key)
    if body is None:
        try:
            body = await copied_body(backends.bus, item)
        except NotFound as error:
            await backends.letters.lapsed(item.key, at)
            return str(error)
    # JetStream's own headers belong to the first publication.
    headers = {name: value for name, value in item.headers.items() if not name.startswith("Nats-")}
    # A new id after each failure and each try: JetStream must not drop it as a duplicate of the failed message.
    failed = item.failed_at.timestamp() if item.failed_at else 0
    headers |= {LETTER: item.key, "Nats-Msg-Id": f"{item.key}/{failed:.3f}/retry-{item.tries + 1}"}
    if item.stream == subjects.JOBS_STREAM:
        published = await put_job(backends.bus, Outgoing(item.subject, body, headers))
        # Two backfills of the same span are one.
        if not published and not item.subject.startswith(subjects.ALL_BACKFILL_JOBS.partition("*")[0]):
            return "a job of this kind is on the stream already: discard this one, or try again when that is done"
        await backends.letters.republished(item, "", at)
        return None
    name, opened = slice_for(item, at)
    page = _page(item.subject, headers, body)
    if page is None:
        await publish_all(backends.bus, item.stream, [Outgoing(item.subject, body, headers)])
        await backends.letters.republished(item, "", at)
        return None
    if opened:
        headers |= {"Aoc-Slice": name, PAGE_BEFORE: page.id}
        page = replace(page, slice_id=name)
        await backends.ledger.open_slice(name, page.tenant, page.source, item.at, item.at, rereading=True)
    [ack] = await publish_all(backends.bus, item.stream, [Outgoing(item.subject, body, headers)])
    if opened:
        await backends.ledger.note_pages([PublishedPage(page.id, page.tenant, page.source, name, ack.seq, at)])
        await backends.ledger.slice_fetched(SliceFetched(name, 1, item.records, at))
    await backends.letters.republished(item, page_key(name, page.id), at)
    return None


def _page(subject: str, headers: dict[str, str], body: bytes) -> RawPage | None:
    """The raw page; None when this version cannot read its headers."""
    try:
        return RawPage.from_message(subject, headers, body)
    except Malformed:
        return None


async def copied_body(bus: JetStreamContext, item: Item) -> bytes:
    """The body on AOC_DLQ. Raises `NotFound` when it is gone."""
    try:
        message = await bus.get_msg(subjects.DLQ_STREAM, item.copy or 0)
    except NotFoundError:
        message = None
    except (NatsError, TimeoutError) as error:
        raise Unreachable(f"{subjects.DLQ_STREAM}: {error or type(error).__name__}") from error
    if message is None or (message.headers or {}).get(LETTER) != item.key:
        raise NotFound("its content is gone: AOC_DLQ has dropped it")
    return message.data or b""

"""`aoc quarantine`: lists, shows, retries and discards records that could not become events."""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING

import typer

from aoc_cli import decisions
from aoc_cli.decisions import By, Data, Everything, Json, Key, Keys, Limit, Reason, Source, State, Tenant, Why
from aoc_cli.terminal import out
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.contracts.raw import RawPage
from aoc_common.settings import load
from aoc_common.store.mongo.outcomes import page_key
from aoc_common.store.pages import PublishedPage
from aoc_common.store.slices import SliceFetched
from aoc_normalizer.settings import NormalizerSettings

if TYPE_CHECKING:
    from datetime import datetime

    from aoc_cli.decisions import Backends
    from aoc_common.store.review_queues import Item

group = typer.Typer(help="Show, retry and discard records that could not become events.", no_args_is_help=True)


@group.command("list")
def list_(
    tenant: Tenant = None,
    source: Source = None,
    reason: Reason = None,
    state: State = "open",
    limit: Limit = 100,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List them, newest first."""
    selection = decisions.selection(tenant=tenant, source=source, reason=reason, state=state, limit=limit)

    async def work(backends: Backends) -> tuple[list[Item], int]:
        return await backends.quarantine.find(selection), await backends.quarantine.count(selection)

    decisions.show_list(*decisions.run_on_backends(data, work), json=as_json)


@group.command("show")
def show(key: Key, data: Data = None, as_json: Json = False) -> None:
    """Show one with its text."""

    async def work(backends: Backends) -> tuple[Item, bytes | None]:
        return await decisions.find_item(backends.quarantine, key), await backends.quarantine.content(key)

    decisions.show_item(*decisions.run_on_backends(data, work), json=as_json)


@group.command("retry")
def retry(
    keys: Keys = None,
    tenant: Tenant = None,
    source: Source = None,
    reason: Reason = None,
    everything: Everything = False,
    limit: Limit = 1000,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Publish each as a page of one record, for a normalizer that can read it now. Status 1 when one is left."""
    selection = decisions.selection(keys, tenant=tenant, source=source, reason=reason, limit=limit)

    async def work(backends: Backends) -> decisions.BatchOutcome:
        return await decisions.decide(
            backends.quarantine,
            selection,
            lambda item: republish(backends, item, decisions.now()),
            everything=everything,
            skip=lambda item: item.stored or decisions.in_flight(item),
        )

    decisions.run_on_backends(data, work, bus=True).report("published again", json=as_json)


@group.command("discard")
def discard(
    why: Why,
    keys: Keys = None,
    tenant: Tenant = None,
    source: Source = None,
    reason: Reason = None,
    everything: Everything = False,
    by: By = None,
    limit: Limit = 1000,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Note that they are not needed, who says so and why. They stay on record."""
    selection = decisions.selection(keys, tenant=tenant, source=source, reason=reason, limit=limit)

    async def work(backends: Backends) -> decisions.BatchOutcome:
        return await decisions.discard(backends.quarantine, selection, why, by, everything=everything)

    decisions.run_on_backends(data, work).report("discarded", json=as_json)


@group.command("expire")
def expire(data: Data = None) -> None:
    """Remove what is older than AOC_QUARANTINE_DAYS, as the normalizer does each hour; it is counted as a gap."""
    retention = timedelta(days=load(NormalizerSettings).quarantine_days)

    async def work(backends: Backends) -> int:
        return await backends.quarantine.expire(decisions.now(), retention)

    out.print(f"{decisions.run_on_backends(data, work):,} removed, and noted as a gap")


async def republish(backends: Backends, item: Item, at: datetime) -> str | None:
    """Publish a record again in its slice; returns why it is left. Raises `Transient` when bus or store is away."""
    if item.stored:
        return "its event is stored, as a generic one: aoc remap maps it again"
    text = await backends.quarantine.content(item.key)
    if text is None:
        return "its text is gone"
    name, opened = decisions.slice_for(item, at)
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

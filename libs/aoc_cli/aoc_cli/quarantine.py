"""`aoc quarantine`: lists, shows, retries and discards records that could not become events."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import typer

from aoc_cli import decisions
from aoc_cli.decisions import By, Data, Everything, Json, Key, Keys, Limit, Reason, Source, State, Tenant, Why
from aoc_cli.noting import note
from aoc_cli.terminal import out
from aoc_common.review.deciding import needs_no_retry
from aoc_common.review.records import republish
from aoc_common.settings import load
from aoc_normalizer.settings import NormalizerSettings

if TYPE_CHECKING:
    from aoc_common.review.deciding import Backends, BatchOutcome
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

    async def work(backends: Backends) -> tuple[list[Item], int, str]:
        return await decisions.listed(backends.quarantine, selection, backends.database, data)

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

    async def work(backends: Backends) -> BatchOutcome:
        return await decisions.Queue.quarantine(backends).retry(
            selection,
            lambda item: republish(backends, item, decisions.now()),
            everything=everything,
            skip=needs_no_retry,
        )

    decisions.report(decisions.run_on_backends(data, work, bus=True), "published again", json=as_json)


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

    async def work(backends: Backends) -> BatchOutcome:
        return await decisions.Queue.quarantine(backends).discard(selection, why, by, everything=everything)

    decisions.report(decisions.run_on_backends(data, work), "discarded", json=as_json)


@group.command("expire")
def expire(data: Data = None) -> None:
    """Remove what is older than AOC_QUARANTINE_DAYS, as the normalizer does each hour; it is counted as a gap."""
    retention = timedelta(days=load(NormalizerSettings).quarantine_days)

    async def work(backends: Backends) -> int:
        await note(backends.database, "quarantine.expire", "delete", f"what is older than {retention.days} days")
        return await backends.quarantine.expire(decisions.now(), retention)

    out.print(f"{decisions.run_on_backends(data, work):,} removed, and noted as a gap")

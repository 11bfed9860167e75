"""`aoc deadletters`: lists, shows, retries and discards dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from aoc_cli import decisions
from aoc_cli.decisions import By, Data, Everything, Json, Key, Keys, Limit, Reason, Source, State, Tenant, Why
from aoc_common.review.letters import copied_body, republish

if TYPE_CHECKING:
    from aoc_common.review.deciding import Backends, BatchOutcome
    from aoc_common.store.review_queues import Item

group = typer.Typer(help="Show, retry and discard what services gave up.", no_args_is_help=True)
Service = Annotated[str | None, typer.Option(help="Only what this service gave up: normalizer or collector.")]


@group.command("list")
def list_(
    tenant: Tenant = None,
    source: Source = None,
    service: Service = None,
    reason: Reason = None,
    state: State = "open",
    limit: Limit = 100,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List them, newest first."""
    selection = decisions.selection(
        tenant=tenant, source=source, service=service, reason=reason, state=state, limit=limit
    )

    async def work(backends: Backends) -> tuple[list[Item], int, str]:
        return await decisions.listed(backends.letters, selection, backends.database, data)

    decisions.show_list(*decisions.run_on_backends(data, work), json=as_json)


@group.command("show")
def show(key: Key, data: Data = None, as_json: Json = False) -> None:
    """Show one with its headers and its content."""

    async def work(backends: Backends) -> tuple[Item, bytes | None]:
        item = await decisions.find_item(backends.letters, key)
        content = await backends.letters.content(key)
        return item, content if content is not None or item.copy is None else await copied_body(backends.bus, item)

    decisions.show_item(*decisions.run_on_backends(data, work, bus=True), json=as_json)


@group.command("retry")
def retry(
    keys: Keys = None,
    tenant: Tenant = None,
    source: Source = None,
    service: Service = None,
    reason: Reason = None,
    everything: Everything = False,
    limit: Limit = 1000,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Publish them again, as they came. What was stored already is not stored twice. Status 1 when one is left."""
    selection = decisions.selection(keys, tenant=tenant, source=source, service=service, reason=reason, limit=limit)

    async def work(backends: Backends) -> BatchOutcome:
        queue = decisions.Queue.letters(backends)
        return await queue.retry(
            selection, lambda item: republish(backends, item, decisions.now()), everything=everything
        )

    decisions.report(decisions.run_on_backends(data, work, bus=True), "published again", json=as_json)


@group.command("discard")
def discard(
    why: Why,
    keys: Keys = None,
    tenant: Tenant = None,
    source: Source = None,
    service: Service = None,
    reason: Reason = None,
    everything: Everything = False,
    by: By = None,
    limit: Limit = 1000,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Note that they are not needed, who says so and why. They stay on record."""
    selection = decisions.selection(keys, tenant=tenant, source=source, service=service, reason=reason, limit=limit)

    async def work(backends: Backends) -> BatchOutcome:
        return await decisions.Queue.letters(backends).discard(selection, why, by, everything=everything)

    decisions.report(decisions.run_on_backends(data, work), "discarded", json=as_json)

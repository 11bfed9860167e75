"""`aoc backfill`: collects a span of time beside the live slices."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from aoc_cli import attach
from aoc_cli.terminal import err, out, plain
from aoc_common.bus.broker import connected_broker, jetstream
from aoc_common.bus.jobs import publish_job
from aoc_common.contracts import subjects
from aoc_common.contracts.jobs import BackfillJob
from aoc_common.contracts.sources import SOURCE_NAMES
from aoc_common.errors import AocError, BadConfiguration
from aoc_common.store.backlog import Cause
from aoc_common.store.mongo.backlog import MongoBacklog
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.sources import MongoSources

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

_POLL_S: Final = 1.0
#: Seconds within which a collector must accept a request.
_ACCEPT_TIMEOUT_S: Final = 60.0
#: How far the collector's clock may be behind ours.
_SKEW: Final = timedelta(minutes=1)


def backfill(
    start: Annotated[str, typer.Option("--from", help="From this time on: 2026-11-20 or 2026-11-20T08:00, UTC.")],
    end: Annotated[str | None, typer.Option("--to", help="Before this time; now when left out.")] = None,
    tenant: Annotated[str, typer.Option(help="Whose records.")] = subjects.DEFAULT_TENANT,
    source: Annotated[list[str] | None, typer.Option(help="Only this source; repeatable.")] = None,
    wait: Annotated[bool, typer.Option(help="Stay until all of it is collected.")] = False,
    data: Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")] = None,
) -> None:
    """Collect a stretch of time beside the live slices. What is stored already is not stored twice."""
    subjects.check_tenant(tenant)
    now = datetime.now(UTC).replace(microsecond=0)
    begin, until = moment("--from", start), moment("--to", end) if end else now
    if until <= begin:
        raise BadConfiguration("--to must be after --from")
    if begin > now:
        raise BadConfiguration("--from lies in the future")
    for name in source or ():
        if name not in SOURCE_NAMES:
            raise BadConfiguration(f"--source {name}: no such source; there are {', '.join(SOURCE_NAMES)}")
    asyncio.run(_request(attach.required(data), tenant, source, begin, until, wait=wait))


def moment(option: str, text: str) -> datetime:
    """A time in UTC, in whole seconds. Raises `BadConfiguration`, naming the option."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadConfiguration(f"{option} {text}: expected a time like 2026-11-20 or 2026-11-20T08:00") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)


async def _request(
    system: attach.System, tenant: str, sources: Sequence[str] | None, begin: datetime, until: datetime, *, wait: bool
) -> None:
    async with connect(system.mongo) as database:
        known = [state.source for state in await MongoSources(database).all_states(tenant)]
        if not known:
            raise BadConfiguration(f"nothing is collected for tenant {tenant}")
        names = sources or known
        if strange := [name for name in names if name not in known]:
            raise BadConfiguration(
                f"{strange[0]} is not collected for tenant {tenant}; collected are {', '.join(known)}"
            )
        async with connected_broker(system.nats, "cli") as broker:
            for name in names:
                job = BackfillJob(tenant=tenant, source=name, start=begin, end=until)
                new = await publish_job(jetstream(broker), job)
                out.print(f"{plain(name)}: {'asked for' if new else 'was asked for already'}")
        if wait:
            with err.status("waiting for the collector") as status:
                await _watch(MongoBacklog(database), tenant, names, (begin, until), status.update)
        else:
            out.print(f"[dim]how far it is: aoc completeness --tenant {plain(tenant)}[/]")


async def _watch(
    backlog: MongoBacklog,
    tenant: str,
    names: Collection[str],
    span: tuple[datetime, datetime],
    show: Callable[[str], None],
) -> None:
    """Wait until the collector has accepted and collected the stretches. Raises `AocError` when none accepts them."""
    since, loop = datetime.now(UTC) - _SKEW, asyncio.get_running_loop()
    deadline = loop.time() + _ACCEPT_TIMEOUT_S
    while True:
        accepted = [
            stretch
            for stretch in await backlog.added_since(tenant, since)
            if stretch.cause is Cause.ASKED and stretch.source in names and (stretch.start, stretch.end) == span
        ]
        not_accepted = set(names) - {stretch.source for stretch in accepted}
        unfinished = [stretch for stretch in accepted if stretch.done_until < stretch.end]
        if not not_accepted and not unfinished:
            out.print("[green]collected[/]")
            return
        if not_accepted and loop.time() > deadline:
            raise AocError(f"no collector takes the request for {', '.join(sorted(not_accepted))}; is one running?")
        remaining = sum((stretch.end - stretch.done_until for stretch in unfinished), timedelta(0))
        show(f"{len(unfinished) + len(not_accepted)} sources, {remaining} left")
        await asyncio.sleep(_POLL_S)

"""`aoc tail`: live events from NATS."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from nats.js.api import ConsumerConfig, DeliverPolicy

from aoc_cli import attach, known_tenants
from aoc_cli.asked import asked_by, clauses, moment
from aoc_cli.listing import AsCsv, AsJson, Clock, Fields, Time, Twins, printer
from aoc_cli.no_such_tenant import missing
from aoc_cli.terminal import err, plain
from aoc_common.bus.broker import connected_broker
from aoc_common.bus.consume import reading
from aoc_common.contracts import subjects
from aoc_common.contracts.event_message import EventMessage
from aoc_common.contracts.query import grammar
from aoc_common.contracts.query.matching import facts_of, matches
from aoc_common.contracts.rows import Row
from aoc_common.errors import BadConfiguration, Malformed, Transient
from aoc_common.store.mongo.client import connect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractAsyncContextManager

    from faststream.nats import NatsBroker

    from aoc_common.bus.pull import Pull

_BATCH: Final = 100
_IDLE_S: Final = 5.0
#: For so long what comes may wait while it is asked whether there is such a tenant.
_ASKED_S: Final = 3.0


def tail(
    text: Annotated[str, typer.Argument(help="Only events that match this query, as `aoc search` has it.")] = "",
    tenant: Annotated[str | None, typer.Option(help="Only this tenant.")] = None,
    source: Annotated[str | None, typer.Option(help="Only this feed, e.g. graph-signins.")] = None,
    service: Annotated[str | None, typer.Option(help="Only this service, e.g. exchange.")] = None,
    operation: Annotated[str | None, typer.Option(help="Only these operations, e.g. New-*.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only this actor, by address, name or id.")] = None,
    ip: Annotated[str | None, typer.Option(help="Only from this address or network.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only what failed.")] = False,
    min_severity: Annotated[int, typer.Option(min=0, max=6, help="Only from this OCSF severity_id on.")] = 0,
    since: Annotated[str | None, typer.Option(help="Begin in the past, e.g. 1h.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="End after this many events; 0 goes on until Ctrl-C.")] = 0,
    data: Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    fields: Fields = None,
    clock: Time = Clock.UTC,
    twins: Twins = False,
) -> None:
    """Show events as they arrive."""
    printing = printer(as_json=as_json, as_csv=as_csv, fields=fields, clock=clock, twins=twins, live=True)
    result = "failure" if failed else None
    asked = asked_by(text, source=source, service=service, operation=operation, actor=actor, ip=ip, result=result)
    where = clauses(asked)
    if grammar.about(asked, "tag") is not None:
        raise BadConfiguration("tag: an event that comes has no tags yet; aoc search finds what is tagged")
    system = attach.required(data)
    start = moment(since, datetime.now(UTC), "--since")
    subject = f"aoc.events.{subjects.check_tenant(tenant) if tenant else '*'}.*.*"

    def wanted(message: EventMessage) -> bool:
        if int(message.event.get("severity_id") or 0) < min_severity:
            return False
        return not where or matches(where, facts_of(message))

    async def run() -> None:
        shown = 0
        async with connected_broker(system.nats, "cli") as broker, _listening(broker, subject, start) as pull:
            # Only now: whoever reads this may cause what he wants to see.
            err.print(f"[dim]listening on {subject}; Ctrl-C ends[/]")
            if tenant is not None:
                await _tell_missing(system, data, tenant)
            async for message in _messages(pull):
                if not wanted(message):
                    continue
                shown += printing.show([Row.of_message(message)])
                sys.stdout.flush()
                if limit and shown >= limit:
                    return

    asyncio.run(run())


async def _tell_missing(system: attach.System, data: Path | None, tenant: str) -> None:
    """Say that there is no such tenant: it may be added yet, so this goes on. Without the store nobody knows."""
    try:
        async with asyncio.timeout(_ASKED_S), connect(system.mongo) as database:
            said = missing(tenant, await known_tenants.names(database, data))
    except (Transient, TimeoutError) as error:
        why = plain(str(error)) or f"no answer within {_ASKED_S:.0f} s"
        err.print(f"[dim]whether there is a tenant {tenant} cannot be asked: {why}[/]")
        return
    if said:
        err.print(f"[yellow]{plain(said)}[/]")


def _listening(broker: NatsBroker, subject: str, start: datetime | None) -> AbstractAsyncContextManager[Pull]:
    """A reader from now or from `start` on."""
    config = ConsumerConfig(
        filter_subject=subject,
        deliver_policy=DeliverPolicy.BY_START_TIME if start else DeliverPolicy.NEW,
        opt_start_time=start.isoformat() if start else None,  # type: ignore[arg-type]  # nats-py sends it as it is
    )
    return reading(broker, subjects.EVENTS_STREAM, config)


async def _messages(pull: Pull) -> AsyncGenerator[EventMessage]:
    """Messages that can be read; of any other it is said what is wrong with it."""
    while True:
        for raw in await pull.batch(_BATCH, _IDLE_S):
            try:
                message = EventMessage.from_message(raw.subject, raw.headers, raw.data, raw.metadata.sequence.stream)
                _ = message.event
            except Malformed as error:
                err.print(f"[yellow]{plain(str(error))}[/]")
            else:
                yield message

"""`aoc tail`: live events from NATS."""

from __future__ import annotations

import asyncio
import fnmatch
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from nats.js.api import ConsumerConfig, DeliverPolicy

from aoc_cli import attach
from aoc_cli.rows import line, row
from aoc_cli.search import moment
from aoc_cli.terminal import err, out, plain
from aoc_common.bus.broker import connected_broker
from aoc_common.bus.consume import reading
from aoc_common.contracts import subjects
from aoc_common.contracts.event_message import EventMessage
from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from contextlib import AbstractAsyncContextManager

    from faststream.nats import NatsBroker

    from aoc_common.bus.pull import Pull

_BATCH: Final = 100
_IDLE_S: Final = 5.0


def tail(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant.")] = None,
    source: Annotated[str | None, typer.Option(help="Only this feed, e.g. graph-signins.")] = None,
    operation: Annotated[str | None, typer.Option(help="Only these operations; * and ? are wildcards.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only this actor; * and ? are wildcards.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only what failed.")] = False,
    min_severity: Annotated[int, typer.Option(min=0, max=6, help="Only from this OCSF severity_id on.")] = 0,
    since: Annotated[str | None, typer.Option(help="Begin in the past, e.g. 1h.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="End after this many events; 0 goes on until Ctrl-C.")] = 0,
    data: Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, the whole event.")] = False,
) -> None:
    """Show events as they arrive."""
    system = attach.required(data)
    start = moment(since, datetime.now(UTC), "--since")
    subject = f"aoc.events.{subjects.check_tenant(tenant) if tenant else '*'}.{source or '*'}.*"

    def wanted(event: Mapping[str, Any], operation_name: str) -> bool:
        return (
            (operation is None or fnmatch.fnmatchcase(operation_name.lower(), operation.lower()))
            and (actor is None or any(fnmatch.fnmatchcase(name, actor.lower()) for name in _actors(event)))
            and (not failed or event.get("status_id") == 2)  # noqa: PLR2004  # OCSF: Failure
            and int(event.get("severity_id") or 0) >= min_severity
        )

    async def run() -> None:
        shown = 0
        async with connected_broker(system.nats, "cli") as broker, _listening(broker, subject, start) as pull:
            # Only now: whoever reads this may cause what he wants to see.
            err.print(f"[dim]listening on {subject}; Ctrl-C ends[/]")
            async for message in _messages(pull):
                event = message.event
                name = str((event.get("api") or {}).get("operation") or message.operation)
                if not wanted(event, name):
                    continue
                if as_json:
                    out.out(message.body.decode(), highlight=False)
                else:
                    found = row(event, message.tenant, message.source, name)
                    out.print(line(replace(found, twin=message.twin_of is not None)))
                shown += 1
                if limit and shown >= limit:
                    return

    asyncio.run(run())


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


def _actors(event: Mapping[str, Any]) -> list[str]:
    user = (event.get("actor") or {}).get("user") or event.get("user") or {}
    names = (user.get("email_addr"), user.get("name"), user.get("uid"))
    return [str(name).lower() for name in names if name]

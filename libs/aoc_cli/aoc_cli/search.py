"""`aoc search`: query stored events from the terminal."""

from __future__ import annotations

import asyncio
import re
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
import typer

from aoc_cli import attach
from aoc_cli.rows import line, row
from aoc_cli.terminal import err, out, plain
from aoc_common.contracts import subjects
from aoc_common.contracts.query import values
from aoc_common.errors import BadConfiguration
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.event_search import make_event_search
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.searches import EventQuery

if TYPE_CHECKING:
    from aoc_common.contracts.query.filters import Clause, Field
    from aoc_common.store.mongo.client import Database
    from aoc_common.store.searches import EventPage

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PAGE: Final = 500
#: Names that are offered in place of one that is not known.
_SHOWN: Final = 12


def search(
    text: Annotated[str, typer.Argument(help="Words, names, addresses or ids; all must be in the event.")] = "",
    tenant: Annotated[str, typer.Option(help="Whose events.")] = subjects.DEFAULT_TENANT,
    since: Annotated[
        str | None, typer.Option(help="How far back, e.g. 90m, 24h, 7d, or a time like 2026-01-31T08:00Z.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Up to when; like --since.")] = None,
    actor: Annotated[str | None, typer.Option(help="Who did it.")] = None,
    ip: Annotated[str | None, typer.Option(help="From which address.")] = None,
    operation: Annotated[str | None, typer.Option(help="What was done, e.g. New-InboxRule.")] = None,
    service: Annotated[str | None, typer.Option(help="In which service, e.g. exchange.")] = None,
    source: Annotated[str | None, typer.Option(help="From which feed, e.g. graph-signins.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only what failed.")] = False,
    not_understood: Annotated[
        bool, typer.Option("--not-understood", help="Only records of a shape that no mapper knows.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most this many.")] = 50,
    data: Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, the whole event.")] = False,
) -> None:
    """Search stored events, newest first."""
    now = datetime.now(UTC)
    named: list[tuple[str, Field, str | None]] = [
        ("TEXT", "text", text.strip() or None),
        ("--source", "source", source),
        ("--service", "service", service),
        ("--operation", "operation", operation),
        ("--actor", "actor", actor),
        ("--ip", "ip", ip),
        ("--failed", "result", "failure" if failed else None),
    ]
    where = [_clause(option, field, asked) for option, field, asked in named if asked is not None]
    query = EventQuery(
        tenant=subjects.check_tenant(tenant),
        where=(*where, *([values.not_understood()] if not_understood else [])),
        start=moment(since, now, "--since"),
        end=moment(until, now, "--until"),
    )
    with ExitStack() as stack:
        system = attach.find(data)
        if system is None:
            system = stack.enter_context(attach.started(attach.existing(data)))
        found, hint = asyncio.run(_print(system, query, limit, as_json=as_json))
    if not found:
        err.print(f"nothing found{plain(hint)}")


def _clause(option: str, field: Field, text: str) -> Clause:
    """The clause of an option. Raises `BadConfiguration` for what cannot be searched."""
    try:
        return values.clause(field, text)
    except values.Unsearchable as error:
        raise BadConfiguration(f"{option} {text!r} {error}") from None


def moment(text: str | None, now: datetime, option: str) -> datetime | None:
    """A duration before `now` (`7d`) or an ISO time (UTC when it names no zone). Raises `BadConfiguration`."""
    if text is None:
        return None
    if span := re.fullmatch(r"(\d{1,6})([mhdw])", text.strip()):
        return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadConfiguration(f"{option} {text!r}: expected a span like 90m, 24h, 7d, or an ISO time") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


async def _print(system: attach.System, query: EventQuery, limit: int, *, as_json: bool) -> tuple[int, str]:
    """Print what is found; how many, and what may be the matter if that is nothing."""
    printed = 0
    async with connect(system.mongo) as database:
        store = make_event_search(database)
        while printed < limit:
            page: EventPage = await store.search(replace(query, limit=min(_PAGE, limit - printed)))
            for event in page.events:
                if as_json:
                    whole: dict[str, Any] = {"id": str(event.id), "tenant": event.tenant, **event.ocsf}
                    whole |= {"version": event.version, "versions": event.versions, "twin_of": event.twin_of}
                    out.out(orjson.dumps(whole | {"unmapped": event.unmapped}).decode(), highlight=False)
                else:
                    shown = row(event.ocsf, event.tenant, event.source, event.operation)
                    twin = event.twin_of is not None
                    out.print(line(replace(shown, version=event.version, versions=event.versions, twin=twin)))
            printed += len(page.events)
            if not page.more or not page.events:
                break
            query = replace(query, before=page.events[-1].id)
        return printed, "" if printed else await _misspelt(database, query)


async def _misspelt(database: Database, query: EventQuery) -> str:
    """That nothing is collected of a tenant, or from a source, of such a name."""
    states = await MongoSources(database).all_states(None)
    tenants = sorted({one.tenant for one in states})
    if tenants and query.tenant not in tenants:
        return f"; there is something of --tenant {' or '.join(tenants[:_SHOWN])}"
    sources = sorted({one.source for one in states if one.tenant == query.tenant})
    if sources and any(clause.field == "source" for clause in query.where):
        return f"; there is something from --source {' or '.join(sources[:_SHOWN])}"
    return ""

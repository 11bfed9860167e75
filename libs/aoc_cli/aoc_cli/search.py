"""`aoc search`: query stored events from the terminal."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

from aoc_cli import attach
from aoc_cli.amounts import amount
from aoc_cli.asked import asked_by, asked_time, clauses
from aoc_cli.listing import AsCsv, AsJson, Clock, Fields, Time, Twins, printer
from aoc_cli.record_search import how_far, in_records
from aoc_cli.terminal import err, plain
from aoc_common.contracts import subjects
from aoc_common.contracts.access import Scope
from aoc_common.contracts.query import values
from aoc_common.contracts.rows import Row
from aoc_common.store.hints import Hints
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.event_search import make_event_search
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.mongo.term_edition import MongoTermEdition
from aoc_common.store.mongo.vocabulary import MongoVocabulary
from aoc_common.store.searches import EventQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_cli.case_time import AskedTime
    from aoc_cli.listing import Printer
    from aoc_common.contracts.query.grammar import Asked
    from aoc_common.store.hints import Hint
    from aoc_common.store.mongo.client import Database
    from aoc_common.store.searches import EventPage

_PAGE: Final = 500
#: The version of UUIDs that ids of events are.
_EVENT_IDS: Final = 8
#: Tenants that are named in place of one of which there is nothing.
_SHOWN: Final = 12
#: Events that are counted where more match than are shown.
_COUNTED: Final = 1_000


def search(
    text: Annotated[
        str,
        typer.Argument(
            help='Words, names, addresses, ids, all of which must occur; field:value, -this, begin*, "a phrase".'
        ),
    ] = "",
    tenant: Annotated[str, typer.Option(help="Whose events.")] = subjects.DEFAULT_TENANT,
    since: Annotated[
        str | None, typer.Option(help="How far back, e.g. 90m, 24h, 7d, or a time like 2026-01-31T08:00Z.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Up to when; like --since.")] = None,
    actor: Annotated[str | None, typer.Option(help="Who did it, by address, name or id; several with commas.")] = None,
    ip: Annotated[str | None, typer.Option(help="From which address or network; several with commas.")] = None,
    operation: Annotated[
        str | None, typer.Option(help="What was done, e.g. New-InboxRule or New-*; several with commas.")
    ] = None,
    service: Annotated[str | None, typer.Option(help="In which service, e.g. exchange; several with commas.")] = None,
    source: Annotated[
        str | None, typer.Option(help="From which feed, e.g. graph-signins; several with commas.")
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only what failed.")] = False,
    not_understood: Annotated[
        bool, typer.Option("--not-understood", help="Only records of a shape that no mapper knows.")
    ] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Look for the words in the records themselves as well: complete, and slow.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most this many.")] = 50,
    data: Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    fields: Fields = None,
    clock: Time = Clock.UTC,
    twins: Twins = False,
) -> None:
    """Search stored events, newest first. Status 1 when nothing is found."""
    printing = printer(as_json=as_json, as_csv=as_csv, fields=fields, clock=clock, twins=twins)
    now = datetime.now(UTC)
    result = "failure" if failed else None
    asked = asked_by(text, source=source, service=service, operation=operation, actor=actor, ip=ip, result=result)
    time = asked_time(since, until)
    start, end = time.bounds(now)
    where = (*clauses(asked, deep=deep), *([values.not_understood()] if not_understood else []))
    query = EventQuery(Scope(tenant), where=where, start=start, end=end)
    with attach.opened(data) as system:
        printed = asyncio.run(_print(system, _Request(query, time, asked, limit, deep), printing))
    if not printed:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Request:
    """A query, the words in which it was asked for, and how many events are shown. `deep`: it looks through records."""

    query: EventQuery
    time: AskedTime
    asked: Sequence[Asked]
    limit: int
    deep: bool


async def _print(system: attach.System, request: _Request, printing: Printer) -> int:
    """Print what is found, and tell what may be the matter if that is nothing, or not all; how many were printed."""
    printed, more, before, limit = 0, True, request.query.before, request.limit
    async with connect(system.mongo) as database:
        store = make_event_search(database)
        query = await request.time.in_case(database, request.query)
        while more and printed < limit:
            page: EventPage = await store.search(replace(query, before=before, limit=min(_PAGE, limit - printed)))
            printed, more = printed + printing.show([Row.of_stored(event) for event in page.events]), page.more
            before = page.events[-1].id if page.events else None
        if more and request.deep:
            err.print(f"{printed:,} shown; there are more")
        elif more:
            count, whole = await store.count(query, _COUNTED)
            err.print(f"{printed:,} of {count:,} shown" if whole else f"{printed:,} of more than {count:,} shown")
        if not printed:
            printed = await _otherwise(database, replace(request, query=query), printing)
        if printing.folded:
            err.print(f"{amount(printing.folded, 'twin')} folded, of which another event tells; --twins shows them")
        if (since := await MongoTermEdition(database).incomplete_before()) is not None:
            when = f"events before {since:%Y-%m-%d %H:%M}" if since.year < datetime.max.year else "events of before"
            err.print(f"{when} have the search terms of an older version, and some may be missing: aoc remap --terms")
        return printed


async def _otherwise(database: Database, request: _Request, printing: Printer) -> int:
    """Where the index finds nothing: print what the records themselves have, else what may be the matter."""
    store, query, asked = make_event_search(database), request.query, request.asked
    if (identity := _event_id(asked)) is not None and await store.get(query.scope, identity) is not None:
        err.print(f"nothing found, and {identity} is the id of an event: aoc show {identity} --tenant {query.tenant}")
        return 0
    hint = await Hints(store, MongoVocabulary(database), MongoSources(database).by_tenant).of(query, asked)
    page = None
    if not hint.tenants and not request.deep:
        page = await in_records(store, replace(query, limit=min(_PAGE, request.limit)), asked, hint.unknown)
    printed = printing.show([Row.of_stored(event) for event in page.events]) if page is not None else 0
    if page is not None and printed:
        words = f"no event has {', '.join(hint.unknown)} in the index" if hint.unknown else "the index finds nothing"
        more = "; there are more" if page.more else ""
        err.print(plain(f"{words}; {printed:,} found in the records themselves{more}{how_far(page)}"))
    else:
        looked = f"; the records were looked through{how_far(page)}" if page is not None and page.searched_to else ""
        err.print(plain(_nothing(query.tenant, hint) + looked))
    return printed


def _event_id(asked: Sequence[Asked]) -> UUID | None:
    """The id of an event, where a query is nothing but that."""
    texts = [text.strip() for _, field, text in asked if field == "text"]
    try:
        identity = UUID(texts[0]) if len(texts) == 1 else None
    except ValueError:
        return None
    return identity if identity is not None and identity.version == _EVENT_IDS else None


async def nothing_found(database: Database, query: EventQuery, asked: Sequence[Asked]) -> str:
    """That nothing is found, and what may be the matter."""
    hints = Hints(make_event_search(database), MongoVocabulary(database), MongoSources(database).by_tenant)
    return _nothing(query.tenant, await hints.of(query, asked))


def _nothing(tenant: str, hint: Hint) -> str:
    """`nothing for tenant default; there are contoso, fabrikam`, `nothing found; no event has x; did you mean: y`."""
    if hint.tenants:
        more = f" and {len(hint.tenants) - _SHOWN} more" if len(hint.tenants) > _SHOWN else ""
        return f"nothing for tenant {tenant}; there are {', '.join(hint.tenants[:_SHOWN])}{more}: --tenant"
    parts = ["nothing found"]
    if hint.sources:
        parts.append(f"there are sources {', '.join(hint.sources[:_SHOWN])}")
    if hint.unknown:
        parts.append(f"no event has {', '.join(hint.unknown)}")
    for name, instead in hint.instead.items():
        parts.append(f"did you mean: {instead}" if name == "TEXT" else f"did you mean: {name} {instead!r}")
    return "; ".join(parts)

"""The filters that commands over stored events have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aoc_cli.asked import asked_by, asked_time, clauses
from aoc_common.contracts.access import Scope
from aoc_common.store.searches import EventQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_cli.case_time import AskedTime
    from aoc_common.contracts.query.grammar import Asked
    from aoc_common.store.mongo.client import Database

Text = Annotated[
    str, typer.Argument(help='A query as aoc search takes it: words, field:value, -this, begin*, "a phrase".')
]
Tenant = Annotated[str, typer.Option(help="Whose events.")]
Since = Annotated[str | None, typer.Option(help="How far back, e.g. 90m, 24h, 7d, or a time like 2026-01-31T08:00Z.")]
Until = Annotated[str | None, typer.Option(help="Up to when; like --since.")]
Actor = Annotated[str | None, typer.Option(help="Who did it, by address, name or id; several with commas.")]
Ip = Annotated[str | None, typer.Option(help="From which address or network; several with commas.")]
Operation = Annotated[str | None, typer.Option(help="What was done, e.g. New-InboxRule or New-*; several with commas.")]
Service = Annotated[str | None, typer.Option(help="In which service, e.g. exchange; several with commas.")]
Source = Annotated[str | None, typer.Option(help="From which feed, e.g. graph-signins; several with commas.")]
Failed = Annotated[bool, typer.Option("--failed", help="Only what failed.")]
Data = Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events a command is about: the query, the words in which it was asked for, and the time."""

    query: EventQuery
    asked: Sequence[Asked]
    time: AskedTime

    async def in_case(self, database: Database) -> Selection:
        """The same, with a time that counts from the newest event of an old case. Raises `Transient`."""
        return replace(self, query=await self.time.in_case(database, self.query))


def selection(
    text: str,
    tenant: str,
    since: str | None,
    until: str | None,
    now: datetime,
    *,
    failed: bool = False,
    **options: str | None,
) -> Selection:
    """The selection of these options. Raises `BadConfiguration`, which names the option that is wrong."""
    asked = asked_by(text, result="failure" if failed else None, **options)
    time = asked_time(since, until)
    start, end = time.bounds(now)
    return Selection(EventQuery(Scope(tenant), where=clauses(asked), start=start, end=end), asked, time)

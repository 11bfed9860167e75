"""The filters that commands over stored events have in common, and where such commands read."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aoc_cli import attach
from aoc_cli.search import asked_by, clauses, moment
from aoc_common.contracts.access import Scope
from aoc_common.store.searches import EventQuery

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aoc_common.contracts.query.grammar import Asked

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
    """Which events a command is about: the query, and the words in which it was asked for."""

    query: EventQuery
    asked: Sequence[Asked]


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
    query = EventQuery(
        Scope(tenant),
        where=clauses(asked),
        start=moment(since, now, "--since"),
        end=moment(until, now, "--until"),
    )
    return Selection(query, asked)


@contextmanager
def system_of(data: Path | None) -> Iterator[attach.System]:
    """The system that runs, else the data directory's servers for as long as the command takes."""
    with ExitStack() as stack:
        yield attach.find(data) or stack.enter_context(attach.started(attach.existing(data)))

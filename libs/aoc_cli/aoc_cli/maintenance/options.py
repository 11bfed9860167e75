"""Options of several commands, and how they show what they do."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from aoc_cli.backfill import moment
from aoc_cli.terminal import err
from aoc_common.contracts.ids import lowest_id
from aoc_common.contracts.sources import SOURCE_NAMES
from aoc_common.contracts.subjects import IMPORT_SOURCE
from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from aoc_common.clock import Clock

Data = Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TenantName = Annotated[str, typer.Option(help="Whose events.")]
Source = Annotated[str | None, typer.Option(help="Only of this feed, e.g. o365-exchange.")]
Since = Annotated[str | None, typer.Option(help="Only of events from this time on, UTC, e.g. 2026-11-20.")]
Until = Annotated[str | None, typer.Option(help="Only of events before this time.")]
Share = Annotated[int, typer.Option(min=1, max=100, help="The percentage of the time that is worked.")]
Afresh = Annotated[bool, typer.Option("--afresh", help="Do not go on where the same was broken off.")]


def bounds(since: str | None, until: str | None) -> tuple[UUID | None, UUID | None]:
    """The ids between which events of this time stand. Raises `BadConfiguration`."""
    begin = None if since is None else moment("--since", since)
    end = None if until is None else moment("--until", until)
    if begin is not None and end is not None and end <= begin:
        raise BadConfiguration("--until must be after --since")
    return (None if begin is None else lowest_id(begin)), (None if end is None else lowest_id(end))


def check_source(source: str | None) -> None:
    """Raises `BadConfiguration` for a feed that there is not."""
    names = (*SOURCE_NAMES, IMPORT_SOURCE)
    if source is not None and source not in names:
        raise BadConfiguration(f"--source {source}: there are {', '.join(names)}")


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Shows one line on stderr, which changes, where that is a terminal."""
    columns = (TextColumn("{task.description}"), TimeElapsedColumn())
    # Elsewhere it would leave an empty line.
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("reading")
        yield lambda words: bar.update(task, description=words)


class Throttle:
    """Rests after each part of a work, so that it takes no more than its share of the time."""

    def __init__(self, clock: Clock, share: int) -> None:
        self._clock = clock
        self._rest = (100 - share) / share
        self._began = clock.monotonic()

    async def rest(self) -> None:
        """A part is done."""
        await self._clock.sleep((self._clock.monotonic() - self._began) * self._rest)
        self._began = self._clock.monotonic()

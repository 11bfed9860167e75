"""How far an import is: bars on a terminal, elsewhere a line now and then, each with its time."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from aoc_cli.terminal import err

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_cli.importing import reading

#: Seconds between two lines.
_EVERY_S: Final = 30.0


class _Bars:
    """For a person who looks on."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._reading = bars.add_task("reading", total=None, note="")
        self._storing: Any = None

    def read(self, done: int, total: int, records: int) -> None:
        """`done` of `total` bytes are read."""
        self._bars.update(self._reading, completed=done, total=total, note=f"{records:,} records")

    def settled(self, pages: int, of: int) -> None:
        """The normalizer has settled this many pages."""
        if self._storing is None:
            self._storing = self._bars.add_task("storing", total=of, note="")
        self._bars.update(self._storing, completed=pages, total=of, note=f"{pages}/{of} pages")


class Lines:
    """For a log: nothing of an import that is done before the first line is due."""

    def __init__(self) -> None:
        self._due = time.monotonic() + _EVERY_S

    def read(self, done: int, total: int, records: int) -> None:
        """`done` of `total` bytes are read."""
        self._line(f"read {done:,} of {total:,} bytes, {records:,} records")

    def settled(self, pages: int, of: int) -> None:
        """The normalizer has settled this many pages."""
        self._line(f"stored {pages:,} of {of:,} pages")

    def _line(self, text: str) -> None:
        now = time.monotonic()
        if now >= self._due:
            self._due = now + _EVERY_S
            err.print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}")


@contextmanager
def shown_progress(*, quiet: bool) -> Iterator[reading.Progress]:
    """Shows how far an import is; `quiet`: not at all."""
    if not quiet and not err.is_terminal:
        yield Lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"), TimeElapsedColumn())
    with Progress(*columns, console=err, disable=quiet, transient=True) as bars:
        yield _Bars(bars)

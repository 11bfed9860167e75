"""Formats an account of completeness for the terminal, read from the store or from a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from rich.table import Table

from aoc_cli.terminal import plain, print_table
from aoc_common.store.accounts import GapCause

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_WORDS: Final = {
    GapCause.EXPIRED: "expired at Microsoft, lost for good",
    GapCause.LOST: "lost for good",
    GapCause.BEHIND: "not fetched yet",
    GapCause.WAITING: "listed, not fetched yet",
    GapCause.DEAD_LETTER: "not stored",
}
_ITEMS: Final = {
    GapCause.EXPIRED: "blobs",
    GapCause.LOST: "items",
    GapCause.BEHIND: "blobs",
    GapCause.WAITING: "blobs",
    GapCause.DEAD_LETTER: "dead letters",
}


class AnyGap(Protocol):
    """A gap, as it is in the store or in a report."""

    @property
    def cause(self) -> GapCause: ...  # noqa: D102  # see `Gap`
    @property
    def start(self) -> datetime: ...  # noqa: D102
    @property
    def end(self) -> datetime: ...  # noqa: D102
    @property
    def closable(self) -> bool: ...  # noqa: D102
    @property
    def items(self) -> int | None: ...  # noqa: D102
    @property
    def detail(self) -> str | None: ...  # noqa: D102


class AnyDiscarded(Protocol):
    """What was discarded, as it is in the store or in a report."""

    @property
    def letters(self) -> int: ...  # noqa: D102  # see `Discarded`
    @property
    def in_letters(self) -> int: ...  # noqa: D102
    @property
    def quarantined(self) -> int: ...  # noqa: D102


def table(rows: Sequence[Sequence[str]], texts: int) -> None:
    """Print rows below their headings, the first of them. `texts`: columns on the left; the others are numbers."""
    headings, *values = rows
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column, heading in enumerate(headings):
        # Folded where the terminal is narrow: a cell that is cut short hides something.
        shown.add_column(plain(heading), justify="left" if column < texts else "right", overflow="fold")
    for row in values:
        shown.add_row(*map(plain, row))
    print_table(shown)


def gap(source: str, item: AnyGap) -> str:
    """A line about a gap, with markup."""
    colour = "yellow" if item.closable else "red"
    size = f", {item.items:,} {_ITEMS[item.cause]}" if item.items else ""
    detail = f": {plain(item.detail)}" if item.detail else ""
    span = f"{_moment(item.start)} to {_moment(item.end)}"
    return f"[{colour}]gap[/] {plain(source)} {span}{size}, {_WORDS[item.cause]}{detail}"


def not_needed(source: str, discarded: AnyDiscarded) -> str | None:
    """A line about what was discarded, with markup; None when nothing was."""
    if not discarded.letters and not discarded.quarantined:
        return None
    return (
        f"[yellow]discarded[/] {plain(source)} {discarded.letters:,} dead letters with {discarded.in_letters:,} "
        f"records, and {discarded.quarantined:,} records of the quarantine, by decision"
    )


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"

"""How an account of completeness is put on the terminal, whether it is read now or was signed long ago."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from rich.table import Table

from aoc_cli.terminal import out, plain
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
    out.print(shown)


def gap(source: str, one: AnyGap) -> str:
    """A line about a gap, with markup."""
    colour = "yellow" if one.closable else "red"
    size = f", {one.items:,} {_ITEMS[one.cause]}" if one.items else ""
    detail = f": {plain(one.detail)}" if one.detail else ""
    span = f"{_moment(one.start)} to {_moment(one.end)}"
    return f"[{colour}]gap[/] {plain(source)} {span}{size}, {_WORDS[one.cause]}{detail}"


def not_needed(source: str, gone: AnyDiscarded) -> str | None:
    """A line about what was discarded, with markup; None when nothing was."""
    if not gone.letters and not gone.quarantined:
        return None
    return (
        f"[yellow]discarded[/] {plain(source)} {gone.letters:,} dead letters with {gone.in_letters:,} records, and "
        f"{gone.quarantined:,} records of the quarantine, by decision"
    )


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"

"""How an event looks on one line of the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from aoc_cli.terminal import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

#: OCSF severity_id -> colour.
_COLOURS: Final[Mapping[int, str]] = {
    0: "dim",
    1: "dim",
    2: "default",
    3: "yellow",
    4: "red",
    5: "bold red",
    6: "bold red",
}
_FAILURE: Final = 2
_LAST_MS: Final = 253_402_300_799_000


@dataclass(frozen=True, slots=True)
class Row:
    """What one line shows. `twin`: another record told of the same action before."""

    time: str
    tenant: str
    source: str
    operation: str
    message: str
    severity: int
    failed: bool
    version: int = 1
    versions: int = 1
    twin: bool = False


def row(ocsf: Mapping[str, Any], tenant: str, source: str, operation: str) -> Row:
    """The line of an OCSF event."""
    milliseconds = min(max(int(ocsf.get("time") or 0), 0), _LAST_MS)
    return Row(
        time=f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S}",
        tenant=tenant,
        source=source,
        operation=operation,
        message=str(ocsf.get("message") or operation),
        severity=int(ocsf.get("severity_id") or 0),
        failed=ocsf.get("status_id") == _FAILURE,
    )


def line(shown: Row) -> str:
    """The line with rich's markup; what came from the record is escaped."""
    colour = _COLOURS.get(shown.severity, "default")
    changed = f" [yellow](version {shown.version} of {shown.versions})[/]" if shown.versions > 1 else ""
    twin = " [dim](twin: the same action, told by another log)[/]" if shown.twin else ""
    mark = "[red]x[/]" if shown.failed else " "
    return (
        f"[dim]{shown.time}[/] {mark} [cyan]{plain(shown.tenant)}[/] [magenta]{plain(shown.operation)}[/] "
        f"[{colour}]{plain(shown.message)}[/]{changed}{twin}"
    )

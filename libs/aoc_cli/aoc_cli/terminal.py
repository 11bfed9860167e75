"""Output on the terminal."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

import orjson
from rich.console import Console
from rich.markup import escape

from aoc_common.contracts.printable import CONTROL

if TYPE_CHECKING:
    from datetime import datetime

    from rich.table import Table

#: Columns of an output that is no terminal.
_WIDEST: Final = 10_000
#: Results go to stdout, so that they can be piped; everything about the work itself goes to stderr. Colours are for
#: terminals only, and not where NO_COLOR is set: both are rich's own.
#: `emoji=False`: `2001:db8:ab::1` is an address.
out: Final = Console(highlight=False, soft_wrap=True, emoji=False)
err: Final = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
if not out.is_terminal:
    # Whoever reads lines in a pipe wants the rows of a table as lines.
    out.width = _WIDEST


def lenient() -> None:
    """Print what the terminal's encoding lacks as a question mark, instead of ending with an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def print_table(table: Table) -> None:
    """Print a table; in a pipe its lines have no blanks at their ends."""
    if out.is_terminal:
        out.print(table)
        return
    with out.capture() as printed:
        out.print(table)
    for line in printed.get().splitlines():
        out.out(line.rstrip(), highlight=False)


def plain(text: object) -> str:
    """`text` without control characters and with rich's markup escaped."""
    return escape(CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text)))


def minute(at: datetime) -> str:
    """A time to the minute; it must be in UTC."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def as_json(value: Any) -> str:
    """One line of JSON in printable ASCII: also what an attacker wrote leaves the terminal alone."""
    return json.dumps(value, default=str, ensure_ascii=True).replace("\x7f", "\\u007f")


def json_line(value: Any) -> str:
    """One line of JSON, the letters of all scripts as they are, and as escapes what a terminal would act upon."""
    return harmless_json(orjson.dumps(value, default=str).decode())


def json_text(value: Any) -> str:
    """The same on several lines, indented."""
    text = orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2).decode()
    return "\n".join(map(harmless_json, text.split("\n")))


def harmless_json(text: str) -> str:
    """The same JSON, in which control characters and what nobody sees are escapes. `text`: JSON without line breaks."""
    # Outside of its strings JSON has none of these.
    return CONTROL.sub(lambda match: json.dumps(match[0])[1:-1].replace("\x7f", "\\u007f"), text)

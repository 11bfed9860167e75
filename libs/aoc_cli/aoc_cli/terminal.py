"""Output on the terminal."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

#: Results go to stdout, so that they can be piped; everything about the work itself goes to stderr.
#: `emoji=False`: `2001:db8:ab::1` is an address.
#: Columns of an output that is no terminal.
_WIDEST: Final = 10_000
out: Final = Console(highlight=False, soft_wrap=True, emoji=False)
err: Final = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
if not out.is_terminal:
    # Whoever reads lines in a pipe wants the rows of a table as lines.
    out.width = _WIDEST

# Records are written by attackers too: control characters could rewrite what the terminal shows, and characters that
# nobody sees make two things look alike (Unicode's categories Cc, Cf, Zl and Zp, but for the tab).
_CONTROL: Final = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e007f]"
)


def plain(text: object) -> str:
    """`text` without control characters and with rich's markup escaped."""
    return escape(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text)))


def as_json(value: Any) -> str:
    """One line of JSON in printable ASCII: also what an attacker wrote leaves the terminal alone."""
    return json.dumps(value, default=str, ensure_ascii=True).replace("\x7f", "\\u007f")

"""Text that others wrote, made harmless to what shows it: terminals and spreadsheets."""

from __future__ import annotations

import re
from typing import Final

# Records are written by attackers too: control characters could rewrite what the terminal shows, and characters that
# nobody sees make two things look alike (Unicode's categories Cc, Cf, Zl, Zp and Cs, and the fillers of Hangul, but for
# the tab).
CONTROL: Final = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u180b-\u180f"
    r"\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb"
    r"\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
#: Characters with which spreadsheets begin a formula (OWASP, "CSV Injection"), also in their full width.
_FORMULA: Final = ("=", "+", "-", "@", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}",
                   "\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip


def visible(text: object) -> str:
    """`text` without what a terminal would act upon or nobody would see, on one line."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text)).replace("\t", " ")


def cell(text: str) -> str:
    """A cell of CSV: on one line, and no formula."""
    shown = visible(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown

"""Answers that are pages for people: something in between answers so, by a success, where one has to sign in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from aoc_common.errors import Unreachable

if TYPE_CHECKING:
    from aoc_common import http

_PAGES: Final = ("text/html", "application/xhtml+xml")
#: How documents of HTML begin, behind white space, what XML begins with, and comments. What was matched is not given
#: back (`+` and `(?>)`), so that no answer makes this take long.
_BEGINS: Final = re.compile(
    rb"\s*+(?:(?><\?xml[^>]*>|<!--.*?-->)\s*+)*+<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_LOOKED_AT: Final = 4096


def check_no_page(answer: http.Answer, who: str) -> None:
    """Raises `Unreachable` for a page behind a success: whoever was to take something has said nothing."""
    if is_page(answer):
        raise Unreachable(f"{who}: a success with a page of HTML, as one to sign in at, is not understood")


def is_page(answer: http.Answer) -> bool:
    """Whether it is a page of HTML. The type alone says little: many programs answer `ok` as text/html."""
    begin = answer.body[:_LOOKED_AT]
    media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return (media in _PAGES and begin.lstrip().startswith(b"<")) or _BEGINS.match(begin) is not None

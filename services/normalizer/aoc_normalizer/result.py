"""Results out of one word, for records that need no more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aoc_common.contracts.event import Result

_GOOD: Final = frozenset(
    {"success", "succeeded", "successful", "true", "new", "ok", "updated", "completed", "delivered", "0", "1"}
)
#: What Graph activity logs have for a status.
_HTTP: Final = re.compile(r"^[1-5]\d\d$")
_BAD: Final = frozenset({"failure", "failed", "fail", "false", "error", "timeout", "denied", "blocked"})


def of_word(word: str | None) -> Result:
    """The result that a status word says."""
    known = (word or "").casefold()
    if known in _GOOD:
        return "success"
    if known in _BAD:
        return "failure"
    if _HTTP.match(known):
        return "success" if known < "400" else "failure"
    return "partial" if known.startswith("partial") else "unknown"

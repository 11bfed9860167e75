"""Results out of one word, for records that need no more."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import spelling

if TYPE_CHECKING:
    from aoc_common.contracts.results import Result

_GOOD: Final = frozenset(
    {"success", "succeeded", "successful", "true", "new", "ok", "updated", "completed", "delivered", "0", "1"}
)
#: What Graph activity logs have for a status.
_HTTP: Final = re.compile(r"^[1-5]\d\d$")
_BAD: Final = frozenset({"failure", "failed", "fail", "false", "error", "timeout", "denied", "blocked"})


@lru_cache(maxsize=1024)
def of_word(word: str | None) -> Result:
    """The result that a status word says."""
    known = spelling.folded(word).casefold() if word else ""
    if known in _GOOD:
        return "success"
    if known in _BAD:
        return "failure"
    if _HTTP.match(known):
        return "success" if known < "400" else "failure"
    return "partial" if known.startswith("partial") else "unknown"

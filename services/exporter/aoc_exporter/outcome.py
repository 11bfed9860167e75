"""What became of items that were sent. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aoc_common.errors import Permanent, Transient

#: Seconds until a destination that does not serve us at all is asked again, when it does not say.
UNUSABLE_WAIT_S: Final = 60.0
#: Characters that are kept of what a destination says.
_WORDS: Final = 500


def said(words: str) -> str:
    """What a destination says, on one line, in a length that can be stored and shown."""
    return " ".join(words.split())[:_WORDS]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The destination has it. `repeats`: how many copies more it may have, of sendings before this one."""

    repeats: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """The destination will never take it, and said why."""

    words: str


@dataclass(frozen=True, slots=True)
class Again:
    """It has to be sent again, not before `after_s` seconds where that is known.

    `maybe_taken`: how many copies the destination may have now, as far as anybody knows. `own`: the destination is
    well, and refuses where this one is to go: an index that does not exist, say.
    """

    words: str
    after_s: float | None = None
    maybe_taken: int = 0
    own: bool = False


type Outcome = Accepted | Refused | Again


class RefusedWhole(Permanent):
    """The destination refused a batch without taking a decision about each item.

    - `at`: the item that it named as the reason, by its place; None where it named none.
    - `maybe_taken`: it may have taken others of the batch.
    - `code`: the destination's own code.
    """

    def __init__(self, words: str, *, at: int | None = None, maybe_taken: bool = False, code: str = "") -> None:
        super().__init__(said(words))
        self.at = at
        self.maybe_taken = maybe_taken
        self.code = code


class Unusable(Transient):
    """The destination refuses us, not what we send: a token, a permission, an address, a setting of its own.

    `status`: of HTTP, where it said one.
    """

    def __init__(self, words: str, *, status: int = 0) -> None:
        super().__init__(said(words), retry_after=UNUSABLE_WAIT_S)
        self.status = status

"""How a destination refuses. Pure."""

from __future__ import annotations

from typing import Final

from aoc_common.errors import Permanent, Transient

#: Seconds until a destination that does not serve us at all is asked again, when it does not say.
UNUSABLE_WAIT_S: Final = 60.0
#: Characters that are kept of what a destination says.
_WORDS: Final = 500


def one_line(words: str) -> str:
    """What a destination says, on one line, in a length that can be stored and shown."""
    return " ".join(words.split())[:_WORDS]


class RefusedWhole(Permanent):
    """The destination refused what was sent, without taking a decision about each item of it.

    - `at`: the item that it named as the reason, by its place; None where it named none.
    - `maybe_taken`: it may have taken others.
    - `code`: the destination's own code.
    """

    def __init__(self, words: str, *, at: int | None = None, maybe_taken: bool = False, code: str = "") -> None:
        super().__init__(one_line(words))
        self.at = at
        self.maybe_taken = maybe_taken
        self.code = code


class Unusable(Transient):
    """The destination refuses us, not what we send: a token, a permission, an address, a setting of its own.

    `status`: of HTTP, where it said one.
    """

    def __init__(self, words: str, *, status: int = 0) -> None:
        super().__init__(one_line(words), retry_after=UNUSABLE_WAIT_S)
        self.status = status

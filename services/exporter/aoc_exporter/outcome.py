"""What became of items that were sent. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """The destination has it. `repeats`: how many copies more it may have, of sendings before this one."""

    repeats: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """The destination will never take it, and said why."""

    words: str


@dataclass(frozen=True, slots=True)
class Retry:
    """It has to be sent again, not before `after_s` seconds where that is known.

    `maybe_taken`: how many copies the destination may have now, as far as anybody knows. `own`: the destination is
    well, and refuses where this one is to go: an index that does not exist, say.
    """

    words: str
    after_s: float | None = None
    maybe_taken: int = 0
    own: bool = False


type Outcome = Accepted | Refused | Retry

"""Why a rule cannot be used: which rule, where in it, and the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason why a rule cannot be used.

    `rule`: its title, or its id, or which document of the file it is. `place`: the way to it within the rule, as
    `detection.selection.Operation|contains`; empty for the rule as a whole.
    """

    rule: str
    place: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.rule!r}, {self.place}" if self.place else repr(self.rule)
        return f"{where}: {self.reason}"


class RuleRefused(Malformed):
    """A rule that cannot be used; says every reason that was found."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(map(str, self.faults)))

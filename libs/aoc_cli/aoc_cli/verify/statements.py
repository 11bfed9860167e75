"""What the system says, compared with what is true: one row a kind of statement, and the false ones by name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

#: False statements that are kept of each kind; all are counted.
_KEPT: Final = 20
_LONGEST: Final = 200


class FalseStatement(NamedTuple):
    """Of `about` (a record, a source) something was `said`, and something else is `true`."""

    kind: str
    about: str
    said: str
    true: str

    def __str__(self) -> str:
        return f"{self.about}: said {self.said}, true is {self.true}"


@dataclass(slots=True)
class Statements:
    """A tally. `compared`: kind of statement -> how many were compared; `false`: of these, the false ones."""

    compared: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    named: list[FalseStatement] = field(default_factory=list)

    def hold(self, kind: str, about: str, said: object, true: object) -> None:
        """Compare a statement that must be this."""
        self.holds(kind, about, said, true, good=said == true)

    def holds(self, kind: str, about: str, said: object, true: object, *, good: bool) -> None:
        """Count a statement that was judged; `true` is for people."""
        self.compared[kind] += 1
        if good:
            return
        self.false[kind] += 1
        if self.false[kind] <= _KEPT:
            self.named.append(FalseStatement(kind, about, brief(said), brief(true)))

    def held(self, kind: str, count: int) -> None:
        """Count statements of which somebody else has seen that they hold."""
        self.compared[kind] += count

    @property
    def count(self) -> int:
        """How many are false."""
        return self.false.total()

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: kind -> compared and false; and the false ones that were kept."""
        return {
            "false": self.count,
            "kinds": {
                kind: {"compared": count, "false": self.false[kind]} for kind, count in sorted(self.compared.items())
            },
            "named": [one._asdict() for one in self.named],
        }


def brief(what: object) -> str:
    """A value for people."""
    text = "nothing" if what is None else str(what)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text):,} characters)"

"""Statements of the system compared with the truth: counters by kind of statement, and the false ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

#: False statements that are stored of each kind; all are counted.
_NAMED_PER_KIND: Final = 20
_LONGEST: Final = 200


class FalseStatement(NamedTuple):
    """A statement about a record or a source (`about`) that differs from the truth."""

    kind: str
    about: str
    stated: str
    true: str

    def as_dict(self) -> dict[str, str]:
        """For `--json`."""
        return {"kind": self.kind, "about": self.about, "said": self.stated, "true": self.true}

    def __str__(self) -> str:
        return f"{self.about}: said {self.stated}, true is {self.true}"


@dataclass(slots=True)
class Statements:
    """A tally. `compared`: kind of statement -> how many were compared; `false`: of these, the false ones."""

    compared: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    named: list[FalseStatement] = field(default_factory=list)

    def compare(self, kind: str, about: str, stated: object, true: object) -> None:
        """Count a statement; it must equal `true`."""
        self.judge(kind, about, stated, true, good=stated == true)

    def judge(self, kind: str, about: str, stated: object, true: object, *, good: bool) -> None:
        """Count a statement that the caller has compared (`good`); `true` is for display."""
        self.compared[kind] += 1
        if good:
            return
        self.false[kind] += 1
        if self.false[kind] <= _NAMED_PER_KIND:
            self.named.append(FalseStatement(kind, about, brief(stated), brief(true)))

    def add_true(self, kind: str, count: int) -> None:
        """Count statements that were found true elsewhere."""
        self.compared[kind] += count

    @property
    def count(self) -> int:
        """How many are false."""
        return self.false.total()

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: kind -> compared and false; and the stored false ones."""
        return {
            "false": self.count,
            "kinds": {
                kind: {"compared": count, "false": self.false[kind]} for kind, count in sorted(self.compared.items())
            },
            "named": [statement.as_dict() for statement in self.named],
        }


def brief(what: object) -> str:
    """A value as text, shortened for display."""
    text = "nothing" if what is None else str(what)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text):,} characters)"

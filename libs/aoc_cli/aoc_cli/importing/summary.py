"""What an import did, as it is shown and as `--json` prints it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

#: Parts, and files, that are named one by one.
REPORTED: Final = 1000


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of a file that did not become an event."""

    file: str
    line: int
    reason: str


@dataclass(slots=True)
class Summary:
    """What an import did.

    `records` = `new` + `changed` + `duplicates` + `quarantined` + `dead_lettered`, plus `empty` rows that hold no
    record. `changed`: new versions of events that were stored before.
    `dead_lettered`: in pages that the normalizer gave up (`aoc deadletters`).
    `skipped`: files that are no export; `refused`: those of them that were named, and did not only lie in a directory.
    `unread`: files and directories that cannot be read, or not to their end; what was read of them is in. `stopped`:
    packed files that hold more than they may; they were read to there. `left`: each of these files, and why.
    `hidden`: the first thousand of the `hidden_files` that were not read, since their names begin with a dot.
    Of the new, `not_understood` had a shape that no mapper knows, and `undated` do not say when they happened;
    `examples`: one of each, by these names. `earlier`: imports before that never ended, and now are accounted for.
    """

    tenant: str
    files: int = 0
    skipped: int = 0
    refused: int = 0
    unread: int = 0
    stopped: int = 0
    records: int = 0
    new: int = 0
    changed: int = 0
    duplicates: int = 0
    quarantined: int = 0
    dead_lettered: int = 0
    empty: int = 0
    not_understood: int = 0
    undated: int = 0
    earlier: int = 0
    hidden_files: int = 0
    seconds: float = 0.0
    hidden: list[str] = field(default_factory=list)
    left: list[Problem] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    examples: dict[str, str] = field(default_factory=dict)
    problems_by_reason: Counter[str] = field(default_factory=Counter)

    def note(self, file: Path | str, line: int, reason: str) -> None:
        """Report a part that did not go in; the first thousand one by one, all by reason."""
        self.problems_by_reason[reason.split(":", maxsplit=1)[0]] += 1
        if len(self.problems) < REPORTED:
            self.problems.append(Problem(str(file), line, reason))

    def leave(self, file: Path | str, reason: str) -> None:
        """Report a file that did not go in, or not to its end."""
        self.note(file, 0, reason)
        if len(self.left) < REPORTED:
            self.left.append(Problem(str(file), 0, reason))

    @property
    def whole(self) -> bool:
        """Whether all that was named could be read to its end."""
        return not (self.unread or self.refused or self.stopped)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self) | {"problems_by_reason": dict(self.problems_by_reason)}

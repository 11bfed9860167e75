"""What a receiver took, refused, and was asked: the truth that a sink's account is compared with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Taken:
    """Of one receiver. A key is an event's id and revision, `{id}-{revision}`.

    - `times`: key -> how often it was taken. `data`: key -> what was taken last.
    - `refused`: key -> how often it was refused for good. `requests`: how many came, whatever became of them.
    """

    times: Counter[str] = field(default_factory=Counter)
    data: dict[str, object] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    requests: int = 0

    def take(self, key: str, data: object) -> None:
        """Take one."""
        self.times[key] += 1
        self.data[key] = data

    @property
    def doubled(self) -> int:
        """How many were taken beyond the first time."""
        return self.times.total() - len(self.times)

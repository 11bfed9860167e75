"""What a receiver took, refused, and was asked: the truth that a sink's account is compared with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Taken:
    """Of one receiver. A key is an event's id and revision, `{id}-{revision}`.

    - `times`: key -> how often it was taken. `data`: key -> what was taken last, or what `abridge` leaves of it.
    - `refused`: key -> how often it was refused for good. `requests`: how many came, whatever became of them.
    - `differing`: keys that were taken again with other data. `most`: keys that memory is given for.
    """

    times: Counter[str] = field(default_factory=Counter)
    data: dict[str, object] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    differing: set[str] = field(default_factory=set)
    abridge: Callable[[object], object] | None = None
    most: int | None = None

    def take(self, key: str, data: object) -> None:
        """Take one."""
        kept = data if self.abridge is None else self.abridge(data)
        if self.abridge is not None and self.data.get(key, kept) != kept:
            self.differing.add(key)
        self.times[key] += 1
        self.data[key] = kept

    @property
    def doubled(self) -> int:
        """How many were taken beyond the first time."""
        return self.times.total() - len(self.times)

    @property
    def full(self) -> bool:
        """Whether no more may be taken."""
        return self.most is not None and len(self.times) + len(self.refused) >= self.most

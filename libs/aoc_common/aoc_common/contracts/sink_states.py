"""What is known of a sink at work: its place on the bus, its health, its account, and what is delivered late. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aoc_common.contracts.publications import Position

type Origin = Literal["file", "store"]
type InstanceState = Literal["starting", "running", "failing", "broken", "paused"]
"""`failing`: the destination does not take what is sent; `broken`: its settings cannot work, or a part is missing."""

type Delivered = Literal["", "stored", "accepted", "sent"]
"""What `delivered` means at a destination; empty: not known yet.

- `stored`: it says that it has it, to be read.
- `accepted`: it has taken it over, and does not say what became of it.
- `sent`: it says nothing.
"""

#: The numbers of a `Tally`.
COUNTED: Final = ("delivered", "filtered", "refused", "repeated", "late", "unaccounted", "missing")


@dataclass(frozen=True, slots=True)
class SinkRecord:
    """A sink of the store. `revision`: from 1; `settings`: as they are written."""

    name: str
    revision: int
    settings: Mapping[str, Any]
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True)
class SinkHealth:
    """How a sink fares. `waiting`: messages that are not settled; `oldest_at`: since when the oldest one waits.

    `delivered_until`: all that was published before is delivered, given up or not wanted; None: not known yet.
    `per_s`: entries that one replica delivers a second, of the last minute. `delivered`: what that means there.
    """

    life: InstanceState
    words: str = ""
    since: datetime | None = None
    waiting: int = 0
    oldest_at: datetime | None = None
    delivered_until: datetime | None = None
    per_s: float = 0.0
    delivered: Delivered = ""


@dataclass(frozen=True, slots=True)
class Runner:
    """Who runs a sink: a replica of the exporter, and the place at which it does."""

    slot: int
    replica: str


@dataclass(frozen=True, slots=True)
class SinkState:
    """A sink that has a place on the bus. `slot`: the number of its consumers; `seen_at`: by who runs it.

    `taken_in`: the tenants whose events it reads; None: all, or not noted yet. `per_s`: as `health` says, of all
    replicas that run it.
    """

    name: str
    slot: int
    origin: Origin
    settings: Mapping[str, Any]
    seen_at: datetime
    health: SinkHealth
    taken_in: frozenset[str] | None = None
    per_s: float = 0.0


@dataclass(slots=True)
class Tally:
    """What became of entries: of a sink and a tenant, all of it or what was added since.

    - `delivered`: entries that the destination has confirmed; `filtered`: that are not for it; `refused`: that it will
      not take, dead letters; `repeated`: copies beyond the first that it may have.
    - `late`: of the delivered, those that were sent behind the others because the destination was away.
    - `unaccounted`: sequences of AOC_EVENTS of which nobody said what they held; `missing`: events stored no more.
    - `error`, `error_at`: the last thing that went wrong, in words.
    """

    delivered: int = 0
    filtered: int = 0
    refused: int = 0
    repeated: int = 0
    late: int = 0
    unaccounted: int = 0
    missing: int = 0
    error: str = ""
    error_at: datetime | None = None
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Events that are sent beside the others: of a tenant whose destination was away, or that are sent again.

    All of the tenant's that were published behind `since` up to `position` are done with. `upto`: where it ends; None:
    it follows the others until it has caught up. `phase`: `open`; `closing`: nobody puts anything aside for it any
    more; `done`: what was published up to `position` is done with.
    `owner`, `owner_until`: the replica that works on it. `revision`: from 1; 0 is one that is not stored.
    """

    key: str
    sink: str
    tenant: str | None
    since: Position
    position: Position
    upto: Position | None = None
    phase: Literal["open", "closing", "done"] = "open"
    at: datetime | None = None
    why: str = ""
    owner: str = ""
    owner_until: datetime | None = None
    revision: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def replayed(self) -> bool:
        """Whether somebody wants it sent again."""
        return self.key.startswith(replay_key(self.sink, ""))

    def has(self, position: Position) -> bool:
        """Whether an event of the tenant there is done with by this stretch."""
        return self.since < position <= self.position


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a replica may have sent of a sink, at a destination that cannot tell copies apart.

    `lane`: `events`, as AOC_EVENTS delivers them, or `restored`, from the store; `alerts`, `audit`.
    """

    replica: str
    lane: str
    position: Position


def behind_key(sink: str, tenant: str) -> str:
    """The stretch of a tenant whose destination is behind."""
    return f"{sink}/{tenant}"


def replay_key(sink: str, ticket: str) -> str:
    """A stretch that is sent again."""
    return f"{sink}//{ticket}"

"""How far a reader of a stream has read, and what the stream has dropped before it could. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, Protocol

from aoc_common.contracts.publications import END, Position, Range

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from aoc_common.contracts.event_message import EventMessage


class StoredMessage(Protocol):
    """A message as the store can deliver it."""

    @property
    def subject(self) -> str:
        """Where it was published."""
        ...

    @property
    def sequence(self) -> int:
        """Where it stood."""
        ...

    @property
    def body(self) -> bytes:
        """What it says."""
        ...

    def headers(self) -> dict[str, str]:
        """NATS headers."""
        ...


#: Holes that are remembered, and ranges of sequences that are sought, of one reader.
PAST: Final = 20
MOST_SOUGHT: Final = 1_000
#: For clocks of replicas that differ.
SKEW: Final = timedelta(minutes=5)

type Reason = Literal["dropped", "remade", "restored", "went back", "deleted"]
"""Why the stream lacks what was not read yet.

- `dropped`: its age or size limit, or a purge.
- `remade`: it was deleted and made anew; `restored`: from a copy of an older incarnation.
- `went back`: it ends before where it ended: the server lost what was not on its disk, or a copy was restored.
- `deleted`: messages were taken out of its middle by hand.
"""


@dataclass(frozen=True, slots=True)
class StreamView:
    """The stream at one moment. `first`, `last`: sequences; `deleted`: messages that lack between these."""

    incarnation: str
    first: int
    last: int
    deleted: int = 0

    @property
    def begin(self) -> Position:
        """Before its first message."""
        return Position(self.incarnation, max(self.first - 1, 0))


@dataclass(frozen=True, slots=True)
class EventFilter:
    """The events that a reader reads; None: of every tenant, source or class. `tenants`: of these, where it has any.

    On other streams than AOC_EVENTS only `tenants` counts.
    """

    tenant: str | None = None
    source: str | None = None
    class_uid: int | None = None
    tenants: frozenset[str] = frozenset()

    @property
    def subject(self) -> str:
        """The filter as the subject of a consumer."""
        return self._of(self.tenant or "*")

    @property
    def subjects(self) -> tuple[str, ...]:
        """The filter as all subjects of a consumer, for one of several tenants; else none."""
        return tuple(self._of(tenant) for tenant in sorted(self.tenants))

    def _of(self, tenant: str) -> str:
        return f"aoc.events.{tenant}.{self.source or '*'}.{self.class_uid or '*'}"

    def matches(self, message: EventMessage) -> bool:
        """Whether a message passes the filter."""
        return self.of(message.tenant, message.source) and self.class_uid in (None, message.class_uid)

    def of(self, tenant: str, source: str) -> bool:
        """Whether some events of that source may be."""
        return (
            self.tenant in (None, tenant)
            and self.source in (None, source)
            and (not self.tenants or tenant in self.tenants)
        )


@dataclass(frozen=True, slots=True)
class Hole:
    """What the stream lacks: all behind `after` up to `upto`. Filled, the reader stands at `then`.

    `after` moves on as the hole is filled. `filled`: messages that were delivered from the store; `missing`: those
    that are stored no more (retention); `unaccounted`: sequences of which nobody has noted yet what they held.
    """

    reason: Reason
    found_at: datetime
    after: Position
    upto: Position
    then: Position
    filled: int = 0
    missing: int = 0
    unaccounted: int = 0
    filled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class UnnotedHole:
    """Sequences of a hole that was found at `since`, of which nobody has noted yet what they held, or that fail."""

    range: Range
    since: datetime


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A reader's checkpoint. Everything up to `position` was handled; what is behind it may have been.

    - `head`, `deleted`: the stream's last sequence, and its deleted messages, at the last look.
    - `hole`: is being filled, by the replica `filler`, which is believed to be alive until `filler_until`.
    - `sought`: sequences that somebody may still account for, or that fail and are tried again. `past`: holes that are
      filled, the last ones.
    - `revision`: of the checkpoint, from 1 on; 0 is one that is not stored yet.
    """

    name: str
    position: Position
    head: int = 0
    deleted: int = 0
    hole: Hole | None = None
    sought: tuple[UnnotedHole, ...] = ()
    past: tuple[Hole, ...] = ()
    filler: str = ""
    filler_until: datetime | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Portion[M: StoredMessage]:
    """Some of what the store can deliver of a hole. The messages are of one `incarnation`.

    `after`: where the next portion begins; None: this is the last one. `missing`: those that are stored no more.
    `unaccounted`: sequences before `after` of which nobody has noted what they held.
    """

    messages: Sequence[M]
    incarnation: str
    after: Position | None
    missing: int = 0
    unaccounted: tuple[Range, ...] = ()


def hole_in(state: Checkpoint, stream: StreamView, at: datetime) -> Hole | None:
    """What the stream lacks of what this reader has not read."""
    read = state.position
    rest = Position(read.incarnation, END)
    if stream.incarnation > read.incarnation:
        return Hole("remade", at, read, stream.begin, stream.begin)
    if stream.incarnation < read.incarnation:
        return Hole("restored", at, read, rest, stream.begin)
    end = Position(read.incarnation, stream.last)
    if stream.last < max(state.head, read.sequence):
        return Hole("went back", at, max(read, end), rest, min(read, end))
    if stream.begin > read:
        return Hole("dropped", at, read, stream.begin, stream.begin)
    if stream.deleted > state.deleted:
        return Hole("deleted", at, read, end, read)
    return None


def filled(state: Checkpoint, portion: Portion[StoredMessage], at: datetime) -> Checkpoint:
    """The checkpoint after a portion of its hole was handled."""
    if state.hole is None:
        raise ValueError("there is no hole")
    lacking = sum(range_.last - range_.first + 1 for range_ in portion.unaccounted)
    hole = replace(
        state.hole,
        filled=state.hole.filled + len(portion.messages),
        missing=state.hole.missing + portion.missing,
        unaccounted=state.hole.unaccounted + lacking,
    )
    sought = (*state.sought, *(UnnotedHole(range_, hole.found_at) for range_ in portion.unaccounted))
    if portion.after is not None:
        return replace(state, hole=replace(hole, after=portion.after), sought=sought)
    past = (*state.past, replace(hole, filled_at=at))[-PAST:]
    return replace(state, hole=None, position=hole.then, sought=sought, past=past, filler="", filler_until=None)


def accounted(state: Checkpoint, looked_up: Iterable[tuple[UnnotedHole, Portion[StoredMessage]]]) -> Checkpoint:
    """The checkpoint after events were found, and handled, that stood where these sequences are."""
    sought, past = list(state.sought), list(state.past)
    for entry, portion in looked_up:
        place = sought.index(entry)
        sought[place : place + 1] = [UnnotedHole(rest, entry.since) for rest in portion.unaccounted]
        covered = _length([entry.range]) - _length(portion.unaccounted)
        past = [
            replace(
                hole,
                filled=hole.filled + len(portion.messages),
                missing=hole.missing + portion.missing,
                unaccounted=max(hole.unaccounted - covered, 0),
            )
            if hole.found_at == entry.since
            else hole
            for hole in past
        ]
    return replace(state, sought=tuple(sought), past=tuple(past))


def _length(ranges: Iterable[Range]) -> int:
    return sum(range_.last - range_.first + 1 for range_ in ranges)

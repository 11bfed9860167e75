"""The store of what the simulated Microsoft 365 has made, or will make, available.

A record has an event time (when it happened) and a ready time (when the API first shows it).
Everything is generated from the seed and the clock: the history at start, live records when a
request finds that they are due.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from aoc_sim.clock import to_us
from aoc_sim.record_facts import digest, facts, shows_risk
from aoc_sim.records.base import SOURCES, STATES, Source
from aoc_sim.register import build_register
from aoc_sim.traffic import Traffic

if TYPE_CHECKING:
    from aoc_sim.inventory import Directory
    from aoc_sim.record_facts import Facts
    from aoc_sim.records.base import Draft, Raises
    from aoc_sim.settings import TenantSettings

WEEK_US = 7 * 24 * 3600 * 1_000_000


@dataclass(slots=True, eq=False)
class Entry:
    """One record: its identity, times in microseconds, and its bytes. Twins have the same `twin`.

    `raises`: the alerts that it is to be in.
    """

    seq: int
    source: Source
    key: str
    at_us: int
    ready_us: int
    body: bytes
    facts: Facts
    story: str | None = None
    twin: str | None = None
    raises: tuple[Raises, ...] = ()
    served: int = 0
    """How often it was shown."""
    digests: dict[str, bool] = field(default_factory=dict)
    """Digest of each text in which it was served or created -> whether the text states a risk."""
    sizes: set[int] = field(default_factory=set)
    """How many bytes these texts have."""
    noted: bytes | None = None
    """The last of these texts."""

    def note(self, body: bytes) -> None:
        """Remember a text."""
        self.digests[digest(body)] = self.facts.kind == "sign-in" and shows_risk(body)
        self.sizes.add(len(body))
        self.noted = body


@dataclass(slots=True, eq=False)
class Blob:
    """A content blob of the Management API."""

    seq: int
    content_id: str
    created_us: int
    entries: tuple[Entry, ...]


def _entry_order(entry: Entry) -> tuple[int, int]:
    return entry.at_us, entry.seq


def _blob_order(blob: Blob) -> tuple[int, int]:
    return blob.created_us, blob.seq


class Lane:
    """The records of one tenant and source, by event time. `states`: of a subject only the last one is shown."""

    def __init__(self, *, states: bool = False) -> None:
        self.entries: list[Entry] = []
        self._states = states

    def add(self, entry: Entry) -> None:
        """Put a record in its place."""
        if not self.entries or _entry_order(self.entries[-1]) < _entry_order(entry):
            self.entries.append(entry)
        else:
            insort(self.entries, entry, key=_entry_order)

    def sort(self) -> None:
        """Put all in order, after many were appended."""
        self.entries.sort(key=_entry_order)

    def is_replaced(self, entry: Entry, at_us: int) -> bool:
        """Whether a later state of the same subject was ready at that time."""
        if not self._states:
            return False
        subject, place = entry.key.partition("|")[0], _entry_order(entry)
        return any(
            other.ready_us <= at_us and other.key.partition("|")[0] == subject and _entry_order(other) > place
            for other in self.entries
        )

    def span(self, low_us: int, high_us: int) -> tuple[int, int]:
        """The positions [i, j) of the records with low <= event time <= high."""
        first = bisect_left(self.entries, (low_us, -1), key=_entry_order)
        return first, bisect_left(self.entries, (high_us + 1, -1), key=_entry_order)


@dataclass(slots=True)
class Feed:
    """The content blobs of one tenant and content type, by creation time."""

    blobs: list[Blob] = field(default_factory=list)
    by_id: dict[str, Blob] = field(default_factory=dict)
    unsubscribed: list[tuple[int, int]] = field(default_factory=list)
    """[from, to) in which no subscription ran: content created then is lost for good."""
    served: set[int] = field(default_factory=set)
    """Sequence numbers of blobs that were served."""
    expired: set[int] = field(default_factory=set)
    """Of blobs that expired before they were ever served."""
    relisted: set[int] = field(default_factory=set)
    """Sequence numbers of blobs that were, or are, re-sent copies."""

    def add(self, blob: Blob) -> None:
        """Put a blob in its place."""
        self.by_id[blob.content_id] = blob
        insort(self.blobs, blob, key=_blob_order)

    def listed(self, blob: Blob) -> bool:
        """Whether a subscriber can see the blob, as far as stops and restarts go."""
        return not any(start <= blob.created_us < end for start, end in self.unsubscribed)


class TenantWorld:
    """One tenant's directory, as it was at the beginning and as it is now; its traffic and records."""

    def __init__(self, settings: TenantSettings, directory: Directory, twins: float, near: float) -> None:
        self.settings = settings
        self.directory = directory
        self.register = build_register(directory)
        self.traffic = Traffic(directory, twins, near)
        self.lanes: dict[Source, Lane] = {source: Lane(states=source in STATES) for source in SOURCES}
        self.feeds: dict[Source, Feed] = {s: Feed() for s in SOURCES if s.startswith("o365-")}


class Numbers:
    """Sequence numbers, unique over the whole world: they break ties between equal times."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        """The next number."""
        self._last += 1
        return self._last


def make_entry(numbers: Numbers, draft: Draft, ready_us: int, story: str | None = None) -> Entry:
    """A record ready for the store."""
    # copied, because what orjson returns keeps several times its length allocated
    body = bytes(memoryview(orjson.dumps(draft.body)))
    key, at_us = draft.identity(), to_us(draft.at)
    entry = Entry(
        numbers.next(), draft.source, key, at_us, ready_us, body, facts(draft), story, draft.twin, draft.raises
    )
    entry.note(body)
    return entry


def content_id(created: str, source: Source, seq: int) -> str:
    """An opaque id in the service's shape: stamp$stamp$feed$Feed$unit."""
    name = source.removeprefix("o365-")
    stamp = f"{created}{seq:07d}"
    return f"{stamp}${stamp}$audit_{name}$Audit_{name.title()}$sim0001"

"""The comparison: what the simulator made available against what was stored and what was published."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from aoc_cli.verify.twins import TwinOutcome
from aoc_cli.verify.versions import VersionOutcome
from aoc_cli.verify.watcher import repeated

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from aoc_cli.verify.watcher import Seen
    from aoc_common.store.mongo.census import StoredRecord

_SHOWN: Final = 20
#: What there must be nothing of.
_NOTHING_OF: Final = ("lost", "doubled", "hidden", "unknown", "misaccounted", "false_statements")

type Key = tuple[str, str, str]
"""Tenant, source, record id (in lower case: ids are compared without regard to it)."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a run did.

    `lost`: records that are not stored, or stored and not published, and changes that are not stored. `doubled`: stored
    more than once, or published again while the stream held it. `hidden`: records that are not stored and that nothing
    tells of: no gap, no quarantine, no dead letter. `unknown`: stored, but never made available. `misaccounted`: events
    by which the ledger differs from the truth, source by source. `false_statements`: of all that is said of records,
    messages and sources, how much is not true (`statements`: kind by kind, and which). `excused`: records that could
    not be had or carried; they may be absent if that is told. `unseen`: messages of AOC_EVENTS that were gone before
    they could be read.
    """

    emitted: int
    pages: int
    resent: int
    late: int
    stored: int
    published: int
    quarantined: int
    lost: int
    doubled: int
    hidden: int
    unknown: int
    misaccounted: int
    seconds: float
    events_per_s: float
    faults: dict[str, int]
    kills: int = 0
    pauses: int = 0
    expired: int = 0
    excused: int = 0
    changed: int = 0
    incarnations: int = 1
    unseen: int = 0
    drained: bool = True
    plan: list[str] = field(default_factory=list)
    strikes: dict[str, int] = field(default_factory=dict)
    twins: TwinOutcome = field(default_factory=TwinOutcome)
    versions: VersionOutcome = field(default_factory=VersionOutcome)
    false_statements: int = 0
    statements: dict[str, Any] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def wrong(self) -> dict[str, int]:
        """What must be nothing, and is not."""
        counted = {name: getattr(self, name) for name in _NOTHING_OF}
        # Records around the limits of the bus may be put aside: that is telling of them.
        if self.quarantined > self.excused:
            counted["quarantined"] = self.quarantined
        return {name: count for name, count in counted.items() if count}

    @property
    def complete(self) -> bool:
        """Nothing lost, nothing twice, nothing made up, nothing still on its way; twins linked."""
        return self.drained and not self.wrong and self.twins.good

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self) | {"complete": self.complete}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The parts of an account that come from comparing."""

    stored: int
    published: int
    lost: int
    doubled: int
    hidden: int
    unknown: int
    misaccounted: int
    examples: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Truth:
    """What the simulator says: the records it made available; those of them that a collector may not get, and why."""

    records: frozenset[Key]
    excused: Mapping[Key, Mapping[str, Any]]

    @classmethod
    def of(cls, tenants: Mapping[str, Any]) -> Truth:
        """From the `tenants` object of `/_truth`."""
        content = [(slug, source, one) for slug, sources in tenants.items() for source, one in sources.items()]
        return cls(
            frozenset((slug, source, record.lower()) for slug, source, one in content for record in one["records"]),
            {
                (slug, source, told["id"].lower()): told
                for slug, source, one in content
                for told in one.get("excused", ())
            },
        )

    def keys(self, stored: Iterable[StoredRecord]) -> dict[str, Key]:
        """Event id -> the record that it was made of."""
        found: dict[str, Key] = {}
        for record in stored:
            name = record.record_id.lower()
            # The truth names a record by (id, operation) where one id is used for two operations.
            paired = (record.tenant, record.source, f"{name}|{record.operation.lower()}")
            found[str(record.id)] = paired if paired in self.records else (record.tenant, record.source, name)
        return found

    def absent(self, stored: Iterable[StoredRecord]) -> set[Key]:
        """The records that are not stored."""
        return set(self.records - set(self.keys(stored).values()))


def compare(
    truth: Truth,
    stored: Iterable[StoredRecord],
    seen: Sequence[Seen],
    ledger: Mapping[tuple[str, str], int],
    expired: Mapping[tuple[str, str], int] | None = None,
    *,
    untold: Collection[Key] = (),
    kept_s: float | None = None,
) -> Outcome:
    """Compare. `seen`: the messages of AOC_EVENTS; `kept_s`: how long it keeps them, None: longer than the run.

    `ledger`: (tenant, source) -> events that the ledger says are stored. `expired`: (tenant, source) -> by how many the
    ledger's expired content blobs differ from the simulator's. `untold`: absent records that nothing tells of.
    """
    keys = truth.keys(stored)
    times = Counter(keys.values())
    published = {one.event for one in seen}
    missing = truth.records - times.keys()
    unpublished = {keys[event] for event in keys.keys() - published}
    stored_twice = {key for key, count in times.items() if count > 1}
    sent_twice = {keys.get(event, ("", "", event)) for event in repeated(seen, kept_s)}
    unknown = (times.keys() - truth.records) | {("", "", event) for event in published - keys.keys()}
    lost = (missing - truth.excused.keys()) | (unpublished & truth.records)
    counts = Counter(key[:2] for key in truth.records - (missing & truth.excused.keys()))
    accounted = {one: ledger.get(one, 0) - counts[one] for one in counts.keys() | ledger.keys()}
    wrong = {(*one, f"{off:+d}") for one, off in accounted.items() if off}
    gone = {one: off for one, off in (expired or {}).items() if off}
    wrong |= {(*one, f"{off:+d} expired blobs") for one, off in gone.items()}
    groups = {
        "lost: not stored": missing - truth.excused.keys(),
        "lost: not published": unpublished,
        "doubled: stored": stored_twice,
        "doubled: published": sent_twice,
        "hidden": set(untold),
        "unknown": unknown,
        "misaccounted": wrong,
    }
    return Outcome(
        stored=len(keys),
        published=len(seen),
        lost=len(lost),
        doubled=len(stored_twice | sent_twice),
        hidden=len(set(untold)),
        unknown=len(unknown),
        misaccounted=sum(map(abs, accounted.values())) + sum(map(abs, gone.values())),
        examples={name: ["/".join(key) for key in sorted(group)[:_SHOWN]] for name, group in groups.items() if group},
    )

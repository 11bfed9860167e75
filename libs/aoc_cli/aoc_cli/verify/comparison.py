"""The comparison: what the simulator made available against what was stored and what was published."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from aoc_cli.verify.ground_truth import record_names
from aoc_cli.verify.stream_recorder import repeated
from aoc_cli.verify.twins import TwinOutcome
from aoc_cli.verify.versions import VersionOutcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from aoc_cli.verify.alert_comparison import AlertOutcome
    from aoc_cli.verify.ground_truth import RecordKey
    from aoc_cli.verify.sink_comparison import SinkOutcome
    from aoc_cli.verify.stream_recorder import RecordedMessage
    from aoc_common.store.mongo.census import StoredRecord

_SHOWN: Final = 20
#: Counters that must be zero.
_MUST_BE_ZERO: Final = ("lost", "doubled", "hidden", "unknown", "misaccounted", "false_statements")


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result of a verification run.

    `lost`: records that are not stored, or stored and not published, and changes that are not stored. `doubled`: stored
    more than once, or published again while the stream still held the first message. `hidden`: records that are not
    stored and that no gap, quarantine item or dead letter reports. `unknown`: stored, but never made available.
    `misaccounted`: number of events by which the ledger differs from the ground truth, summed over the sources.
    `false_statements`: how many statements about records, messages and sources are false (`statements`: by kind, and
    which). `excused`: records that could not be fetched or carried; they may be absent if that is reported. `unseen`:
    messages that AOC_EVENTS dropped before they could be read. `sinks`: by name, where the exporter ran.
    `alerts`: where the alerter ran.
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
    sinks: Mapping[str, SinkOutcome] = field(default_factory=dict)
    alerts: AlertOutcome | None = None
    examples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def wrong(self) -> dict[str, int]:
        """The counters that must be zero and are not."""
        counted = {name: getattr(self, name) for name in _MUST_BE_ZERO}
        # Records around the limits of the bus may be quarantined: that reports them.
        if self.quarantined > self.excused:
            counted["quarantined"] = self.quarantined
        for sink, outcome in self.sinks.items():
            counted |= {f"{sink}: {name}": count for name, count in outcome.wrong.items()}
        if self.alerts is not None:
            counted |= {f"alerts: {name}": count for name, count in self.alerts.wrong.items()}
        return {name: count for name, count in counted.items() if count}

    @property
    def complete(self) -> bool:
        """Nothing lost, doubled, invented or unfinished; twins linked."""
        return self.drained and not self.wrong and self.twins.good

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self) | {"complete": self.complete}


@dataclass(frozen=True, slots=True)
class Comparison:
    """The counters of a result that come from comparing."""

    stored: int
    published: int
    lost: int
    doubled: int
    hidden: int
    unknown: int
    misaccounted: int
    examples: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class AvailableRecords:
    """The records that the simulator made available; those of them that a collector may not get, and why."""

    records: frozenset[RecordKey]
    excused: Mapping[RecordKey, Mapping[str, Any]]

    @classmethod
    def of(cls, tenants: Mapping[str, Any]) -> AvailableRecords:
        """From the `tenants` object of `/_truth`."""
        by_source = [
            (slug, source, available) for slug, sources in tenants.items() for source, available in sources.items()
        ]
        return cls(
            frozenset(
                (slug, source, record.lower())
                for slug, source, available in by_source
                for record in available["records"]
            ),
            {
                (slug, source, exception["id"].lower()): exception
                for slug, source, available in by_source
                for exception in available.get("excused", ())
            },
        )

    def keys(self, stored: Iterable[StoredRecord]) -> dict[str, RecordKey]:
        """Event id -> the key of its record."""
        by_event: dict[str, RecordKey] = {}
        for record in stored:
            alone, *shared = (
                (record.tenant, record.source, name)
                for name in record_names(record.record_id, record.operation, record.id.int >> 80)
            )
            by_event[str(record.id)] = next((key for key in shared if key in self.records), alone)
        return by_event

    def absent(self, stored: Iterable[StoredRecord]) -> set[RecordKey]:
        """The records that are not stored."""
        return set(self.records - set(self.keys(stored).values()))


def compare(
    available: AvailableRecords,
    stored: Iterable[StoredRecord],
    messages: Sequence[RecordedMessage],
    ledger: Mapping[tuple[str, str], int],
    expired: Mapping[tuple[str, str], int] | None = None,
    *,
    unreported: Collection[RecordKey] = (),
    retention_s: float | None = None,
) -> Comparison:
    """Compare. `messages`: of AOC_EVENTS; `retention_s`: how long it holds them; None: longer than the run.

    `ledger`: (tenant, source) -> events that the ledger says are stored. `expired`: (tenant, source) -> by how many the
    ledger's expired content blobs differ from the simulator's. `unreported`: absent records that nothing reports.
    """
    keys = available.keys(stored)
    times = Counter(keys.values())
    published = {message.event for message in messages}
    missing = available.records - times.keys()
    unpublished = {keys[event] for event in keys.keys() - published}
    stored_twice = {key for key, count in times.items() if count > 1}
    sent_twice = {keys.get(event, ("", "", event)) for event in repeated(messages, retention_s)}
    unknown = (times.keys() - available.records) | {("", "", event) for event in published - keys.keys()}
    lost = (missing - available.excused.keys()) | (unpublished & available.records)
    counts = Counter(key[:2] for key in available.records - (missing & available.excused.keys()))
    differences = {key: ledger.get(key, 0) - counts[key] for key in counts.keys() | ledger.keys()}
    wrong = {(*key, f"{off:+d}") for key, off in differences.items() if off}
    blob_differences = {key: off for key, off in (expired or {}).items() if off}
    wrong |= {(*key, f"{off:+d} expired blobs") for key, off in blob_differences.items()}
    groups = {
        "lost: not stored": missing - available.excused.keys(),
        "lost: not published": unpublished,
        "doubled: stored": stored_twice,
        "doubled: published": sent_twice,
        "hidden": set(unreported),
        "unknown": unknown,
        "misaccounted": wrong,
    }
    return Comparison(
        stored=len(keys),
        published=len(messages),
        lost=len(lost),
        doubled=len(stored_twice | sent_twice),
        hidden=len(set(unreported)),
        unknown=len(unknown),
        misaccounted=sum(map(abs, differences.values())) + sum(map(abs, blob_differences.values())),
        examples={name: ["/".join(key) for key in sorted(group)[:_SHOWN]] for name, group in groups.items() if group},
    )

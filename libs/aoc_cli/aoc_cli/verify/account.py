"""The comparison: what the simulator made available against what was stored and what was published."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from aoc_cli.verify.twins import TwinOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aoc_common.store.mongo.census import StoredRecord

_SHOWN: Final = 20

type Key = tuple[str, str, str]
"""Tenant, source, record id."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a run did.

    `lost`: records that are not stored, or stored and not published. `doubled`: stored or published more than once.
    `unknown`: stored, but never made available. `misaccounted`: events by which the ledger differs from the truth,
    source by source.
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
    unknown: int
    misaccounted: int
    seconds: float
    events_per_s: float
    faults: dict[str, int]
    kills: int = 0
    pauses: int = 0
    expired: int = 0
    drained: bool = True
    twins: TwinOutcome = field(default_factory=TwinOutcome)
    examples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Nothing lost, nothing twice, nothing made up, nothing still on its way; twins linked."""
        counted = self.lost == self.doubled == self.unknown == self.misaccounted == self.quarantined == 0
        return self.drained and counted and self.twins.good

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
    unknown: int
    misaccounted: int
    examples: dict[str, list[str]]


def compare(
    truth: Mapping[str, Any],
    stored: Iterable[StoredRecord],
    published: Iterable[str],
    ledger: Mapping[tuple[str, str], int],
    expired: Mapping[tuple[str, str], int] | None = None,
) -> Outcome:
    """Compare. `truth`: the `tenants` object of `/_truth`; `published`: the message ids on AOC_EVENTS (event ids).

    `ledger`: (tenant, source) -> events that the ledger says are stored. `expired`: (tenant, source) -> by how many the
    ledger's expired content blobs differ from the simulator's.
    """
    expected = {
        (tenant, source, record)
        for tenant, sources in truth.items()
        for source, content in sources.items()
        for record in content["records"]
    }
    # The truth names a record by (id, operation) where one id is used for two operations.
    pairs = {key for key in expected if "|" in key[2]}
    keys: dict[str, Key] = {}
    times: Counter[Key] = Counter()
    for record in stored:
        key = (record.tenant, record.source, record.record_id)
        paired = (record.tenant, record.source, f"{record.record_id}|{record.operation}")
        chosen = paired if paired in pairs else key
        keys[str(record.id)] = chosen
        times[chosen] += 1
    sent = Counter(published)
    missing = expected - times.keys()
    unpublished = {keys[event] for event in keys.keys() - sent.keys()}
    stored_twice = {key for key, count in times.items() if count > 1}
    sent_twice = {keys.get(event, ("", "", event)) for event, count in sent.items() if count > 1}
    unknown = (times.keys() - expected) | {("", "", event) for event in sent.keys() - keys.keys()}
    counts = Counter(key[:2] for key in expected)
    accounted = {one: ledger.get(one, 0) - counts[one] for one in counts.keys() | ledger.keys()}
    wrong = {(*one, f"{off:+d}") for one, off in accounted.items() if off}
    gone = {one: off for one, off in (expired or {}).items() if off}
    wrong |= {(*one, f"{off:+d} expired blobs") for one, off in gone.items()}
    groups = {
        "lost: not stored": missing,
        "lost: not published": unpublished,
        "doubled: stored": stored_twice,
        "doubled: published": sent_twice,
        "unknown": unknown,
        "misaccounted": wrong,
    }
    return Outcome(
        stored=len(keys),
        published=sent.total(),
        lost=len(missing | (unpublished & expected)),
        doubled=len(stored_twice | sent_twice),
        unknown=len(unknown),
        misaccounted=sum(map(abs, accounted.values())) + sum(map(abs, gone.values())),
        examples={name: ["/".join(key) for key in sorted(group)[:_SHOWN]] for name, group in groups.items() if group},
    )

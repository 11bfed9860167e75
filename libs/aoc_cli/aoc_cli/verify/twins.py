"""Twins: the stored and published links against the true pairs of the simulator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aoc_cli.verify.ground_truth import RecordKey
    from aoc_common.store.mongo.census import StoredRecord

_SHOWN: Final = 20
_TOLERATED: Final = 0.01

type Pair = frozenset[RecordKey]


@dataclass(frozen=True, slots=True)
class TwinOutcome:
    """`true`: pairs of records that are one action. `missed`: of these, not linked.

    `wrong`: links between events that are no twins, and events whose published link differs from the stored one.
    """

    true: int = 0
    missed: int = 0
    wrong: int = 0
    examples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """No wrong link, and at most one twin of a hundred missed."""
        return not self.wrong and self.missed <= self.true * _TOLERATED


def compare_twins(
    truth: Mapping[str, Any], stored: Iterable[StoredRecord], published: Mapping[str, str | None]
) -> TwinOutcome:
    """Compare. `truth`: the `tenants` object of `/_truth/twins`; `published`: event id -> its `Aoc-Twin-Of`."""
    true: set[Pair] = {
        frozenset((tenant, item["source"], item["id"].lower()) for item in pair)
        for tenant, pairs in truth.items()
        for pair in pairs
    }
    records = list(stored)
    named: dict[str, RecordKey] = {str(item.id): (item.tenant, item.source, item.record_id.lower()) for item in records}
    seconds = {str(item.id): str(item.twin_of) for item in records if item.twin_of is not None}
    linked: set[Pair] = {
        frozenset((named[second], named.get(first, ("", "", first)))) for second, first in seconds.items()
    }
    unlike = [event for event, first in published.items() if event in named and first != seconds.get(event)]
    groups = {"twins missed": true - linked, "twins wrong": linked - true}
    examples = {
        name: [" = ".join(sorted("/".join(item) for item in pair)) for pair in list(group)[:_SHOWN]]
        for name, group in groups.items()
        if group
    }
    if unlike:
        examples["twins published otherwise"] = ["/".join(named[event]) for event in sorted(unlike)[:_SHOWN]]
    # Links that do not form a pair, e.g. two seconds of one first, are counted as wrong.
    wrong = len(linked - true) + len(seconds) - len(linked) + len(unlike)
    return TwinOutcome(len(true), len(true - linked), wrong, examples)

"""Completeness claims during a run (watermark, complete until), against what was delivered and stored by then."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from aoc_cli.verify.ground_truth import about, moment
from aoc_common.contracts import ids

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from aoc_cli.verify.ground_truth import GroundTruth, RecordKey, SourceKey
    from aoc_cli.verify.statements import Statements
    from aoc_common.store.accounts import SourceAccount

#: Their records are listed by when they last changed, which is not when they happened.
_BY_CHANGE: Final = frozenset({"graph-alerts", "graph-risk-detections", "graph-risk-detections-serviceprincipal"})
#: A collection begins at most this long after the start of its first list, which overlaps for late records.
_OVERLAP: Final = timedelta(hours=1)
#: So far back a collection begins (AOC_LOOKBACK_S, which a verification leaves as it is).
_LOOKBACK: Final = timedelta(days=1)
#: A list is asked for to the end of a millisecond, at most.
_ROUNDING: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class CompletenessClaim:
    """The claims about a source at a moment. `gaps`: the spans that were reported as missing."""

    at: datetime
    watermark: datetime | None
    complete_until: datetime | None
    gaps: tuple[tuple[datetime, datetime], ...]

    @property
    def until(self) -> tuple[datetime | None, datetime | None]:
        """The two times that it claims."""
        return self.watermark, self.complete_until

    def reports_gap_at(self, at: datetime) -> bool:
        """Whether one of the gaps covers this moment."""
        return any(start <= at <= end for start, end in self.gaps)


@dataclass(slots=True)
class CompletenessClaims:
    """All claims by source, in order; repetitions are stored once."""

    by_source: dict[SourceKey, list[CompletenessClaim]] = field(default_factory=dict)

    def note(self, at: datetime, accounts: Iterable[SourceAccount]) -> None:
        """Add the claims of these accounts."""
        for account in accounts:
            claim = CompletenessClaim(
                at, account.watermark, account.complete_until, tuple((gap.start, gap.end) for gap in account.gaps)
            )
            before = self.by_source.setdefault((account.tenant, account.source), [])
            if not before or before[-1].until != claim.until:
                before.append(claim)

    def copy(self) -> CompletenessClaims:
        """Claims to which more can be added."""
        return CompletenessClaims({source_key: list(claims) for source_key, claims in self.by_source.items()})

    def check(
        self,
        ground_truth: GroundTruth,
        stored_ms: Mapping[RecordKey, int],
        tally: Statements,
        *,
        clocks_right: bool = True,
    ) -> None:
        """Compare all claims with what was delivered until they were made, and with what was stored by then.

        `stored_ms`: record -> when it was stored, of those that never changed. `clocks_right`: whether the services'
        clocks were; a clock that was ahead has its claims corrected later, and only the last one counts.
        """
        for source_key, claims in sorted(self.by_source.items()):
            _check_delivered(source_key, claims if clocks_right else claims[-1:], ground_truth, tally)
            if clocks_right and source_key[1] not in _BY_CHANGE:
                _check_stored(source_key, claims, ground_truth, stored_ms, tally)


def _check_delivered(
    source_key: SourceKey, claims: Iterable[CompletenessClaim], ground_truth: GroundTruth, tally: Statements
) -> None:
    """No claim may reach beyond the end of the last list that was read completely."""
    source = ground_truth.sources.get(source_key)
    deliveries = sorted(source.deliveries) if source else []
    ends = list(accumulate((end for _, _, end in deliveries), max))
    for claim in claims:
        number = bisect_right(deliveries, _micros(claim.at), key=lambda delivery: delivery[0])
        delivered = moment(ends[number - 1]) if number else None
        for kind, claimed in (("watermark", claim.watermark), ("complete until", claim.complete_until)):
            if claimed is not None:
                good = delivered is not None and claimed <= delivered + _ROUNDING
                good = good or _is_beginning(claimed, claim.at, deliveries, before_any=not number)
                tally.judge(
                    f"account: {kind}", "/".join(source_key), claimed, f"delivered until {delivered}", good=good
                )
        both = claim.complete_until is None or (claim.watermark is not None and claim.complete_until <= claim.watermark)
        tally.judge("account: complete until", "/".join(source_key), claim.complete_until, "the watermark", good=both)


def _check_stored(
    source_key: SourceKey,
    claims: Iterable[CompletenessClaim],
    ground_truth: GroundTruth,
    stored_ms: Mapping[RecordKey, int],
    tally: Statements,
) -> None:
    """Records that were available from the beginning are stored before their time is claimed to be complete.

    Records of the Management API count at the creation time of their blob. Late records are not covered by any claim.
    """
    by_blob = source_key[1].startswith("o365-")
    available: list[tuple[int, int, RecordKey]] = []
    for key, stored in stored_ms.items():
        if (
            key[:2] == source_key
            and (fact := ground_truth.facts.get(key))
            and fact.available_us < ground_truth.started_us
        ):
            available.append((fact.available_us if by_blob else fact.time_ms * 1000, stored, key))
    available.sort()
    latest = list(accumulate(available, _later))
    source = ground_truth.sources.get(source_key)
    deliveries = source.deliveries if source else ()
    for claim in claims:
        if claim.complete_until is None or _is_beginning(
            claim.complete_until, claim.at, deliveries, before_any=not deliveries
        ):
            continue
        number = bisect_left(available, _micros(claim.complete_until), key=lambda item: item[0])
        if not number:
            continue
        of, at_ms, key = latest[number - 1]
        good = at_ms <= ids.to_ms(claim.at) or claim.reports_gap_at(moment(of))
        statement = f"complete until {claim.complete_until} at {claim.at}"
        true = f"{about(key)} of {moment(of)} was stored at {ids.from_ms(at_ms)}"
        tally.judge("account: complete until", "/".join(source_key), statement, true, good=good)


def _is_beginning(
    claimed: datetime, at: datetime, deliveries: Collection[tuple[int, int, int]], *, before_any: bool
) -> bool:
    """Whether a claim is only the beginning of the collection: nothing before it is claimed.

    `before_any`: no list had come when it was made. The beginning was chosen by then, and lies this far back from it.
    """
    if before_any and claimed <= at - _LOOKBACK:
        return True
    return bool(deliveries) and claimed <= moment(min(start for _, start, _ in deliveries)) + _OVERLAP


def _micros(at: datetime) -> int:
    return (at - ids.EPOCH) // timedelta(microseconds=1)


def _later(first: tuple[int, int, RecordKey], second: tuple[int, int, RecordKey]) -> tuple[int, int, RecordKey]:
    return max(first, second, key=lambda item: item[1])

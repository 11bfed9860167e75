"""What the account claims while a run goes on: until when all is collected, against what was delivered by then."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from aoc_cli.verify.books import about, moment
from aoc_common.contracts import ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from aoc_cli.verify.books import Books, Key, Place, Source
    from aoc_cli.verify.statements import Statements
    from aoc_common.store.accounts import SourceAccount

#: Its records are listed by when they last changed, which is not when they happened.
_BY_CHANGE: Final = "graph-alerts"
#: A collection begins so much after the beginning of the first list at most, which reaches back for what came late.
_OVERLAP: Final = timedelta(hours=1)
#: A list is asked for to the end of a millisecond, at most.
_EXACTLY: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Claim:
    """What was said of a source at a moment. `gaps`: what was told to be missing."""

    at: datetime
    watermark: datetime | None
    complete_until: datetime | None
    gaps: tuple[tuple[datetime, datetime], ...]

    @property
    def until(self) -> tuple[datetime | None, datetime | None]:
        """The two times that it claims."""
        return self.watermark, self.complete_until

    def tells(self, at: datetime) -> bool:
        """Whether it tells that something of this moment is missing."""
        return any(start <= at <= end for start, end in self.gaps)


@dataclass(slots=True)
class Claims:
    """All that was said, source by source, in order; what was said again is kept once."""

    said: dict[Place, list[Claim]] = field(default_factory=dict)

    def note(self, at: datetime, accounts: Iterable[SourceAccount]) -> None:
        """Remember what these accounts say now."""
        for one in accounts:
            claim = Claim(at, one.watermark, one.complete_until, tuple((gap.start, gap.end) for gap in one.gaps))
            before = self.said.setdefault((one.tenant, one.source), [])
            if not before or before[-1].until != claim.until:
                before.append(claim)

    def copy(self) -> Claims:
        """Claims to which more can be added."""
        return Claims({place: list(claims) for place, claims in self.said.items()})

    def check(
        self, books: Books, stored_ms: Mapping[Key, int], tally: Statements, *, clocks_right: bool = True
    ) -> None:
        """Compare all claims with what was delivered until they were made, and with what was stored by then.

        `stored_ms`: record -> when it was stored, of those that never changed. `clocks_right`: whether the services'
        clocks were; what one that is ahead has claimed is taken back later, and only that counts.
        """
        for place, claims in sorted(self.said.items()):
            _check_delivered(place, claims if clocks_right else claims[-1:], books, tally)
            if clocks_right and place[1] != _BY_CHANGE:
                _check_stored(place, claims, books, stored_ms, tally)


def _check_delivered(place: Place, claims: Iterable[Claim], books: Books, tally: Statements) -> None:
    """Nobody can know what happens later than the end of the last list that was read to its end."""
    source = books.sources.get(place)
    deliveries = sorted(source.deliveries) if source else []
    ends = list(accumulate((end for _, _, end in deliveries), max))
    for claim in claims:
        number = bisect_right(deliveries, _micros(claim.at), key=lambda one: one[0])
        delivered = moment(ends[number - 1]) if number else None
        for kind, said in (("watermark", claim.watermark), ("complete until", claim.complete_until)):
            if said is not None:
                good = (delivered is not None and said <= delivered + _EXACTLY) or _is_beginning(said, source)
                tally.holds(f"account: {kind}", "/".join(place), said, f"delivered until {delivered}", good=good)
        both = claim.complete_until is None or (claim.watermark is not None and claim.complete_until <= claim.watermark)
        tally.holds("account: complete until", "/".join(place), claim.complete_until, "the watermark", good=both)


def _check_stored(
    place: Place, claims: Iterable[Claim], books: Books, stored_ms: Mapping[Key, int], tally: Statements
) -> None:
    """What was there to be had from the beginning is stored before its time is claimed to be complete.

    Records of content are claimed by when their blob was made. What comes late is not: no claim covers it.
    """
    by_blob = place[1].startswith("o365-")
    found: list[tuple[int, int, Key]] = []
    for key, stored in stored_ms.items():
        if key[:2] == place and (fact := books.facts.get(key)) and fact.available_us < books.started_us:
            found.append((fact.available_us if by_blob else fact.time_ms * 1000, stored, key))
    found.sort()
    latest = list(accumulate(found, _later))
    for claim in claims:
        if claim.complete_until is None or _is_beginning(claim.complete_until, books.sources.get(place)):
            continue
        number = bisect_left(found, _micros(claim.complete_until), key=lambda one: one[0])
        if not number:
            continue
        of, at_ms, key = latest[number - 1]
        good = at_ms <= ids.to_ms(claim.at) or claim.tells(moment(of))
        said = f"complete until {claim.complete_until} at {claim.at}"
        true = f"{about(key)} of {moment(of)} was stored at {ids.from_ms(at_ms)}"
        tally.holds("account: complete until", "/".join(place), said, true, good=good)


def _is_beginning(said: datetime, source: Source | None) -> bool:
    """Whether a source merely names where its collection begins: it claims nothing of what lies before."""
    if source is None or not source.deliveries:
        return False
    return said <= moment(min(start for _, start, _ in source.deliveries)) + _OVERLAP


def _micros(at: datetime) -> int:
    return (at - ids.EPOCH) // timedelta(microseconds=1)


def _later(one: tuple[int, int, Key], other: tuple[int, int, Key]) -> tuple[int, int, Key]:
    return max(one, other, key=lambda item: item[1])

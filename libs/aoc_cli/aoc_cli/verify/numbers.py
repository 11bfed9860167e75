"""The account of each source, which is what gets signed: number by number against the truth."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from aoc_cli.verify.books import moment
from aoc_common.contracts import ids
from aoc_common.store.accounts import GapCause

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from aoc_cli.verify.books import Books, Place, Source
    from aoc_cli.verify.statements import Statements
    from aoc_cli.verify.stored import Counted
    from aoc_common.store.accounts import Gap, SourceAccount

#: The name that goes before `numbers` in a kind of statement.
_ACCOUNT = "account: "


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is known of a run. `calm`: nothing was struck, so that the account must be exact.

    `excused`: by source, records that could not be had or carried; `texts`: in how many texts these were shown, each of
    which is given up for itself. `pages`: by source, pages that the ledger holds;
    `changed`: later versions that these gave. `off`: by how much a clock was wrong at most. A simulator that is ahead
    answers of less than it was asked for, and nobody else can know.
    """

    now: datetime
    calm: bool
    excused: Mapping[Place, int]
    texts: Mapping[Place, int]
    pages: Mapping[Place, int]
    changed: Mapping[Place, int]
    off: timedelta = timedelta()


def check_numbers(
    accounts: Mapping[Place, SourceAccount], books: Books, counted: Counted, bounds: Bounds, tally: Statements
) -> None:
    """Compare every account; a source of which something was stored must have one."""
    for place in sorted(counted.events.keys() | books.sources.keys()):
        account, source = accounts.get(place), books.sources.get(place)
        name = "/".join(place)
        if account is None or source is None:
            tally.holds(f"{_ACCOUNT}sources", name, account, source, good=False)
            continue
        check = _Check(name, account, source, bounds, tally)
        check.changes(counted.versions.get(place, 0), bounds.changed.get(place, 0))
        check.counts(place)
        check.times(books.started, counted.newest_ms.get(place))
        check.silence(counted.hours.get(place, set()))
        check.blobs()
        _check_gaps(name, account.gaps, source, bounds, tally, excused=bounds.excused.get(place, 0))


@dataclass(frozen=True, slots=True)
class _Check:
    """One source's numbers."""

    name: str
    account: SourceAccount
    source: Source
    bounds: Bounds
    tally: Statements

    def _is(self, what: str, true: object) -> None:
        self.tally.hold(f"{_ACCOUNT}numbers", self.name, f"{what} {getattr(self.account, what)}", f"{what} {true}")

    def _within(self, what: str, low: int, high: int) -> None:
        said = getattr(self.account, what)
        true = f"{low} to {high}"
        self.tally.holds(f"{_ACCOUNT}numbers", self.name, f"{what} {said}", true, good=low <= said <= high)

    def changes(self, versions: int, noted: int) -> None:
        """How many later versions there are: pages tell them all, the account those of slices that are settled."""
        self.tally.hold(
            f"{_ACCOUNT}numbers", self.name, f"pages with {noted} changes", f"pages with {versions} changes"
        )
        self._within("changed", versions if self.bounds.calm else 0, versions)

    def counts(self, place: Place) -> None:
        """What became of the records."""
        account, excused, texts = self.account, self.bounds.excused.get(place, 0), self.bounds.texts.get(place, 0)
        became = account.stored + account.changed + account.duplicate + account.quarantined
        # What was fetched twice became something once.
        self._within("records", became, self.source.shown)
        self._within("pages", bool(account.records), self.bounds.pages.get(place, 0))
        self._within("slices", 1, max(account.slices, 1))
        for what in ("quarantined", "waiting"):
            self._within(what, 0, excused)
        self._within("dead_lettered", 0, texts)
        # A blob that expired is one, and one without an address, though another blob may hold its records.
        gone, dead = len(self.source.blobs_gone), self.source.blobs_dead
        self._within("dead_letters", gone if self.bounds.calm else 0, gone + dead + texts)
        # The simulator writes no shape that has no mapper, and no record without a time.
        self._is("not_understood", 0)
        self._is("undated", 0)

    def times(self, started: datetime, newest_ms: int | None) -> None:
        """When things were done."""
        account = self.account
        if newest_ms is not None:
            said, true = account.recently.last_record, ids.from_ms(newest_ms)
            # What is killed between the ledger and this is not counted: then it may be older, never newer.
            good = said == true or (not self.bounds.calm and (said is None or said < true))
            self.tally.holds(f"{_ACCOUNT}newest record", self.name, said, true, good=good)
        for what in ("last_success", "subscribed_at", "last_error_at"):
            at: datetime | None = getattr(account, what)
            if at is None:
                good = what == "last_error_at" or (what == "subscribed_at" and not self._has_blobs)
            else:
                good = started <= at <= self.bounds.now and (what != "subscribed_at" or self._has_blobs)
            if self.bounds.calm:
                self.tally.holds(f"{_ACCOUNT}times", self.name, f"{what} {at}", "within the run", good=good)
        if account.since is not None and self.source.deliveries:
            first = moment(min(start for _, start, _ in self.source.deliveries)) - self.bounds.off
            good = f"{first:%Y-%m-%d}" <= f"{account.since:%Y-%m-%d}" <= f"{started:%Y-%m-%d}"
            self.tally.holds(f"{_ACCOUNT}times", self.name, f"since {account.since}", f"from {first} on", good=good)

    @property
    def _has_blobs(self) -> bool:
        return self.account.source.startswith("o365-")

    def silence(self, hours: Collection[int]) -> None:
        """An hour that is said to have no record has none."""
        silent = self.account.recently.silent_hour
        if silent is not None:
            good = ids.to_ms(silent) // 3_600_000 not in hours
            self.tally.holds(f"{_ACCOUNT}silence", self.name, f"silent at {silent}", "records of that hour", good=good)

    def blobs(self) -> None:
        """What became of content."""
        had = self.source.blobs_served
        self._within("blobs_fetched", had if self.bounds.calm else 0, had)
        # What was cut off on its way still waits.
        self._within("blobs_waiting", 0, self.source.blobs_left + (0 if self.bounds.calm else had))
        said = self.account.first_expiry
        good = (said is None) is (self.account.blobs_waiting == 0)
        waits = f"{self.account.blobs_waiting} blobs wait"
        self.tally.holds(f"{_ACCOUNT}numbers", self.name, f"first expiry {said}", waits, good=good)


def _check_gaps(
    name: str, gaps: Collection[Gap], source: Source, bounds: Bounds, tally: Statements, *, excused: int
) -> None:
    """A gap is told where content has expired or could not be had, and nowhere else."""
    causes = Counter(gap.cause for gap in gaps)
    gone = source.blobs_gone
    told = [gap for gap in gaps if gap.cause is GapCause.EXPIRED]
    said = [(gap.items, gap.start, gap.end) for gap in told]
    true = [(len(gone), moment(min(gone)), moment(max(gone)))] if gone else []
    tally.holds("account: gaps", name, _gap(said), f"expired: {_gap(true)}", good=said == true)
    allowed = {
        GapCause.LOST: excused > 0,
        GapCause.DEAD_LETTER: excused > 0 or bool(gone) or source.blobs_dead > 0,
        GapCause.WAITING: not bounds.calm or source.blobs_left > 0,
        # Caught up, and yet said to be behind: only after strikes, when that may be said too long.
        GapCause.BEHIND: not bounds.calm,
    }
    for cause, may in allowed.items():
        tally.holds("account: gaps", name, f"{causes[cause]} {cause}", "none", good=may or not causes[cause])


def _gap(gaps: Collection[tuple[int | None, datetime, datetime]]) -> str:
    return "; ".join(f"{items} blobs from {start} to {end}" for items, start, end in gaps) or "no gap"

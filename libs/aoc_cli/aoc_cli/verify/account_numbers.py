"""The account of each source, as it was signed: each number against the ground truth."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from aoc_cli.verify.ground_truth import moment
from aoc_common.contracts import ids
from aoc_common.store.accounts import GapCause

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from aoc_cli.verify.ground_truth import GroundTruth, SourceDeliveries, SourceKey
    from aoc_cli.verify.statements import Statements
    from aoc_cli.verify.stored import Counted
    from aoc_common.store.accounts import Gap, SourceAccount

#: Prefix of the kinds of statement.
_ACCOUNT = "account: "


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of the numbers of a run. `calm`: no faults struck, so the account must be exact.

    `excused`: by source, records that could not be fetched or carried; `texts`: in how many texts these were served,
    each of which becomes a dead letter of its own. `pages`: by source, pages in the ledger; `changed`: later versions
    in these. `off`: the largest error of a clock. A simulator whose clock is ahead answers for less than was requested,
    and only it knows that.
    """

    now: datetime
    calm: bool
    excused: Mapping[SourceKey, int]
    texts: Mapping[SourceKey, int]
    pages: Mapping[SourceKey, int]
    changed: Mapping[SourceKey, int]
    off: timedelta = timedelta()


def check_numbers(
    accounts: Mapping[SourceKey, SourceAccount],
    ground_truth: GroundTruth,
    counted: Counted,
    bounds: Bounds,
    tally: Statements,
) -> None:
    """Compare every account; a source of which something was stored must have one."""
    for source_key in sorted(counted.events.keys() | ground_truth.sources.keys()):
        account, source = accounts.get(source_key), ground_truth.sources.get(source_key)
        name = "/".join(source_key)
        if account is None or source is None:
            tally.judge(f"{_ACCOUNT}sources", name, account, source, good=False)
            continue
        check = _Check(name, account, source, bounds, tally)
        check.changes(counted.versions.get(source_key, 0), bounds.changed.get(source_key, 0))
        check.counts(source_key)
        check.times(ground_truth.started, counted.newest_ms.get(source_key))
        check.silence(counted.hours.get(source_key, set()))
        check.blobs()
        _check_gaps(name, account.gaps, source, bounds, tally, excused=bounds.excused.get(source_key, 0))


@dataclass(frozen=True, slots=True)
class _Check:
    """One source's numbers."""

    name: str
    account: SourceAccount
    source: SourceDeliveries
    bounds: Bounds
    tally: Statements

    def _is(self, what: str, true: object) -> None:
        self.tally.compare(f"{_ACCOUNT}numbers", self.name, f"{what} {getattr(self.account, what)}", f"{what} {true}")

    def _within(self, what: str, low: int, high: int) -> None:
        stated = getattr(self.account, what)
        true = f"{low} to {high}"
        self.tally.judge(f"{_ACCOUNT}numbers", self.name, f"{what} {stated}", true, good=low <= stated <= high)

    def changes(self, versions: int, noted: int) -> None:
        """How many later versions there are: all of them by the pages, those of settled slices by the account."""
        self.tally.compare(
            f"{_ACCOUNT}numbers", self.name, f"pages with {noted} changes", f"pages with {versions} changes"
        )
        self._within("changed", versions if self.bounds.calm else 0, versions)

    def counts(self, source_key: SourceKey) -> None:
        """What became of the records."""
        account, excused, texts = (
            self.account,
            self.bounds.excused.get(source_key, 0),
            self.bounds.texts.get(source_key, 0),
        )
        became = account.stored + account.changed + account.duplicate + account.quarantined
        # A record that was fetched twice has one outcome.
        self._within("records", became, self.source.shown)
        self._within("pages", bool(account.records), self.bounds.pages.get(source_key, 0))
        self._within("slices", 1, max(account.slices, 1))
        for what in ("quarantined", "waiting"):
            self._within(what, 0, excused)
        self._within("dead_lettered", 0, texts)
        # An expired blob is one, and so is one without a valid address, though another blob may hold its records.
        expired, dead = len(self.source.blobs_expired_us), self.source.blobs_unfetchable
        self._within("dead_letters", expired if self.bounds.calm else 0, expired + dead + texts)
        # The simulator writes no shape that has no mapper, and no record without a time.
        self._is("not_understood", 0)
        self._is("undated", 0)

    def times(self, started: datetime, newest_ms: int | None) -> None:
        """When things were done."""
        account = self.account
        if newest_ms is not None:
            stated, true = account.recently.last_record, ids.from_ms(newest_ms)
            # A kill between the ledger and this leaves it uncounted: then it may be older, never newer.
            good = stated == true or (not self.bounds.calm and (stated is None or stated < true))
            self.tally.judge(f"{_ACCOUNT}newest record", self.name, stated, true, good=good)
        for what in ("last_success", "subscribed_at", "last_error_at"):
            at: datetime | None = getattr(account, what)
            if at is None:
                good = what == "last_error_at" or (what == "subscribed_at" and not self._has_blobs)
            else:
                good = started <= at <= self.bounds.now and (what != "subscribed_at" or self._has_blobs)
            if self.bounds.calm:
                self.tally.judge(f"{_ACCOUNT}times", self.name, f"{what} {at}", "within the run", good=good)
        if account.since is not None and self.source.deliveries:
            first = moment(min(start for _, start, _ in self.source.deliveries)) - self.bounds.off
            good = f"{first:%Y-%m-%d}" <= f"{account.since:%Y-%m-%d}" <= f"{started:%Y-%m-%d}"
            self.tally.judge(f"{_ACCOUNT}times", self.name, f"since {account.since}", f"from {first} on", good=good)

    @property
    def _has_blobs(self) -> bool:
        return self.account.source.startswith("o365-")

    def silence(self, hours: Collection[int]) -> None:
        """An hour that is reported as silent has no records."""
        silent = self.account.recently.silent_hour
        if silent is not None:
            good = ids.to_ms(silent) // 3_600_000 not in hours
            self.tally.judge(f"{_ACCOUNT}silence", self.name, f"silent at {silent}", "records of that hour", good=good)

    def blobs(self) -> None:
        """The numbers of content blobs."""
        served = self.source.blobs_served
        self._within("blobs_fetched", served if self.bounds.calm else 0, served)
        # A blob whose download was cut off still waits.
        self._within("blobs_waiting", 0, self.source.blobs_remaining + (0 if self.bounds.calm else served))
        stated = self.account.first_expiry
        good = (stated is None) is (self.account.blobs_waiting == 0)
        waits = f"{self.account.blobs_waiting} blobs wait"
        self.tally.judge(f"{_ACCOUNT}numbers", self.name, f"first expiry {stated}", waits, good=good)


def _check_gaps(
    name: str, gaps: Collection[Gap], source: SourceDeliveries, bounds: Bounds, tally: Statements, *, excused: int
) -> None:
    """Gaps are reported where content has expired or could not be fetched, and nowhere else."""
    causes = Counter(gap.cause for gap in gaps)
    expired = source.blobs_expired_us
    expired_gaps = [gap for gap in gaps if gap.cause is GapCause.EXPIRED]
    stated = [(gap.items, gap.start, gap.end) for gap in expired_gaps]
    true = [(len(expired), moment(min(expired)), moment(max(expired)))] if expired else []
    tally.judge("account: gaps", name, _gap(stated), f"expired: {_gap(true)}", good=stated == true)
    allowed = {
        GapCause.LOST: excused > 0,
        GapCause.DEAD_LETTER: excused > 0 or bool(expired) or source.blobs_unfetchable > 0,
        GapCause.WAITING: not bounds.calm or source.blobs_remaining > 0,
        # Caught up, and still reported as behind: only after faults, when that report may be late.
        GapCause.BEHIND: not bounds.calm,
    }
    for cause, may in allowed.items():
        tally.judge("account: gaps", name, f"{causes[cause]} {cause}", "none", good=may or not causes[cause])


def _gap(gaps: Collection[tuple[int | None, datetime, datetime]]) -> str:
    return "; ".join(f"{items} blobs from {start} to {end}" for items, start, end in gaps) or "no gap"

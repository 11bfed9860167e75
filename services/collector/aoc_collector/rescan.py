"""When a source's time is read once more for records that came late: at ages that double, up to its re-scan age. Pure.

Every instant is read again when it is `age` old, for each age of the source's plan; the last age is always the re-scan
age, so whatever came until then is collected. How far each age has come is stored (`SourceState.reread`), so a
scheduler that was away skips nothing; it catches up with one reading of an instant, not with one for each missed
reading. Which of the doubling ages are worth their cost follows from how late records were (`plan`). ADR 0014.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import zip_longest
from math import log2
from typing import TYPE_CHECKING, Final
from zlib import crc32

from aoc_common.store.backlog import Cause, Stretch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aoc_collector.slices import Feed, Slicing
    from aoc_common.store.sources import SourceState

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SHORTEST: Final = timedelta(minutes=1)
#: Ages below so many intervals are covered by the live slices.
_MIN_INTERVALS: Final = 4
#: The last age is read in so many readings, so that little is read much later than at that age.
_LAST_AGE_READINGS: Final = 8
#: Clocks of replicas differ by less. Beyond, a clock was wrong when it noted how far an age has come.
_SKEW: Final = timedelta(minutes=5)
#: The first age at which listings are read again: blobs that are listed late are so by hours, or days.
_MIN_LISTING_AGE: Final = timedelta(minutes=30)
#: Doublings of the wait that one more fetch of each record must save.
_MIN_GAIN: Final = 0.01
#: Weight of the usual lateness in what is expected of a source, whatever its own records showed.
_USUAL_WEIGHT: Final = 0.1
#: The usual lateness, before a source has records of its own: steps of `lateness_step` -> of a hundred records. 2 to 15
#: minutes are usual (reports-faq, "how soon"), hours are seen.
_USUAL: Final[Mapping[int, int]] = {14: 15, 15: 15, 16: 15, 17: 15, 18: 15, 19: 10, 20: 10, 23: 3, 28: 2}
#: A record that a reading found came some time before it: its step and so many below are equally likely.
_BLUR: Final = 3


@dataclass(frozen=True, slots=True)
class Rescan:
    """A re-scan that is due for an age (seconds), which moves that age from `before` to `until`.

    No `stretch`: there is nothing to be read yet, only `until` is to be noted.
    """

    age_s: int
    before: datetime | None
    until: datetime
    stretch: Stretch | None


def ages(slicing: Slicing) -> tuple[timedelta, ...]:
    """The ages that double up to the re-scan age, rising; none when that is zero."""
    falling, age = [], slicing.rescan_age
    while age and age >= max(_MIN_INTERVALS * slicing.interval, _SHORTEST):
        falling.append(_whole_seconds(age))
        age /= 2
    return tuple(reversed(falling)) or ((slicing.rescan_age,) if slicing.rescan_age else ())


def plan(slicing: Slicing, late: Mapping[int, int]) -> tuple[timedelta, ...]:
    """Those of `ages` at which a source is re-scanned, rising; the last is the re-scan age.

    `late`: step of `lateness_step` -> how many records were so late. The value of an age is by how much it shortens the
    wait for records, its cost the records that it fetches once more. Without `fetches_per_record` all are taken that
    are old enough to be worth the requests.
    """
    if slicing.fetches_per_record is None:
        return tuple(age for age in ages(slicing) if age >= _MIN_LISTING_AGE) or ages(slicing)
    total = sum(late.values())
    # Shares of whole percents: sources that are alike share one answer.
    shares = tuple(sorted((step, round(100 * count / total)) for step, count in late.items())) if total else ()
    return _plan(slicing, shares if total >= sum(_USUAL.values()) else ())


@lru_cache(maxsize=4096)
def _plan(slicing: Slicing, shares: tuple[tuple[int, int], ...]) -> tuple[timedelta, ...]:
    mass = _blurred(dict(shares) or _USUAL)
    # A source without late records for some days will have late ones again.
    expected = {late: share * (1 - _USUAL_WEIGHT) for late, share in mass.items()}
    for late, share in _blurred(_USUAL).items():
        expected[late] = expected.get(late, 0.0) + share * _USUAL_WEIGHT
    candidates = list(ages(slicing))
    if not candidates or slicing.fetches_per_record is None:
        return tuple(candidates)
    chosen = [candidates.pop()]
    budget = slicing.fetches_per_record - _live_cost(slicing, mass) - 1
    while True:
        current_wait = _wait(slicing, chosen, expected)
        gains = [
            ((current_wait - _wait(slicing, [*chosen, age], expected)) / max(cost, 0.01), age, cost)
            for age in candidates
            if (cost := _share_until(mass, age.total_seconds())) <= budget
        ]
        gain, age, cost = max(gains, default=(0.0, _SHORTEST, 0.0))
        if gain <= _MIN_GAIN:
            return tuple(sorted(chosen))
        chosen.append(age)
        candidates.remove(age)
        budget -= cost


def due(feed: Feed, state: SourceState, planned: Sequence[timedelta], now: datetime) -> Iterator[Rescan]:
    """The re-scans that are due, at most one stretch an age. The same for all replicas at about the same time.

    An age leaves what is older than the next age to that, so after an absence only what is missing is read. Time that
    the live slices have not covered yet is not re-scanned; nor what was that old when the source began, since its
    look-back has read it then; nor what lies before its look-back, which was never collected.
    """
    if state.position is None or state.started_at is None:
        return
    for age, following in zip_longest(planned, planned[1:]):
        period = age / _LAST_AGE_READINGS if following is None else age
        until = _last_reading(feed, now - age, period)
        first = _second(state.started_at - min(age, feed.slicing.initial_lookback))
        age_s = int(age.total_seconds())
        reread_until = state.reread.get(age_s)
        if reread_until is None and following is None and until <= first:
            yield Rescan(age_s, None, first, None)
        if until > state.position:
            continue
        begin = until - period if reread_until is None else reread_until
        if reread_until is not None and reread_until > now - age + _SKEW:
            # Noted by a clock that was ahead: what it had read "at that age" was younger.
            begin = until - feed.slicing.rescan_age
        if following is not None:
            begin = max(begin, _last_reading(feed, now - following, period))
        begin = max(begin, first)
        if begin < until:
            name = f"{age_s}s {_stamp(begin)} {_stamp(until)}"
            stretch = Stretch(feed.tenant, feed.source, Cause.LATE, name, begin, until, begin)
            yield Rescan(age_s, reread_until, until, stretch)


def expected_fetches(slicing: Slicing, planned: Sequence[timedelta], late: Mapping[int, int]) -> float:
    """How often a record is fetched on average, with this lateness of records."""
    mass = _blurred(late)
    return _live_cost(slicing, mass) + sum(_share_until(mass, age.total_seconds()) for age in planned)


def _blurred(late: Mapping[int, int]) -> dict[float, float]:
    """Seconds -> share of the records that were so late."""
    total, shares = sum(late.values()), dict[float, float]()
    for step, count in late.items():
        for earlier in range(_BLUR + 1):
            seconds = 2 ** (max(step - earlier, 0) / 2)
            shares[seconds] = shares.get(seconds, 0) + count / total / (_BLUR + 1)
    return shares


def _share_until(mass: Mapping[float, float], seconds: float) -> float:
    return sum(share for late, share in mass.items() if late <= seconds)


def _live_cost(slicing: Slicing, mass: Mapping[float, float]) -> float:
    """How often live slices read a record: once, and once more where they overlap."""
    first = (slicing.settle_delay + slicing.interval).total_seconds()
    rereads = slicing.overlap / slicing.interval if slicing.interval else 0.0
    return _share_until(mass, first) + rereads * _share_until(mass, first + slicing.overlap.total_seconds())


def _wait(slicing: Slicing, chosen: Sequence[timedelta], mass: Mapping[float, float]) -> float:
    """How long a record waits from when it is available until it is read, on average.

    In doublings of a minute: that most records are read soon counts for more than that few are read within hours.
    """
    live = (slicing.settle_delay + slicing.interval + slicing.overlap).total_seconds()
    read_at = sorted(1.5 * age.total_seconds() for age in chosen)
    total = 0.0
    for late, share in mass.items():
        if late > live:
            read = next((at for at in read_at if at >= late * 1.5), read_at[-1])
            total += share * log2(1 + max(read - late, 0.0) / 60)
    return total


def _last_reading(feed: Feed, at: datetime, period: timedelta) -> datetime:
    """The last regular reading of a source before a moment; each source has an offset of its own within the period."""
    seconds = max(int(period.total_seconds()), 1)
    offset = crc32(f"{feed.tenant}/{feed.source}".encode()) % seconds
    elapsed = int((at - _EPOCH).total_seconds())
    return _EPOCH + timedelta(seconds=(elapsed - offset) // seconds * seconds + offset)


def _whole_seconds(age: timedelta) -> timedelta:
    return timedelta(seconds=int(age.total_seconds()))


def _second(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"

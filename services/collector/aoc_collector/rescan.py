"""When a source's time is looked at again for records that came late: at ages that double, up to its reach. Pure.

Every instant is read again when it is `age` old, for each age of the source's plan, and the last age is always the
whole reach: whatever came until then is found. How far each age has come is kept in the store (`SourceState.reread`),
so a scheduler that was away skips nothing; it catches up with one reading an instant, not with one for each missed
turn. Which of the doubling ages are worth their cost is told by how late records were (`plan`). ADR 0014.
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

    from aoc_collector.slices import Feed, Pace
    from aoc_common.store.sources import SourceState

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SHORTEST: Final = timedelta(minutes=1)
#: Ages below so many intervals are the live slices' own.
_LIVE: Final = 4
#: The reach is read in so many turns, so that little is read much later than then.
_TURNS: Final = 8
#: Clocks of replicas differ by less. Beyond, somebody's clock was wrong when it noted how far an age has come.
_SKEW: Final = timedelta(minutes=5)
#: Listings are read again, at each age, from this age on: blobs that are offered late are so by hours, or days.
_WORTH_A_REQUEST: Final = timedelta(minutes=30)
#: Doublings of the wait that a fetch of each record must save.
_WORTH: Final = 0.01
#: How much of what is usual is expected of a source, whatever it has told.
_DOUBT: Final = 0.1
#: What is known of Microsoft before a source has told: steps of `lateness_step` -> of a hundred records. 2 to 15
#: minutes are usual (reports-faq, "how soon"), hours are seen.
_USUAL: Final[Mapping[int, int]] = {14: 15, 15: 15, 16: 15, 17: 15, 18: 15, 19: 10, 20: 10, 23: 3, 28: 2}
#: A record was found at a reading, and came somewhat before: its step and so many below are as likely.
_BLUR: Final = 3


@dataclass(frozen=True, slots=True)
class Turn:
    """A stretch to be looked at again, for an age (seconds) that has come as far as `before` and then `until`.

    No `stretch`: there is nothing to be read yet, and the beginning is to be noted.
    """

    age_s: int
    before: datetime | None
    until: datetime
    stretch: Stretch | None


def ages(pace: Pace) -> tuple[timedelta, ...]:
    """The ages that double up to the reach, rising; none when there is no reach."""
    found, age = [], pace.reach
    while age and age >= max(_LIVE * pace.interval, _SHORTEST):
        found.append(_whole(age))
        age /= 2
    return tuple(reversed(found)) or ((pace.reach,) if pace.reach else ())


def plan(pace: Pace, late: Mapping[int, int]) -> tuple[timedelta, ...]:
    """Those of `ages` at which a source is looked at again, rising; the last is the reach.

    `late`: step of `lateness_step` -> how many records were so late. An age is worth what it shortens the wait for
    records by, and costs the records that it reads again. Without `pace.fetches` all are taken that are old enough to
    be worth the requests.
    """
    if pace.fetches is None:
        return tuple(age for age in ages(pace) if age >= _WORTH_A_REQUEST) or ages(pace)
    total = sum(late.values())
    # Shares of whole percents: sources that are alike share one answer.
    shares = tuple(sorted((step, round(100 * count / total)) for step, count in late.items())) if total else ()
    return _plan(pace, shares if total >= sum(_USUAL.values()) else ())


@lru_cache(maxsize=4096)
def _plan(pace: Pace, shares: tuple[tuple[int, int], ...]) -> tuple[timedelta, ...]:
    mass = _blurred(dict(shares) or _USUAL)
    # A source of which nothing was late for days is not for ever without late records.
    expected = {late: share * (1 - _DOUBT) for late, share in mass.items()}
    for late, share in _blurred(_USUAL).items():
        expected[late] = expected.get(late, 0.0) + share * _DOUBT
    candidates = list(ages(pace))
    if not candidates or pace.fetches is None:
        return tuple(candidates)
    chosen = [candidates.pop()]
    left = pace.fetches - _live_cost(pace, mass) - 1
    while True:
        now = _wait(pace, chosen, expected)
        worth = [
            ((now - _wait(pace, [*chosen, age], expected)) / max(cost, 0.01), age, cost)
            for age in candidates
            if (cost := _until(mass, age.total_seconds())) <= left
        ]
        gain, age, cost = max(worth, default=(0.0, _SHORTEST, 0.0))
        if gain <= _WORTH:
            return tuple(sorted(chosen))
        chosen.append(age)
        candidates.remove(age)
        left -= cost


def due(feed: Feed, state: SourceState, planned: Sequence[timedelta], now: datetime) -> Iterator[Turn]:
    """What is to be looked at again now, at most one stretch an age. The same for all who ask at about the same time.

    An age leaves what is older than the next one to that, so after an absence only what is missing is read. Nothing is
    looked at again that the live slices have not reached; nor what was that old when the source began, since its
    look-back has read it then; nor what lies before its look-back, which nobody has asked for.
    """
    if state.position is None or state.started_at is None:
        return
    for age, following in zip_longest(planned, planned[1:]):
        period = age / _TURNS if following is None else age
        until = _floor(feed, now - age, period)
        first = _second(state.started_at - min(age, feed.pace.beginning))
        age_s = int(age.total_seconds())
        known = state.reread.get(age_s)
        if known is None and following is None and until <= first:
            yield Turn(age_s, None, first, None)
        if until > state.position:
            continue
        begin = until - period if known is None else known
        if known is not None and known > now - age + _SKEW:
            # Noted by a clock that was ahead: what it had read "at that age" was younger.
            begin = until - feed.pace.reach
        if following is not None:
            begin = max(begin, _floor(feed, now - following, period))
        begin = max(begin, first)
        if begin < until:
            name = f"{age_s}s {_stamp(begin)} {_stamp(until)}"
            stretch = Stretch(feed.tenant, feed.source, Cause.LATE, name, begin, until, begin)
            yield Turn(age_s, known, until, stretch)


def expected_fetches(pace: Pace, planned: Sequence[timedelta], late: Mapping[int, int]) -> float:
    """How often a record is fetched on average, when records are so late."""
    mass = _blurred(late)
    return _live_cost(pace, mass) + sum(_until(mass, age.total_seconds()) for age in planned)


def _blurred(late: Mapping[int, int]) -> dict[float, float]:
    """Seconds -> share of the records that came so late."""
    total, found = sum(late.values()), dict[float, float]()
    for step, count in late.items():
        for earlier in range(_BLUR + 1):
            seconds = 2 ** (max(step - earlier, 0) / 2)
            found[seconds] = found.get(seconds, 0) + count / total / (_BLUR + 1)
    return found


def _until(mass: Mapping[float, float], seconds: float) -> float:
    return sum(share for late, share in mass.items() if late <= seconds)


def _live_cost(pace: Pace, mass: Mapping[float, float]) -> float:
    """How often live slices read a record: once, and again where they overlap."""
    first = (pace.settle + pace.interval).total_seconds()
    again = pace.overlap / pace.interval if pace.interval else 0.0
    return _until(mass, first) + again * _until(mass, first + pace.overlap.total_seconds())


def _wait(pace: Pace, chosen: Sequence[timedelta], mass: Mapping[float, float]) -> float:
    """How long a record waits from when it is to be had to when it is read, on average.

    In doublings of a minute: for most records to come soon counts for more than for few to come within hours.
    """
    live = (pace.settle + pace.interval + pace.overlap).total_seconds()
    read_at = sorted(1.5 * age.total_seconds() for age in chosen)
    whole = 0.0
    for late, share in mass.items():
        if late > live:
            read = next((at for at in read_at if at >= late * 1.5), read_at[-1])
            whole += share * log2(1 + max(read - late, 0.0) / 60)
    return whole


def _floor(feed: Feed, at: datetime, period: timedelta) -> datetime:
    """The last turn of a source before a moment: sources take turns, each has moments of its own."""
    seconds = max(int(period.total_seconds()), 1)
    turn = crc32(f"{feed.tenant}/{feed.source}".encode()) % seconds
    whole = int((at - _EPOCH).total_seconds())
    return _EPOCH + timedelta(seconds=(whole - turn) // seconds * seconds + turn)


def _whole(age: timedelta) -> timedelta:
    return timedelta(seconds=int(age.total_seconds()))


def _second(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"

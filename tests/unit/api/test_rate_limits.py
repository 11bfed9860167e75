"""Who asks too often waits, whoever shares an address with a guesser does not, and no store of limits stops anybody."""

from __future__ import annotations

import pytest

from aoc_api import problems
from aoc_api.access.principal import Principal
from aoc_api.problems import Problem
from aoc_api.rates import throttle as rules
from aoc_api.rates.rate_limits import Rate
from aoc_api.rates.throttle import Throttle, network_of
from aoc_api.rates.token_buckets import TokenBuckets
from aoc_api.settings import RateOptions
from aoc_common.errors import Unreachable
from each import each
from manual_clock import ManualClock

RATE = Rate("test", 10, 2)
SMALL = RateOptions(caller_burst=10, caller_per_s=2, address_burst=100, address_per_s=10)
DANA = Principal("person", "directory/dana", "Dana", ())


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def buckets(clock):
    return TokenBuckets(clock)


@pytest.fixture
def throttle(buckets, clock):
    return Throttle(buckets, SMALL, clock)


class Away:
    """`RateLimits` whose store is away."""

    def __init__(self):
        self.asked = 0

    async def take(self, *_):
        self.asked += 1
        raise Unreachable("valkey: no answer")

    charge = take


async def test_a_bucket_gives_what_it_holds_and_no_more_until_some_has_come_back(buckets, clock) -> None:
    standings = [await buckets.take(RATE, "a", 4) for _ in range(3)]

    assert [(standing.remaining, standing.wait_s) for standing in standings] == [(6, 0), (2, 0), (2, 1)]
    clock.advance(0.99)
    assert (await buckets.take(RATE, "a", 4)).wait_s == pytest.approx(0.01)
    clock.advance(0.02)
    assert (await buckets.take(RATE, "a", 4)).wait_s == 0


async def test_a_bucket_is_full_after_its_window_and_never_fuller(buckets, clock) -> None:
    await buckets.take(RATE, "a", 10)
    clock.advance(RATE.window_s * 100)

    assert (await buckets.take(RATE, "a", 11)).wait_s == 0.5
    assert (await buckets.take(RATE, "a", 10)).full_s == RATE.window_s


async def test_owners_and_rates_have_buckets_of_their_own(buckets) -> None:
    await buckets.take(RATE, "a", 10)

    assert (await buckets.take(RATE, "b", 10)).wait_s == 0
    assert (await buckets.take(Rate("other", 10, 2), "a", 10)).wait_s == 0
    assert (await buckets.take(RATE, "a", 1)).wait_s > 0


async def test_what_is_owed_is_paid_back_and_is_never_more_than_a_bucket(buckets, clock) -> None:
    for _ in range(100):
        standing = await buckets.charge(RATE, "a", 7)

    assert standing.remaining == -RATE.burst
    clock.advance(RATE.window_s)
    assert (await buckets.take(RATE, "a", 1)).wait_s == 0.5


async def test_the_memory_is_bounded_and_who_is_dropped_has_lost_nothing(clock) -> None:
    buckets = TokenBuckets(clock, remembered=100)
    for number in range(1_000):
        await buckets.take(RATE, f"stranger {number}", 10)

    assert len(buckets._full_at) == 100
    assert (await buckets.take(RATE, "stranger 0", 10)).wait_s == 0


async def test_a_caller_is_told_what_is_left_and_when_to_come_again(throttle, clock) -> None:
    told = await throttle.caller("directory/dana", "GET")
    assert told == {"RateLimit-Policy": '"caller";q=10;w=5', "RateLimit": '"caller";r=9;t=1'}

    await throttle.caller("directory/dana", "POST")
    with pytest.raises(Problem) as refused:
        await throttle.caller("directory/dana", "DELETE")

    assert problems.KINDS[refused.value.slug].status == 429
    assert refused.value.headers["Retry-After"] == "1"
    assert refused.value.headers["RateLimit"] == '"caller";r=4;t=3'
    await throttle.caller("directory/kim", "POST")
    clock.advance(1)
    await throttle.caller("directory/dana", "DELETE")


async def test_made_up_credentials_are_looked_up_a_few_times_only(throttle, clock) -> None:
    looked_up = []

    async def tried(number, address="203.0.113.9"):
        async def verify():
            looked_up.append(number)
            raise problems.unauthenticated("not known", "key-unknown")

        with pytest.raises(Problem) as refused:
            await throttle.vetted(address, f"made up {number}", verify)
        return refused.value.slug

    slugs = [await tried(number) for number in range(50)]

    assert slugs[:5] == ["unauthenticated"] * 5
    assert set(slugs[5:]) == {"too-often"}
    assert len(looked_up) == 5
    assert await tried(50, "203.0.113.10") == "unauthenticated"
    clock.advance(1_000)
    assert await tried(51) == "unauthenticated"


async def test_whoever_was_let_in_before_passes_whatever_others_behind_the_address_do(throttle) -> None:
    async def good():
        return DANA

    async def bad():
        raise problems.unauthenticated("not known", "session-unknown")

    await throttle.vetted("203.0.113.9", "good", good)
    for number in range(10):
        with pytest.raises(Problem):
            await throttle.vetted("203.0.113.9", f"bad {number}", bad)

    assert await throttle.vetted("203.0.113.9", "good", good) == DANA
    with pytest.raises(Problem) as refused:
        await throttle.vetted("203.0.113.9", "good, and new here", good)
    assert refused.value.slug == "too-often"


async def test_a_session_that_has_ended_is_no_guess_however_often_it_is_shown(throttle) -> None:
    ended = False

    async def verify():
        if ended:
            raise problems.unauthenticated("ended", "session-expired")
        return DANA

    await throttle.vetted("203.0.113.9", "mine", verify)
    ended = True
    for _ in range(200):
        with pytest.raises(Problem) as refused:
            await throttle.vetted("203.0.113.9", "mine", verify)
        assert refused.value.slug == "unauthenticated"
    await throttle.stranger("203.0.113.9", 90)


async def test_the_same_refused_credentials_again_are_one_guess(throttle) -> None:
    async def verify():
        raise problems.unauthenticated("not known", "key-unknown")

    for _ in range(20):
        with pytest.raises(Problem) as refused:
            await throttle.vetted("203.0.113.9", "of a program that was not told", verify)

    assert refused.value.slug == "unauthenticated"


async def test_whose_token_is_good_and_lacks_a_right_has_made_nothing_up(throttle) -> None:
    async def verify():
        raise Problem("forbidden", "no scope")

    for number in range(20):
        with pytest.raises(Problem) as refused:
            await throttle.vetted("203.0.113.9", f"token {number}", verify)

    assert refused.value.slug == "forbidden"


async def test_while_the_store_of_limits_is_away_everybody_passes(clock) -> None:
    away = Away()
    throttle = Throttle(away, SMALL, clock)

    async def bad():
        raise problems.unauthenticated("not known", "key-unknown")

    for number in range(200):
        assert await throttle.caller("directory/dana", "POST") == {}
        await throttle.stranger("203.0.113.9", rules.SIGN_IN)
        await throttle.webhook("203.0.113.9")
        with pytest.raises(Problem) as refused:
            await throttle.vetted("203.0.113.9", str(number), bad)
        assert refused.value.slug == "unauthenticated"
    assert away.asked == 1_400  # of strangers their address, and all of them together


async def test_two_hundred_analysts_behind_one_address_sign_in_and_work(clock) -> None:
    throttle = Throttle(TokenBuckets(clock), RateOptions(), clock)

    async def good():
        return DANA

    for _analyst in range(200):
        await throttle.stranger("198.51.100.1", rules.SIGN_IN)  # to the provider
        await throttle.stranger("198.51.100.1", rules.SIGN_IN)  # and back
    for _minute in range(3):
        for analyst in range(200):
            for _ in range(20):
                await throttle.vetted("198.51.100.1", f"session {analyst}", good)
                await throttle.caller(f"directory/{analyst}", "GET")
        clock.advance(60)


@each(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/56"),
        ("2001:db8:1:ff:9::1", "2001:db8:1::/56"),
        ("2001:db8:1:100::1", "2001:db8:1:100::/56"),
        ("fe80::1%eth0", "fe80::/56"),
        ("", ""),
        ("x" * 1_000, "x" * 64),
    ],
)
def test_who_has_many_addresses_has_one_bucket(address, network) -> None:
    assert network_of(address) == network


async def test_strangers_from_ever_so_many_sites_are_bounded_together_and_who_was_here_passes(clock) -> None:
    options = RateOptions(strangers_burst=100, strangers_per_s=1, address_burst=100)
    # More sites than are remembered: each of them finds a full bucket.
    throttle = Throttle(TokenBuckets(clock, remembered=10), options, clock)
    looked_up = 0

    async def known() -> Principal:
        return DANA

    async def nobody() -> Principal:
        nonlocal looked_up
        looked_up += 1
        raise problems.unauthenticated("no such key")

    await throttle.vetted("192.0.2.1", "dana's", known)
    refused = []
    for number in range(1_000):
        with pytest.raises(Problem) as raised:
            await throttle.vetted(f"10.0.{number // 250}.{number % 250}", f"made up {number}", nobody)
        refused.append(raised.value.slug)

    assert looked_up == refused.count("unauthenticated") == 99  # dana's own was the first
    assert refused[-1] == "too-often"
    assert "people who are not known yet" in raised.value.detail
    assert await throttle.vetted("192.0.2.1", "dana's", known) is DANA
    clock.advance(1)
    assert await throttle.vetted("198.51.100.1", "another", known) is DANA

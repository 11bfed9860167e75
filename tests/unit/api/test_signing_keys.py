"""Keys of the sign-in service: how often it is asked, and what holds while it is away, or its keys change."""

from __future__ import annotations

import asyncio

import pytest

from aoc_api.entra.discovery import Published, SigningKey
from aoc_api.entra.keys import FRESH_S, LONGEST_S, PAUSE_S, RETRY_S, AskedAlready, SigningKeys
from aoc_common.errors import Unreachable
from manual_clock import ManualClock


class Origin:
    """Publishes `keys`, unless it is away."""

    def __init__(self, *kids: str) -> None:
        self.kids = kids
        self.away = False
        self.asked = 0

    async def __call__(self, _: str) -> Published:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise Unreachable("away")
        return Published({kid: SigningKey(kid, None) for kid in self.kids})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def origin() -> Origin:
    return Origin("k1")


@pytest.fixture
def keys(origin, clock) -> SigningKeys[str]:
    return SigningKeys(origin, clock)


async def beside() -> None:
    """What was begun beside a request comes to its end."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_hundred_requests_at_once_ask_once(keys, origin):
    found = await asyncio.gather(*(keys.key("o", "k1") for _ in range(100)))

    assert ({key.kid for key in found}, origin.asked) == ({"k1"}, 1)


async def test_no_request_asks_while_keys_are_fresh(keys, origin, clock):
    await keys.key("o", "k1")
    clock.advance(FRESH_S)
    await keys.key("o", "k1")
    await beside()

    assert origin.asked == 1


async def test_old_keys_are_fetched_again_and_nobody_waits_for_it(keys, origin, clock):
    before = await keys.key("o", "k1")
    clock.advance(FRESH_S + 1)
    meanwhile = await keys.key("o", "k1")
    await beside()
    after = await keys.key("o", "k1")

    assert (meanwhile is before, after is before, origin.asked) == (True, False, 2)


async def test_a_key_that_was_withdrawn_is_gone_after_the_next_fetch(keys, origin, clock):
    await keys.key("o", "k1")
    origin.kids = ("k2",)
    clock.advance(FRESH_S + 1)
    await keys.key("o", "k1")
    await beside()

    with pytest.raises(AskedAlready):
        await keys.key("o", "k1")


async def test_a_new_key_is_found_when_a_token_names_it(keys, origin, clock):
    await keys.key("o", "k1")
    origin.kids = ("k1", "k2")
    with pytest.raises(AskedAlready):
        await keys.key("o", "k2")
    clock.advance(PAUSE_S + 1)

    assert (await keys.key("o", "k2")).kid == "k2"
    assert origin.asked == 2


async def test_made_up_keys_make_us_ask_once_in_a_pause(keys, origin, clock):
    assert await keys.key("o", "made-up") is None
    for second in range(int(PAUSE_S)):
        with pytest.raises(AskedAlready):
            await keys.key("o", f"made-up-{second}")
        clock.advance(1)
    clock.advance(1)
    assert await keys.key("o", "made-up") is None

    assert origin.asked == 2


async def test_keys_outlive_an_origin_that_is_away_for_a_bounded_time(keys, origin, clock):
    await keys.key("o", "k1")
    origin.away = True
    clock.advance(LONGEST_S)
    assert (await keys.key("o", "k1")).kid == "k1"
    await beside()
    clock.advance(RETRY_S + 1)

    with pytest.raises(Unreachable) as error:
        await keys.key("o", "k1")
    assert error.value.retry_after == RETRY_S


async def test_an_origin_that_is_away_is_not_hammered_and_its_return_is_noticed(keys, origin, clock):
    origin.away = True
    for _ in range(10):
        with pytest.raises(Unreachable):
            await keys.key("o", "k1")
    assert origin.asked == 1
    origin.away = False
    clock.advance(RETRY_S + 1)

    assert (await keys.key("o", "k1")).kid == "k1"


async def test_an_unknown_key_while_the_origin_is_away_is_not_said_to_be_wrong(keys, origin, clock):
    await keys.key("o", "k1")
    origin.away = True
    clock.advance(PAUSE_S + 1)

    with pytest.raises(Unreachable) as error:
        await keys.key("o", "k2")
    assert not isinstance(error.value, AskedAlready)
    assert (await keys.key("o", "k1")).kid == "k1"


async def test_a_request_that_is_given_up_does_not_end_the_fetch_that_others_wait_for(keys, origin):
    first = asyncio.create_task(keys.key("o", "k1"))
    second = asyncio.create_task(keys.key("o", "k1"))
    await asyncio.sleep(0)
    first.cancel()

    assert ((await second).kid, origin.asked) == ("k1", 1)


async def test_origins_have_keys_of_their_own(clock):
    published = {"a": Published({"k": SigningKey("k", None)}), "b": Published({})}

    async def fetch(origin: str) -> Published:
        return published[origin]

    keys = SigningKeys(fetch, clock)

    assert (await keys.key("a", "k")).kid == "k"
    assert await keys.key("b", "k") is None

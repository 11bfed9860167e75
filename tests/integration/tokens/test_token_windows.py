"""What passes while time does: clocks that differ, keys that change, a sign-in service that is away or lies."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from aoc_api.access.tokens.claims import Expected
from aoc_api.access.tokens.identity import RefusedToken
from aoc_api.access.tokens.verification import REMEMBERED, AccessTokens
from aoc_api.entra import jws
from aoc_api.entra.discovery import fetch
from aoc_api.entra.keys import FRESH_S, LONGEST_S, PAUSE_S, RETRY_S, SigningKeys
from aoc_sim.settings import GatewayApp
from signing import BASE, CUSTOMER

LEEWAY_S = 60
STRANGER = "11111111-2222-4333-8444-555555555555"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("claim", "seconds", "status"),
    [
        ("exp", -LEEWAY_S + 1, 200),
        ("exp", -LEEWAY_S, 401),
        ("exp", -86_400 * 365, 401),
        ("nbf", LEEWAY_S, 200),
        ("nbf", LEEWAY_S + 1, 401),
        ("iat", LEEWAY_S, 200),
        ("iat", LEEWAY_S + 1, 401),
        ("iat", 86_400 * 365, 401),
    ],
)
async def test_clocks_may_differ_by_a_minute(gateway, entra, clock, claim, seconds, status):
    assert await gateway.status(entra.token({claim: int(clock.now().timestamp()) + seconds})) == status


async def test_times_that_are_none_are_refused(gateway, entra):
    for claim in ("exp", "nbf", "iat"):
        for value in (None, "soon", True, -1, 1e18, 2**200, [], {}, "1795424399"):
            assert await gateway.status(entra.token({claim: value})) == 401, (claim, value)


async def test_a_token_that_is_remembered_ends_when_it_ends(gateway, entra, clock):
    token = entra.token()
    assert await gateway.status(token) == 200
    clock.advance(3599 + LEEWAY_S - 1)
    assert await gateway.status(token) == 200
    clock.advance(1)

    answer = await gateway.get(token)
    assert (answer.status_code, answer.json()["detail"]) == (401, "The access token has expired. Get a new one.")


async def test_a_token_that_is_remembered_is_not_verified_again_and_nobody_is_asked(gateway, entra, monkeypatch):
    token = entra.token()
    assert await gateway.status(token) == 200
    asked = await entra.asked()
    monkeypatch.setattr("aoc_api.entra.jws.check_signature", lambda *_: pytest.fail("was verified"))
    for _ in range(20):
        assert await gateway.status(token) == 200

    assert await entra.asked() == asked == 2


def _verifier(entra, clock, is_known, remembered=REMEMBERED):
    app = GatewayApp()
    expected = Expected(app.client_id, app.application_uri, app.scope)
    return AccessTokens(expected, BASE, SigningKeys(partial(fetch, entra.client), clock), is_known, clock, remembered)


async def test_what_is_remembered_is_bounded_by_its_size(entra, clock, monkeypatch):
    verified = []
    monkeypatch.setattr(jws, "check_signature", lambda token, _: verified.append(token.claims["uti"]))
    groups = [f"{number:08d}-0000-4000-8000-000000000000" for number in range(200)]
    first, second = (entra.token({"groups": groups, "uti": name}) for name in ("first", "second"))
    tokens = _verifier(entra, clock, _known, remembered=300)
    for token in (first, first, second, second, first):
        await tokens.verify(token)

    assert verified == ["first", "second", "first"]


async def test_an_id_token_is_good_for_its_own_sign_in_at_a_known_directory_only(entra, clock):
    token, other = entra.token(base=entra.id_claims(nonce="n1")), entra.token(base=entra.id_claims(nonce=None))
    tokens = _verifier(entra, clock, _known)
    assert (await tokens.verify_id_token(token, "n1")).app_roles == ("aoc.superadmin",)

    for verifier, wrong, nonce in (
        (tokens, token, "n2"),
        (tokens, token, ""),
        (tokens, other, ""),
        (tokens, entra.token({"nonce": "n1"}), "n1"),
        (tokens, entra.token(base=entra.application_claims("aoc.reader") | {"nonce": "n1"}), "n1"),
        (tokens, entra.token(base=entra.id_claims(nonce="n1") | {"exp": 1}), "n1"),
        (tokens, entra.token(base=entra.id_claims(nonce="n1") | {"aud": STRANGER}), "n1"),
        (_verifier(entra, clock, _unknown), token, "n1"),
    ):
        with pytest.raises(RefusedToken):
            await verifier.verify_id_token(wrong, nonce)


async def _unknown(_: str) -> bool:
    return False


async def _known(_: str) -> bool:
    return True


async def test_a_token_whose_key_was_withdrawn_ends_though_it_is_remembered(gateway, entra, clock):
    token = entra.token({"exp": int(clock.now().timestamp()) + 4 * 3600})
    assert await gateway.status(token) == 200
    await entra.control(rotate=True, withdraw=True)
    assert await gateway.status(token) == 200
    clock.advance(FRESH_S + 1)
    await gateway.status(token)
    await asyncio.sleep(0.1)

    assert await gateway.status(token) == 401
    assert await gateway.status(entra.token()) == 200


async def test_a_rotation_is_noticed_when_the_first_token_comes_that_is_signed_with_the_new_key(gateway, entra, clock):
    before = entra.token()
    assert await gateway.status(before) == 200
    await entra.control(rotate=True)
    after = entra.token()
    # Keys were fetched a moment ago: nobody makes us ask for them at once.
    assert await gateway.status(after) == 401
    clock.advance(PAUSE_S + 1)

    assert [await gateway.status(token) for token in (after, before)] == [200, 200]


async def test_a_rotation_before_the_first_token_loses_nothing(gateway, entra):
    before = entra.token()
    await entra.control(rotate=True)

    assert [await gateway.status(token) for token in (before, entra.token())] == [200, 200]


async def test_made_up_keys_do_not_make_us_ask(gateway, entra):
    assert await gateway.status(entra.token()) == 200
    asked = await entra.asked()
    for number in range(50):
        assert await gateway.status(entra.token(header={"kid": f"made-up-{number}"})) == 401

    assert await entra.asked() == asked


async def test_strangers_do_not_make_us_ask_at_all(gateway, entra):
    elsewhere = {"tid": STRANGER, "iss": f"{BASE}/{STRANGER}/v2.0"}
    for changes in (elsewhere, {"tid": STRANGER}, {"iss": "https://evil.example/"}, {"ver": "3.0"}):
        assert await gateway.status(entra.token(changes)) == 401

    assert await entra.asked() == 0


@pytest.mark.slow
async def test_a_hundred_first_requests_ask_once(gateway, entra):
    statuses = await asyncio.gather(
        *(gateway.status(entra.token({"uti": str(number)}, role=None)) for number in range(100))
    )

    assert (set(statuses), await entra.asked()) == ({403}, 2)


@pytest.mark.slow
@pytest.mark.parametrize(
    "conduct", ["away", "html", "huge", "many-keys", "wrong-issuer", "foreign-keys-address", "redirect"]
)
async def test_a_sign_in_service_that_is_away_or_lies_at_the_start_opens_nothing_and_its_return_is_noticed(
    gateway, entra, clock, conduct
):
    await entra.control(conduct=conduct)
    answer = await gateway.get(entra.token())
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/not-now")
    assert int(answer.headers["Retry-After"]) > 0
    asked = await entra.asked()
    assert await gateway.status(entra.token()) == 503
    assert await entra.asked() == asked
    await entra.control(conduct="honest")
    clock.advance(RETRY_S + 1)

    assert await gateway.status(entra.token()) == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    "conduct", ["away", "html", "huge", "many-keys", "wrong-issuer", "foreign-keys-address", "redirect"]
)
async def test_known_keys_are_good_for_a_day_when_the_sign_in_service_is_away_or_lies(gateway, entra, clock, conduct):
    assert await gateway.status(entra.token()) == 200
    await entra.control(conduct=conduct)
    clock.advance(LONGEST_S)
    assert await gateway.status(entra.token()) == 200
    clock.advance(RETRY_S + 1)

    assert await gateway.status(entra.token()) == 503


async def test_a_slow_sign_in_service_holds_up_nobody_who_has_a_known_key(gateway, entra, clock):
    assert await gateway.status(entra.token()) == 200
    await entra.control(conduct="slow")
    clock.advance(FRESH_S + 1)
    async with asyncio.timeout(5):
        assert await gateway.status(entra.token()) == 200


async def test_a_customers_tokens_are_verified_with_the_same_keys(gateway, entra):
    assert await gateway.status(entra.token()) == 200
    asked = await entra.asked()

    assert await gateway.status(entra.token(tenant=CUSTOMER), tenant=CUSTOMER) == 200
    assert await entra.asked() == asked

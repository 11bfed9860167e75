"""Notifications with resource data: who signed them, for whom, when, and whether they came whole."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime

import httpx
import jwt
import pytest

from aoc_api.settings import HookOptions
from aoc_common.clock import SystemClock
from aoc_common.tenants.administration import Change
from notifying import APP, AUTHORITY, CONTOSO, FABRIKAM, PUBLISHER, SEALS, change, encrypted
from tenant_registry import Registry

POLL = ["poll.contoso.graph-alerts"]
NOW = int(datetime.now(UTC).timestamp())


@pytest.fixture
def rich(encryption_key):
    """`rich(body)`: a notification of an alert with resource data."""

    def make(resource=b'{"id":"a1"}', certificate="cert-1", **members):
        content = encrypted(resource, encryption_key.public_key(), certificate)
        return change("alerts", encryptedContent=content) | members

    return make


async def test_a_signed_and_encrypted_notification_is_believed(hooks, authority, rich):
    answer = await hooks.graph(rich(), tokens=[authority.token()])

    assert (answer.status_code, hooks.bus.asked, hooks.refusals()) == (202, POLL, [])


async def test_each_of_several_apps_in_one_directory_gets_its_tokens_believed(serve, options, authority, rich):
    other = APP.replace("c0a7", "5ec0")
    entries = json.loads(options.tenants_file.read_text())
    entries.append({"name": "contoso-intune", "tenant_id": CONTOSO, "client_id": other})
    options.tenants_file.write_text(json.dumps(entries))
    hooks = await serve(options)

    for number, app in enumerate((APP, other)):
        await hooks.graph(rich(id=f"notification-{number}"), tokens=[authority.token(aud=app)])

    assert (hooks.bus.asked, hooks.refusals()) == (POLL * 2, [])


async def test_a_tenant_of_the_registry_is_believed_from_when_it_is_there_until_it_is_gone(
    serve, options, authority, rich, database, mongo_settings
):
    options.tenants_file.write_text("[]")
    hooks = await serve(options, mongo=mongo_settings)
    stored = hooks.client._transport.app.state.services.registry.stored
    tenants, change = Registry(database, SystemClock()).administration, Change("tests")

    async def answers(name):
        stored.wake()
        await stored.tenants()
        return (await hooks.graph(rich(id=name), tokens=[authority.token()])).status_code

    before = await answers("before"), hooks.bus.asked[:], hooks.refusals()
    await tenants.add({"name": "contoso", "tenant_id": CONTOSO, "client_id": APP, "client_secret": "env:X"}, change)
    there = await answers("there"), hooks.bus.asked[:]
    await tenants.delete("contoso", change)
    await answers("after")

    assert before == (202, [], ["a validation token is of an issuer that is not configured"])
    assert there == (202, POLL)
    assert (hooks.bus.asked, hooks.refusals()) == (POLL, before[2] * 2)


async def test_while_the_registry_cannot_be_asked_a_tenant_that_is_not_in_the_file_is_asked_for_again(
    serve, options, authority, rich
):
    options.tenants_file.write_text("[]")
    hooks = await serve(options)
    answer = await hooks.graph(rich(), tokens=[authority.token()])

    assert (answer.status_code, hooks.bus.asked) == (503, [])


async def test_a_token_of_version_2_is_believed(hooks, authority, rich):
    token = authority.token(iss=f"{AUTHORITY}/{CONTOSO}/v2.0", appid=None, azp=PUBLISHER, ver="2.0")
    await hooks.graph(rich(), tokens=[token])

    assert hooks.bus.asked == POLL


async def test_a_token_that_is_not_for_us_now_from_graph_is_refused(serve, options, authority, rich, mongo_settings):
    wrong = [
        ({"exp": NOW - 120}, "outside its time"),
        ({"nbf": NOW + 86_400}, "outside its time"),
        ({"exp": "soon"}, "not good (DecodeError)"),
        ({"exp": None}, "not good"),
        ({"nbf": None}, "not good"),
        ({"aud": "11111111-2222-4333-8444-555555555555"}, "for another app"),
        ({"aud": [APP]}, "for another app"),
        ({"aud": None}, "not good"),
        ({"iss": "https://sts.windows.net/11111111-2222-4333-8444-555555555555/"}, "an issuer that is not configured"),
        ({"iss": f"https://evil.example/{CONTOSO}/v2.0"}, "an issuer that is not configured"),
        ({"iss": None}, "an issuer that is not configured"),
        ({"iss": f"https://sts.windows.net/{FABRIKAM}/"}, "for another app"),
        ({"appid": "11111111-2222-4333-8444-555555555555"}, "another sender"),
        ({"appid": None}, "another sender"),
        ({"azp": "11111111-2222-4333-8444-555555555555"}, "another sender"),
        ({"tid": FABRIKAM}, "another tenant than its issuer"),
    ]
    # With a registry that can be asked: while it cannot, a token of somebody unknown may be of a tenant that it has.
    hooks = await serve(options, mongo=mongo_settings)

    for number, (claims, reason) in enumerate(wrong):
        answer = await hooks.graph(rich(id=f"notification-{number}"), change(), tokens=[authority.token(**claims)])
        assert (answer.status_code, hooks.bus.asked) == (202, []), claims
        assert reason in hooks.refusals()[number], claims


async def test_a_forged_signature_is_refused(hooks, authority, rich, other_key):
    await hooks.graph(rich(), tokens=[authority.token(key=other_key)])

    assert hooks.bus.asked == []
    assert hooks.refusals() == ["a validation token is not good (InvalidSignatureError)"]


async def test_a_token_signed_with_the_public_key_as_a_password_is_refused(hooks, authority, rich):
    header, payload, _ = authority.token().split(".")
    unsigned = jwt.encode(
        {"iss": f"https://sts.windows.net/{CONTOSO}/"}, "x" * 32, algorithm="HS256", headers={"kid": "k1"}
    )
    none = f"{b64encode(b'{"alg":"none","kid":"k1"}').decode().rstrip('=')}.{payload}."
    for token in (unsigned, none, f"{header}.{payload}.", "", "a.b.c", "x" * 16_000):
        await hooks.graph(rich(), tokens=[token])

    assert hooks.bus.asked == []
    assert len(hooks.refusals()) == 6


async def test_one_wrong_token_makes_the_whole_notification_suspicious(hooks, authority, rich):
    await hooks.graph(rich(), tokens=[authority.token(), authority.token(exp=NOW - 120)])

    assert hooks.bus.asked == []


async def test_resource_data_without_a_token_is_refused(hooks, rich):
    await hooks.graph(rich())
    await hooks.graph(rich(), tokens=[])

    assert hooks.bus.asked == []
    assert hooks.refusals() == ["no validation token speaks for its tenant"] * 2


async def test_a_token_vouches_for_its_own_tenant_only(hooks, authority, rich):
    mixed = rich(clientState=SEALS.seal("alerts", "fabrikam", FABRIKAM), tenantId=FABRIKAM)
    await hooks.graph(mixed, rich(), tokens=[authority.token()])

    assert hooks.bus.asked == POLL


async def test_a_token_does_not_replace_the_client_state(hooks, authority, rich):
    await hooks.graph(rich(clientState="made up"), tokens=[authority.token()])

    assert hooks.bus.asked == []


def turned(text, place=0):
    """Base64 of the same bytes with one bit turned."""
    raw = bytearray(b64decode(text))
    raw[place] ^= 1
    return b64encode(raw).decode()


@pytest.mark.parametrize("member", ["data", "dataSignature", "dataKey"])
@pytest.mark.parametrize("change_of", [turned, lambda _: "", lambda _: "!!!", lambda text: text[: len(text) // 8 * 4]])
async def test_tampered_resource_data_is_refused(hooks, authority, rich, member, change_of):
    notification = rich()
    content = notification["encryptedContent"]
    content[member] = change_of(content[member])
    answer = await hooks.graph(notification, tokens=[authority.token()])

    assert (answer.status_code, hooks.bus.asked) == (202, [])


async def test_the_signature_is_checked_before_anything_is_decrypted(hooks, authority, rich, monkeypatch):
    monkeypatch.setattr("aoc_api.webhooks.content._decrypt", lambda *_: pytest.fail("was decrypted"))
    notification = rich()
    notification["encryptedContent"]["data"] = turned(notification["encryptedContent"]["data"], -1)
    await hooks.graph(notification, tokens=[authority.token()])

    assert hooks.refusals() == ["the resource data was tampered with"]


@pytest.mark.parametrize("resource", [b"", b"no json", b"[]", b"\xff"])
async def test_resource_data_that_is_no_object_is_refused(hooks, authority, rich, resource):
    await hooks.graph(rich(resource), tokens=[authority.token()])

    assert hooks.refusals() == ["the resource data is no JSON object"]


async def test_resource_data_for_another_certificate_is_refused(hooks, authority, rich):
    await hooks.graph(rich(certificate="cert-2"), tokens=[authority.token()])

    assert hooks.refusals() == ["encrypted for a certificate that is not configured"]


async def test_a_replay_of_a_rich_notification_does_not_poll_again(hooks, authority, rich):
    notification = rich(id=None)
    for _ in range(2):
        await hooks.graph(notification, tokens=[authority.token()])
    await hooks.graph(rich(id=None), tokens=[authority.token()])

    assert hooks.bus.asked == POLL * 2


async def test_keys_are_fetched_once_and_a_made_up_key_makes_us_ask_once_a_minute_at_most(
    hooks, authority, rich, other_key
):
    for _ in range(3):
        await hooks.graph(rich(), tokens=[authority.token()])
    made_up = authority.token("k9", other_key)
    answers = [(await hooks.graph(rich(), tokens=[made_up])).status_code for _ in range(3)]

    # It might be a new one: whoever is genuine comes again.
    assert (authority.asked, answers, hooks.bus.asked) == (1, [503] * 3, POLL * 3)


async def test_a_key_that_the_authority_does_not_have_is_refused(hooks, authority, rich, other_key):
    answer = await hooks.graph(rich(), tokens=[authority.token("k9", other_key)])

    assert (answer.status_code, hooks.bus.asked) == (202, [])
    assert hooks.refusals() == ["a validation token is signed with an unknown key"]


async def test_a_rotated_key_is_found_after_the_pause(hooks, authority, rich, other_key, monkeypatch):
    await hooks.graph(rich(), tokens=[authority.token()])
    authority.keys = {"k2": other_key}
    monkeypatch.setattr("aoc_api.entra.keys.PAUSE_S", 0.0)
    await hooks.graph(rich(), tokens=[authority.token("k2")])

    assert (authority.asked, hooks.bus.asked) == (2, POLL * 2)


async def test_while_no_key_can_be_had_microsoft_is_asked_to_come_again(hooks, authority, rich, monkeypatch):
    notification, token = rich(), authority.token()
    authority.away = True
    refused = await hooks.graph(notification, tokens=[token])
    hammered = await hooks.graph(notification, tokens=[token])
    assert (hammered.status_code, authority.asked) == (503, 1)
    authority.away = False
    monkeypatch.setattr("aoc_api.entra.keys.RETRY_S", -1.0)
    accepted = await hooks.graph(notification, tokens=[token])

    assert (refused.status_code, accepted.status_code, hooks.bus.asked) == (503, 202, POLL)


async def test_known_keys_outlive_an_authority_that_is_away(hooks, authority, rich, monkeypatch):
    await hooks.graph(rich(), tokens=[authority.token()])
    authority.away = True
    monkeypatch.setattr("aoc_api.entra.keys.FRESH_S", -1.0)
    monkeypatch.setattr("aoc_api.entra.keys.PAUSE_S", -1.0)
    await hooks.graph(rich(), tokens=[authority.token()])

    assert hooks.bus.asked == POLL * 2


async def test_without_a_tenants_file_no_token_is_believed_and_plain_notifications_are(serve, options, authority, rich):
    plain = HookOptions(public_url=options.public_url, secret=options.secret)
    hooks = await serve(plain)
    await hooks.graph(rich(), tokens=[authority.token()])
    await hooks.graph(change("alerts"))

    assert hooks.bus.asked == POLL
    assert authority.asked == 0


async def test_an_authority_that_answers_nonsense_is_one_that_is_away(serve, options, rich, authority, monkeypatch):
    hooks = await serve(options)
    token = authority.token()
    monkeypatch.setattr(type(authority), "__call__", lambda *_: httpx.Response(200, json={"keys": "none"}))

    assert (await hooks.graph(rich(), tokens=[token])).status_code == 503

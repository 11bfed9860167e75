from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from urllib.parse import parse_qs

import httpx
import jwt
import pytest

from aoc_collector.microsoft.auth import Tokens, assertion
from aoc_common.errors import BadConfiguration, Refused, Throttled, Unreachable
from aoc_common.tenants.tenant import Tenant
from certificates import app_pair

GRAPH = "https://graph.microsoft.com"


async def test_a_token_is_sent_to_no_other_host(context, microsoft):
    api = context(GRAPH).api

    for url in ("https://graph.microsoft.com.evil.example/x", "http://graph.microsoft.com/x", "https://evil.example"):
        with pytest.raises(Refused):
            await api.get(url, lambda answer: answer.body)

    assert (microsoft.urls, microsoft.tokens) == ([], 0)


async def test_a_401_gets_one_new_token_and_a_second_one_is_an_answer(context, microsoft):
    good = {"Bearer token-2"}
    microsoft.respond = lambda request: httpx.Response(200 if request.headers["Authorization"] in good else 401)
    api = context(GRAPH).api

    await api.get(f"{GRAPH}/x", lambda answer: answer.body)
    good.clear()
    with pytest.raises(Refused) as caught:
        await api.get(f"{GRAPH}/x", lambda answer: answer.body)

    assert (caught.value.status, microsoft.tokens) == (401, 3)


async def test_throttling_stops_everybody_for_as_long_as_it_asks(context, microsoft, clock):
    answers = iter([httpx.Response(429, headers={"Retry-After": "9"}), httpx.Response(200), httpx.Response(200)])
    microsoft.respond = lambda _: next(answers)
    api = context(GRAPH).api

    await api.get(f"{GRAPH}/x", lambda answer: answer.body)

    assert 9 <= sum(clock.slept) < 10


async def test_throttling_that_names_no_time_pauses_too(context, microsoft, clock):
    microsoft.respond = lambda _: httpx.Response(403, json={"error": {"code": "AF429"}})
    api = context(GRAPH).api

    with pytest.raises(Throttled):
        await api.get(f"{GRAPH}/x", lambda answer: answer.body)

    assert sum(clock.slept) >= 2


async def test_an_answer_that_cannot_be_read_is_asked_for_again(context, microsoft):
    microsoft.respond = lambda _: httpx.Response(200, content=b"[" if len(microsoft.requests) == 1 else b"[]")

    def decode(answer):
        if answer.body != b"[]":
            raise Unreachable("cut short")
        return answer.body

    assert await context(GRAPH).api.get(f"{GRAPH}/x", decode) == b"[]"


def entra(answers):
    """A client whose every answer comes from the list, and the forms that were posted."""
    forms = []

    async def respond(request):
        forms.append({name: values[0] for name, values in parse_qs(request.content.decode()).items()})
        await asyncio.sleep(0)
        return answers[min(len(forms), len(answers)) - 1]

    return httpx.AsyncClient(transport=httpx.MockTransport(respond)), forms


def granted(number, lifetime=3600):
    return httpx.Response(200, json={"access_token": f"token-{number}", "expires_in": lifetime})


async def test_a_token_is_asked_for_once_however_many_want_it_and_again_near_its_end(tenant, clock):
    client, forms = entra([granted(1), granted(2)])
    tokens = Tokens(client, clock, attempts=3)

    first = await asyncio.gather(*(tokens.token(tenant, GRAPH) for _ in range(20)))
    clock.advance(timedelta(seconds=3600 - 301))
    still = await tokens.token(tenant, GRAPH)
    clock.advance(timedelta(seconds=2))
    later = await tokens.token(tenant, GRAPH)

    assert ({"token-1"}, "token-1", "token-2", 2) == (set(first), still, later, len(forms))
    assert f"{GRAPH}/.default" == forms[0]["scope"]


async def test_a_late_401_does_not_throw_away_a_newer_token(tenant, clock):
    client, forms = entra([granted(1), granted(2)])
    tokens = Tokens(client, clock, attempts=3)
    old = await tokens.token(tenant, GRAPH)

    tokens.invalidate(tenant, GRAPH, old)
    new = await tokens.token(tenant, GRAPH)
    tokens.invalidate(tenant, GRAPH, old)

    assert (new, 2) == (await tokens.token(tenant, GRAPH), len(forms))


async def test_a_token_of_former_settings_is_not_used_with_the_new_ones_however_late_it_is_asked_for(tenant, clock):
    client, _ = entra([granted(number) for number in range(1, 6)])
    tokens = Tokens(client, clock, attempts=3)
    changes = (
        {"tenant_id": "fab01ca0-5a11-4d0e-9b1c-0a0c51a00002"},
        {"client_id": "fab01ca0-a99c-4011-8ec7-0a0c51a00022"},
        {"cloud": "gcc-high"},
    )
    tokens.forget(tenant)

    late = await tokens.token(tenant, GRAPH)  # by a slice that began before
    new = [await tokens.token(tenant.model_copy(update=change), GRAPH) for change in changes]

    assert (late, new) == ("token-1", ["token-2", "token-3", "token-4"])
    tokens.forget(tenant)
    assert await tokens.token(tenant.model_copy(update=changes[0]), GRAPH) == "token-5"


async def test_a_refused_secret_is_named_by_its_code_and_never_shown(tenant, clock, caplog):
    body = {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}
    client, _ = entra([httpx.Response(401, json=body)])
    caplog.set_level(logging.DEBUG)

    with pytest.raises(Refused) as caught:
        await Tokens(client, clock, attempts=3).token(tenant, GRAPH)

    assert caught.value.code == "AADSTS7000215"
    assert str(caught.value).count("AADSTS7000215") == 1
    assert "the-secret" not in caplog.text + str(caught.value) + repr(tenant)


async def test_an_answer_without_a_token_is_not_one_and_is_not_shown(tenant, clock):
    client, _ = entra([httpx.Response(200, json={"id_token": "private"})])

    with pytest.raises(Unreachable) as caught:
        await Tokens(client, clock, attempts=3).token(tenant, GRAPH)

    assert "private" not in str(caught.value)


async def test_a_secret_that_is_gone_says_which(tenant, clock, monkeypatch):
    monkeypatch.delenv("CONTOSO")
    client, _ = entra([granted(1)])

    with pytest.raises(BadConfiguration, match="env:CONTOSO"):
        await Tokens(client, clock, attempts=3).token(tenant, GRAPH)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A certificate and its key in one PEM file."""
    public, private, key = app_pair()
    directory = tmp_path_factory.mktemp("pem")
    (directory / "cert-first.pem").write_bytes(public + private)
    (directory / "key-first.pem").write_bytes(private + public)
    (directory / "no-key.pem").write_bytes(public)
    return directory, key


@pytest.mark.parametrize("name", ["cert-first.pem", "key-first.pem"])
async def test_a_certificate_signs_the_request_for_a_token(pair, name, clock):
    directory, public = pair
    identity = "c0a70501-5a11-4d0e-9b1c-0a0c51a00001"
    tenant = Tenant(name="contoso", tenant_id=identity, client_id=identity, client_certificate=directory / name)
    client, forms = entra([granted(1)])

    await Tokens(client, clock, attempts=3).token(tenant, GRAPH)

    claims = jwt.decode(
        forms[0]["client_assertion"],
        public,
        algorithms=["PS256"],
        audience=f"https://login.microsoftonline.com/{identity}/oauth2/v2.0/token",
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    assert (identity, identity) == (claims["iss"], claims["sub"])
    assert "client_secret" not in forms[0]


@pytest.mark.parametrize("name", ["no-key.pem", "missing.pem"])
def test_a_certificate_file_without_a_usable_pair_is_named(pair, name, clock):
    with pytest.raises(BadConfiguration, match=name):
        assertion(f"file:{pair[0] / name}", "client", "audience", clock)

"""Who the exporter is at Azure Monitor: each way leads to a token, and none tells a secret."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
from pydantic import ValidationError

from aoc_common import http
from aoc_common.outbound.refusals import Unusable
from aoc_exporter.delivery.entra import EntraOptions, EntraTokens
from certificates import app_pair
from each import each
from manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

APP = {"tenant_id": "directory", "client_id": "app"}
URL = "https://login.microsoftonline.com/directory/oauth2/v2.0/token"

pair = cache(app_pair)


def pem() -> str:
    """The certificate and its key in one text."""
    public, private, _ = pair()
    return (public + private).decode()


def entra(options: dict[str, Any], answers: Sequence[httpx.Response], clock: ManualClock) -> tuple[EntraTokens, Any]:
    """Tokens of somebody, and the forms that Entra was sent; it gives these answers, the last one for ever."""
    forms: list[dict[str, str]] = []

    async def respond(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == URL
        forms.append({name: values[0] for name, values in parse_qs(request.content.decode()).items()})
        await asyncio.sleep(0)
        return answers[min(len(forms), len(answers)) - 1]

    def client() -> http.Client:
        return http.make_client(timeout_s=5, transport=httpx.MockTransport(respond))

    return EntraTokens(EntraOptions.model_validate(APP | options), client, clock), forms


def granted(number: int, lifetime: float = 3600) -> httpx.Response:
    return httpx.Response(200, json={"access_token": f"token-{number}", "expires_in": lifetime})


async def test_a_secret_or_the_token_of_a_workload_is_shown_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("of-the-workload\n")
    for options, said in (
        ({"client_secret": "hush"}, {"client_secret": "hush"}),
        ({"federated_token_file": tmp_path / "token"}, {"client_assertion": "of-the-workload"}),
    ):
        tokens, forms = entra(options, [granted(1)], ManualClock())

        assert await tokens.token() == "token-1"
        assert forms[0].items() >= {"client_id": "app", "scope": "https://monitor.azure.com/.default", **said}.items()


async def test_a_certificate_signs_each_request_for_a_token() -> None:
    tokens, forms = entra({"client_certificate": pem()}, [granted(1)], clock := ManualClock())

    assert await tokens.token() == "token-1"
    claims = jwt.decode(
        forms[0]["client_assertion"],
        pair()[2],
        algorithms=["PS256"],
        audience=URL,
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    assert (claims["iss"], claims["sub"], claims["nbf"]) == ("app", "app", int(clock.now().timestamp()))
    assert forms[0]["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert "client_secret" not in forms[0]


async def test_a_token_is_asked_for_once_however_many_want_it_near_its_end_and_after_a_refusal() -> None:
    clock = ManualClock()
    tokens, forms = entra({"client_secret": "hush"}, [granted(1), granted(2), granted(3)], clock)

    assert set(await asyncio.gather(*(tokens.token() for _ in range(9)))) == {"token-1"}
    clock.advance(3600 - 301)
    assert await tokens.token() == "token-1"
    clock.advance(2)
    assert await tokens.token() == "token-2"
    assert set(await asyncio.gather(*(tokens.token(renewed=True) for _ in range(9)))) == {"token-3"}
    assert len(forms) == 3


async def test_a_refusal_is_told_by_its_number_alone() -> None:
    body = {"error": "invalid_client", "error_codes": [7000215], "error_description": "not hush"}
    tokens, _ = entra({"client_secret": "hush"}, [httpx.Response(401, json=body)], ManualClock())

    with pytest.raises(Unusable, match="AADSTS7000215") as refused:
        await tokens.token()

    assert "hush" not in str(refused.value)


@each(
    ("options", "words"),
    [
        ({**APP, "client_secret": "hush", "federated_token_file": "/x"}, "client_secret or federated_token_file"),
        ({**APP, "client_secret": "hush", "client_certificate": pem}, "client_secret or client_certificate, and not"),
        ({"client_certificate": pem}, "tenant_id and client_id are needed with client_certificate"),
        ({**APP, "client_certificate": lambda: pair()[0].decode() + "hush"}, "a certificate and an unencrypted RSA"),
        ({**APP, "client_certificate": "hush"}, "client_certificate\n.*a certificate and an unencrypted RSA key"),
    ],
)
def test_what_cannot_be_used_is_named_without_a_secret(options: dict[str, Any], words: str) -> None:
    given = {name: value() if callable(value) else value for name, value in options.items()}

    with pytest.raises(ValidationError, match=words) as refused:
        EntraOptions.model_validate(given)

    assert not any(secret in str(refused.value) for secret in ("hush", "PRIVATE", pem()[100:140]))

"""`aoc login`, `aoc logout`: signs a terminal in at a gateway, through a browser (authorization code with PKCE).

There is no device code: whoever talks somebody into typing one has that person's tokens, which is why Microsoft advises
to block that flow (entra-docs, concept-authentication-flows.md).
"""

from __future__ import annotations

import asyncio
import secrets
import webbrowser
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated
from urllib.parse import urlencode, urlsplit

import typer

from aoc_cli.access.credentials import Credentials, get_json
from aoc_cli.access.redirect import Redirect
from aoc_cli.access.settings import GatewaySettings
from aoc_cli.local import stacks
from aoc_cli.local.ports import LOOPBACK
from aoc_cli.terminal import err, out, plain
from aoc_common.client import Gateway
from aoc_common.client.addresses import check_address, is_private
from aoc_common.client.logins import Logins, redeem
from aoc_common.errors import BadConfiguration
from aoc_common.gateway.sign_in import SignInWays
from aoc_common.settings import load

GatewayArgument = Annotated[str | None, typer.Argument(help="Address of the gateway, like https://aoc.example.")]


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a gateway has people sign in, and for what."""

    client_id: str
    scope: str
    authorization_endpoint: str
    token_endpoint: str


def login(
    gateway: GatewayArgument = None,
    browser: Annotated[bool, typer.Option(help="Open a browser; else the address is printed.")] = True,
) -> None:
    """Sign this terminal in at a gateway, through a browser."""
    address = _address(gateway)
    provider = _provider(address)
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    redirect = Redirect(state)
    asked = {
        "client_id": provider.client_id,
        "response_type": "code",
        "response_mode": "query",
        "redirect_uri": redirect.uri,
        "scope": provider.scope,
        "state": state,
        "code_challenge": urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    url = f"{provider.authorization_endpoint}?{urlencode(asked)}"
    if not (browser and webbrowser.open(url)):
        err.print("open this address in a browser of this machine:")
        out.out(url, highlight=False)
    answer = redirect.wait()
    if "code" not in answer:
        reason = answer.get("error_description") or answer.get("error", "")
        raise BadConfiguration(f"the identity provider did not sign you in: {reason[:300]}")
    code = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": redirect.uri,
        "code_verifier": verifier,
        "scope": provider.scope,
    }
    signed_in = redeem(address, provider.token_endpoint, provider.client_id, provider.scope, code)
    me = Credentials(address, signed_in.access_token).me()
    Logins().keep(signed_in)
    out.print(f"signed in at {plain(address)} as {plain(me.name)}")
    if _unasked():
        err.print(
            "[dim]commands go on with the key of the stack that runs here; to be who you are there: "
            f"export AOC_GATEWAY__URL={plain(address)}[/]"
        )


def logout(gateway: GatewayArgument = None) -> None:
    """Forget what `aoc login` has stored."""
    address = None if gateway is None else _checked(gateway)
    dropped = Logins().drop(address)
    out.print("nobody was signed in" if dropped is None else f"signed out at {plain(dropped)}")


def _unasked() -> bool:
    """Whether a stack that runs here comes before what was signed in to."""
    return load(GatewaySettings).gateway.url is None and any(one.gateway is not None for _, one in stacks.running())


def _address(named: str | None) -> str:
    if named is not None:
        return _checked(named)
    if (configured := load(GatewaySettings).gateway.url) is not None:
        return configured
    if (chosen := stacks.chosen()) is not None and chosen[1].gateway is not None:
        return f"http://{LOOPBACK}:{chosen[1].gateway}"
    raise BadConfiguration("say where: aoc login https://aoc.example, or set AOC_GATEWAY__URL")


def _checked(address: str) -> str:
    try:
        return check_address(address)
    except ValueError as error:
        raise BadConfiguration(f"{address}: {error}") from None


def _provider(gateway: str) -> Provider:
    ways = asyncio.run(_ways(gateway))
    if "microsoft" not in ways.ways:
        raise BadConfiguration(
            f"{gateway} has no identity provider. Use an API key: AOC_GATEWAY__API_KEY; aoc api-keys create makes one "
            "where AOC runs. A local stack needs neither: commands find its key by themselves"
        )
    authority = str(ways.authority).rstrip("/")
    known = get_json(f"{authority}/v2.0/.well-known/openid-configuration")
    endpoints = [str(known.get(f"{name}_endpoint")) for name in ("authorization", "token")]
    for endpoint in endpoints:
        if not is_private(urlsplit(endpoint)):
            raise BadConfiguration(f"{authority}: its endpoint {endpoint} is not https")
    return Provider(str(ways.client_id), f"openid profile offline_access {ways.scope}", *endpoints)


async def _ways(gateway: str) -> SignInWays:
    async with Gateway(gateway) as asked:
        return await asked.access.ways()

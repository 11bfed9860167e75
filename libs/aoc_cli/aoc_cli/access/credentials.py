"""The gateway that a command speaks to, and what it shows there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx
import orjson

from aoc_cli.access import local
from aoc_cli.access.settings import GatewaySettings
from aoc_cli.local import stacks
from aoc_cli.local.ports import LOOPBACK
from aoc_cli.local.stack import DataDirectory
from aoc_common.client import Gateway, NotSignedIn, Secret
from aoc_common.client.logins import Logins, fresh
from aoc_common.errors import BadConfiguration, Unreachable
from aoc_common.settings import load, resolve_secret

if TYPE_CHECKING:
    from pathlib import Path

    from aoc_cli.local.stack import Endpoints
    from aoc_common.gateway.sign_in import Me

_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """A gateway's address, and the access token or API key for it."""

    gateway: str
    secret: str = field(repr=False)

    def client(self) -> Gateway:
        """A client of the gateway that shows the secret there."""
        return Gateway(self.gateway, Secret(self.secret))

    def me(self) -> Me:
        """Whom the gateway takes the owner of the secret for. Raises `BadConfiguration` for nobody; `GatewayError`."""

        async def ask() -> Me:
            async with self.client() as gateway:
                return await gateway.access.me()

        try:
            return asyncio.run(ask())
        except NotSignedIn as error:
            raise BadConfiguration(f"{self.gateway}: {error}") from None


def get_json(url: str) -> dict[str, Any]:
    """The JSON object at an address of an identity provider. Raises `BadConfiguration` when refused, `Unreachable`."""
    try:
        answer = httpx.get(url, timeout=_TIMEOUT_S, follow_redirects=False)
        document = orjson.loads(answer.content)
    except (httpx.HTTPError, ValueError) as error:
        raise Unreachable(f"{url}: {type(error).__name__}: {error}") from None
    if not isinstance(document, dict) or answer.status_code != httpx.codes.OK:
        detail = document.get("detail") if isinstance(document, dict) else None
        raise BadConfiguration(f"{url}: {answer.status_code} {detail or answer.reason_phrase}")
    return document


def find(data: Path | None = None) -> Credentials:
    """What to use: as the environment says, else the local stack that runs, else the last `aoc login`.

    `data`: the directory of the stack to use. Raises `BadConfiguration` when there is nothing.
    """
    options = load(GatewaySettings).gateway
    if data is None and options.url is not None:
        if options.api_key is not None:
            return Credentials(options.url, resolve_secret(options.api_key, "AOC_GATEWAY__API_KEY"))
        return _login(options.url)
    if options.api_key is not None and data is None:
        raise BadConfiguration("AOC_GATEWAY__URL: needed with AOC_GATEWAY__API_KEY: a key is shown to its gateway only")
    if (stack := _stack(data)) is not None:
        directory, endpoints = stack
        secret = asyncio.run(local.api_key(directory, directory.mongo_settings(endpoints)))
        return Credentials(f"http://{LOOPBACK}:{endpoints.gateway}", secret)
    return _login(None)


def _stack(data: Path | None) -> tuple[DataDirectory, Endpoints] | None:
    if data is None:
        stack = stacks.chosen()
    else:
        directory = DataDirectory(data)
        endpoints = directory.running()
        if endpoints is None:
            raise BadConfiguration(f"--data {data}: no stack is running there")
        stack = directory, endpoints
    return stack if stack is not None and stack[1].gateway is not None else None


def _login(gateway: str | None) -> Credentials:
    logins = Logins()
    login = logins.current(gateway)
    if login is None:
        where = gateway or "https://aoc.example"
        raise BadConfiguration(
            f"not signed in: aoc login {where}, or set AOC_GATEWAY__URL and AOC_GATEWAY__API_KEY, or start ./aoc up"
        )
    return Credentials(login.gateway, fresh(login, logins).access_token)

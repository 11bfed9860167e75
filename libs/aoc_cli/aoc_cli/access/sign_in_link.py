"""`aoc sign-in-link`: a link with which a browser signs in, made where AOC runs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from aoc_cli import attach
from aoc_cli.access.local import EVERYTHING, OPERATOR
from aoc_cli.access.settings import GatewaySettings
from aoc_cli.local.ports import LOOPBACK
from aoc_cli.noting import note
from aoc_cli.terminal import err, out
from aoc_common import roster
from aoc_common.client.addresses import check_address
from aoc_common.contracts.credentials import fingerprint, new_secret
from aoc_common.errors import BadConfiguration
from aoc_common.settings import load
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.sessions import MongoSignInLinks
from aoc_common.store.sessions import SignedIn

if TYPE_CHECKING:
    from aoc_common.settings import MongoSettings

#: Minutes for which a link is good.
LINK_MINUTES: Final = 30
_PERSON: Final = SignedIn(OPERATOR, "operator of this installation", EVERYTHING)


def sign_in_link(
    gateway: Annotated[
        str | None, typer.Option(help="Address of the gateway; else AOC_GATEWAY__URL, else the local stack's.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")] = None,
) -> None:
    """Print a link that signs one browser in, once, as who may do everything.

    It needs what only the operator has: the secrets of the data directory, or AOC_MONGO__URI.
    """
    system = attach.required(data)
    out.out(asyncio.run(new_link(system.mongo, _address(gateway, system))), highlight=False)
    err.print(f"good for {LINK_MINUTES} minutes, once")


async def new_link(mongo: MongoSettings, gateway: str) -> str:
    """A link that signs a browser in once, as who may do everything. Raises `Transient`."""
    token = new_secret()
    ends_at = datetime.now(UTC) + timedelta(minutes=LINK_MINUTES)
    async with connect(mongo) as database:
        await note(database, "sign-in-links.make", "create", f"a link that signs in as {_PERSON.principal_id}")
        await MongoSignInLinks(database).make(fingerprint(token), _PERSON, ends_at)
    return f"{gateway}/auth/link?token={token}"


def _address(named: str | None, system: attach.System) -> str:
    if named is not None:
        try:
            return check_address(named)
        except ValueError as error:
            raise BadConfiguration(f"--gateway {named}: {error}") from None
    if (configured := load(GatewaySettings).gateway.url) is not None:
        return configured
    port = system.endpoints.gateway if system.endpoints is not None else None
    return f"http://{LOOPBACK}:{port or roster.API.port}"

"""`aoc sign-in-link`: a link with which a browser signs in, made where AOC runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from aoc_cli import attach
from aoc_cli.access import local
from aoc_cli.access.settings import GatewaySettings, check_address
from aoc_cli.local.ports import LOOPBACK
from aoc_cli.terminal import err, out
from aoc_common import roster
from aoc_common.errors import BadConfiguration
from aoc_common.settings import load


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
    out.out(asyncio.run(local.sign_in_link(system.mongo, _address(gateway, system))), highlight=False)
    err.print(f"good for {local.LINK_MINUTES} minutes, once")


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

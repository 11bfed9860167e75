"""`aoc whoami`, `aoc token`: who one is at the gateway, and what to show there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from aoc_cli.access import credentials
from aoc_cli.terminal import as_json as json_text
from aoc_cli.terminal import out, plain
from aoc_common.errors import BadConfiguration, Unreachable

Data = Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")]


def whoami(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False, data: Data = None
) -> None:
    """Show who you are at the gateway, and what you may do there."""
    held = credentials.find(data)
    me = _me(held)
    if as_json:
        out.out(json_text({"gateway": held.gateway, **me}), highlight=False)
        return
    out.print(f"{plain(me['name'])}  ({plain(me['principal'])}) at {plain(held.gateway)}, by {plain(me['means'])}")
    for grant in me["grants"]:
        groups = [f"group {name}" for name in grant["groups"]]
        over = "everything" if grant["everything"] else ", ".join([*grant["tenants"], *groups])
        out.print(f"  {plain(grant['role'])} over {plain(over)}")


def token(data: Data = None) -> None:
    """Print the token or API key that commands show to the gateway, for curl and scripts. It is a secret."""
    out.out(credentials.find(data).secret, highlight=False)


def _me(held: credentials.Credentials) -> dict[str, Any]:
    try:
        with held.client() as client:
            answer = client.get("/api/me")
            document: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise Unreachable(f"{held.gateway}: {type(error).__name__}: {error}") from None
    if answer.status_code != httpx.codes.OK:
        raise BadConfiguration(f"{held.gateway}: {document.get('detail', answer.status_code)}")
    return document

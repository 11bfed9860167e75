"""`aoc whoami`, `aoc token`: who one is at the gateway, and what to show there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aoc_cli.access import credentials
from aoc_cli.access.granting import over
from aoc_cli.terminal import as_json as json_text
from aoc_cli.terminal import out, plain

Data = Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")]


def whoami(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False, data: Data = None
) -> None:
    """Show who you are at the gateway, and what you may do there."""
    shown = credentials.find(data)
    me = shown.me()
    if as_json:
        out.out(json_text({"gateway": shown.gateway, **me.model_dump(mode="json")}), highlight=False)
        return
    out.print(f"{plain(me.name)}  ({plain(me.principal)}) at {plain(shown.gateway)}, by {plain(me.means)}")
    for grant in me.grants:
        what = over(grant.tenants, grant.groups, everything=grant.everything)
        out.print(f"  {plain(grant.role)} over {plain(what)}")


def token(data: Data = None) -> None:
    """Print the token or API key that commands show to the gateway, for curl and scripts. It is a secret."""
    out.out(credentials.find(data).secret, highlight=False)

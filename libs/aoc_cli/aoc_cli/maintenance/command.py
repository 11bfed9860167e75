"""`aoc maintenance`: the commands."""

from __future__ import annotations

import typer

from aoc_cli.maintenance.dedupe import dedupe
from aoc_cli.maintenance.reindex import reindex
from aoc_cli.maintenance.replay import replay

group = typer.Typer(help="Check what is stored, and bring it in order.", no_args_is_help=True)
group.command("dedupe")(dedupe)
group.command("reindex")(reindex)
group.command("replay")(replay)

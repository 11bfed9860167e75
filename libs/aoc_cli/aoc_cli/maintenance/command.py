"""`aoc maintenance`: the commands."""

from __future__ import annotations

import typer

from aoc_cli.maintenance.dedupe import dedupe
from aoc_cli.maintenance.reindex import reindex
from aoc_cli.maintenance.replay import replay
from aoc_cli.maintenance.retention import retention
from aoc_cli.maintenance.verify_store import verify_store

group = typer.Typer(help="Check what is stored, and bring it in order.", no_args_is_help=True)
group.command("dedupe")(dedupe)
group.command("reindex")(reindex)
group.command("replay")(replay)
group.command("retention")(retention)
group.command("verify-store")(verify_store)

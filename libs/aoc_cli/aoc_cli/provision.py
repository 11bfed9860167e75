"""`aoc provision`: streams, consumers and indexes as this version needs them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from aoc_cli import attach
from aoc_cli.local.provisioning import bring_in_order
from aoc_cli.terminal import out, plain


def provision(
    migrate: Annotated[
        bool,
        typer.Option(
            help="Also make streams anew whose kind has changed, with what is in them. Stop every service before. "
            "If it breaks off, run it again."
        ),
    ] = False,
    reduce: Annotated[
        bool, typer.Option(help="Also make streams smaller, or give them fewer replicas, if the settings say so.")
    ] = False,
    data: Annotated[Path | None, typer.Option(help="The data directory of a stack that runs here.")] = None,
) -> None:
    """Make what is missing of streams, consumers and indexes, and bring the rest in order. Services only check."""
    system = attach.named() or attach.required(data, user="provision")
    done = asyncio.run(bring_in_order(system.nats, system.mongo, _print_line, migrate=migrate, reduce=reduce))
    if not done:
        out.print("everything is as declared")


def _print_line(line: str) -> None:
    out.print(plain(line))

"""`aoc sinks template`: files that make a destination ready for what a sink sends."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aoc_cli.terminal import out
from aoc_common.errors import BadConfiguration
from aoc_exporter.framing.sentinel import TABLE
from aoc_exporter.templates import sentinel as sentinel_files

group = typer.Typer(help="Files that make a destination ready: sentinel.", no_args_is_help=True, add_completion=False)


@group.callback()
def _group() -> None:
    """One command alone would else be the group itself."""


@group.command()
def sentinel(
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory for the files; made if it is not there.")],
    table: Annotated[str, typer.Option(help="Name of the table, without _CL.")] = TABLE,
    endpoint: Annotated[
        bool, typer.Option("--endpoint", help="A rule with a data collection endpoint, as private links need it.")
    ] = False,
    asim: Annotated[
        bool, typer.Option("--asim", help="Fill Sentinel's own tables of sign-ins and audit events, too.")
    ] = False,
) -> None:
    """Table, data collection rule and Bicep file of Microsoft Sentinel, as the exporter's rows need them."""
    for name, text in sentinel_files.files(table, endpoint=endpoint, asim=asim).items():
        path = output / name
        try:
            output.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        except OSError as error:
            raise BadConfiguration(f"{path}: cannot be written: {error.strerror or error}") from None
        out.print(str(path), markup=False, highlight=False)

"""A query that begins with a minus is a query."""

from __future__ import annotations

from typing import Annotated

import typer
from typer.testing import CliRunner

from aoc_cli.query_command import QueryCommand
from each import each

app = typer.Typer()


@app.command(cls=QueryCommand)
def search(
    text: Annotated[str, typer.Argument()] = "",
    actor: Annotated[str, typer.Option()] = "",
    failed: Annotated[bool, typer.Option("--failed")] = False,
) -> None:
    typer.echo(f"{text}|{actor}|{failed}")


@each(
    ("arguments", "shown"),
    [
        (["-service:sharepoint kim"], "-service:sharepoint kim||False"),
        (['-"quarterly report"', "--failed"], '-"quarterly report"||True'),
        (["--failed", "-kim"], "-kim||True"),
        (["--actor", "-kim", "rule"], "rule|-kim|False"),
        (["--actor=-kim", "-rule"], "-rule|-kim|False"),
        (["--", "-rule"], "-rule||False"),
        (["rule"], "rule||False"),
        (["-service:sharepoint", "kim"], "-service:sharepoint kim||False"),
        (["kim", "-service:sharepoint", "--failed", "-rule"], "kim -service:sharepoint -rule||True"),
        (["kim", "--actor", "sam", "OR", "dana"], "kim OR dana|sam|False"),
        (["kim", "--", "--failed"], "kim --failed||False"),
    ],
)
def test_what_begins_with_one_minus_excludes_and_several_arguments_are_one_query(
    arguments: list[str], shown: str
) -> None:
    assert CliRunner().invoke(app, arguments).output == f"{shown}\n"


@each("arguments", [["-x"], ["--sinse", "24h"], ["kim", "-x"], ["kim", "--actor"]])
def test_what_is_wrong_is_still_refused(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2

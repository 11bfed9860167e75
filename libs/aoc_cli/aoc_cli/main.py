"""The `aoc` command. Each subcommand is a module of its own, imported only when it is the one that runs."""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from typing import Annotated, Any, Final, override

import typer
from typer.core import TyperCommand, TyperGroup

from aoc_cli.commands import COMMANDS
from aoc_cli.query_command import QueryCommand
from aoc_cli.terminal import err, lenient, out, plain
from aoc_common.errors import AocError, BadConfiguration

#: Commands whose arguments belong to another program.
_PASS_THROUGH: Final = frozenset({"fuzz", "test"})
#: Commands whose argument is a query.
_QUERIES: Final = frozenset({"search", "timeline", "stats", "tail"})
_EPILOG: Final = "Also: ./aoc lock renews requirements/*.lock."


class _Commands(TyperGroup):
    """All commands by what the table says of them; the one that runs is made of its module."""

    @override
    def __init__(self, **attributes: Any) -> None:
        named = {name: TyperCommand(name, help=command.help) for name, command in COMMANDS.items()}
        super().__init__(**attributes | {"commands": named})

    @override
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        if name is None:
            return name, None, rest
        _configure_logs()
        return name, loaded(name), rest


def loaded(name: str) -> Any:
    """A command with its options, or a group with its commands: imports its module."""
    module, _, function = COMMANDS[name].target.partition(":")
    command = getattr(importlib.import_module(module), function)
    app = typer.Typer(callback=_global_options)  # which keeps it a command among others
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=name)
    else:
        kind = QueryCommand if name in _QUERIES else None
        settings = {"ignore_unknown_options": True, "allow_extra_args": True} if name in _PASS_THROUGH else {}
        app.command(name, cls=kind, context_settings=settings, add_help_option=name not in _PASS_THROUGH)(command)
    group: Any = typer.main.get_command(app)
    return group.commands[name]


def _configure_logs() -> None:
    # Imported here: help and version need neither.
    from aoc_common.settings import TelemetrySettings
    from aoc_common.telemetry import logs

    logs.configure("cli", TelemetrySettings(log_level="error", log_format="console"))


def _print_version(asked: bool) -> None:  # as typer calls it
    if asked:
        out.print(f"aoc {importlib.metadata.version('aoc-cli')}")
        raise typer.Exit


def _global_options(
    version: Annotated[  # its callback does it all
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Security operations for Microsoft 365, Entra ID and Intune."""


def main() -> None:
    """Run the command line; every expected failure is one line on stderr. Status 2: it was used or set up wrongly."""
    lenient()
    app = typer.Typer(
        name="aoc",
        cls=_Commands,
        callback=_global_options,
        epilog=_EPILOG,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    try:
        app()
    except BadConfiguration as error:
        err.print(f"[red]aoc:[/] {plain(error)}")
        sys.exit(2)
    except AocError as error:
        err.print(f"[red]aoc:[/] {plain(error)}")
        sys.exit(1)
    except OSError as error:
        if error.filename is None:  # no file that somebody named: a fault of ours
            raise
        err.print(f"[red]aoc:[/] {plain(error.filename)}: {plain(error.strerror)}")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)

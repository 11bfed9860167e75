"""The `aoc` command. Each subcommand is a module of its own, imported only when it is the one that runs."""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from typing import Annotated, Final

import typer

from aoc_cli.query_command import QueryCommand
from aoc_cli.terminal import err, lenient, out, plain
from aoc_common.errors import AocError, BadConfiguration
from aoc_common.settings import TelemetrySettings
from aoc_common.telemetry import logs

#: Name -> module and function, in the order in which `aoc --help` shows them.
COMMANDS: Final = {
    "up": "aoc_cli.up:up",
    "import": "aoc_cli.importing.command:import_",
    "migrate": "aoc_cli.migrate:migrate",
    "migrate-notes": "aoc_cli.migrate_notes:migrate_notes",
    "search": "aoc_cli.search:search",
    "timeline": "aoc_cli.timeline:timeline",
    "show": "aoc_cli.show:show",
    "entity": "aoc_cli.entity:entity",
    "export": "aoc_cli.export:export",
    "stats": "aoc_cli.stats:stats",
    "tail": "aoc_cli.tail:tail",
    "alerts": "aoc_cli.alerts:group",
    "completeness": "aoc_cli.completeness:completeness",
    "audit-trail": "aoc_cli.audit_trail:group",
    "keys": "aoc_cli.reports.command:group",
    "grants": "aoc_cli.grants:group",
    "api-keys": "aoc_cli.access.api_keys:group",
    "sign-in-link": "aoc_cli.access.sign_in_link:sign_in_link",
    "login": "aoc_cli.access.login:login",
    "logout": "aoc_cli.access.login:logout",
    "whoami": "aoc_cli.access.whoami:whoami",
    "token": "aoc_cli.access.whoami:token",
    "doctor": "aoc_cli.doctor.command:doctor",
    "tenants": "aoc_cli.tenancy.command:group",
    "license": "aoc_cli.tenancy.licence:group",
    "sinks": "aoc_cli.sinks:group",
    "provision": "aoc_cli.provision:provision",
    "backfill": "aoc_cli.backfill:backfill",
    "deadletters": "aoc_cli.deadletters:group",
    "quarantine": "aoc_cli.quarantine:group",
    "explain": "aoc_cli.explain:explain",
    "data": "aoc_cli.data:group",
    "maintenance": "aoc_cli.maintenance.command:group",
    "remap": "aoc_cli.remap:remap",
    "verify": "aoc_cli.verify.command:verify",
    "bench": "aoc_cli.developer:bench",
    "fuzz": "aoc_cli.developer:fuzz",
    "test": "aoc_cli.developer:run_tests",
    "lint": "aoc_cli.developer:lint",
    "docs": "aoc_cli.developer:docs",
}
#: Commands whose arguments belong to another program.
_PASS_THROUGH: Final = frozenset({"fuzz", "test"})
#: Commands whose argument is a query.
_QUERIES: Final = frozenset({"search", "timeline", "stats", "tail"})
_EPILOG: Final = "Also: ./aoc lock renews requirements/*.lock."


def _application(names: list[str]) -> typer.Typer:
    app = typer.Typer(
        name="aoc",
        help="Security operations for Microsoft 365, Entra ID and Intune.",
        epilog=_EPILOG,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for name in names:
        module, _, function = COMMANDS[name].partition(":")
        command = getattr(importlib.import_module(module), function)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
            continue
        kind = QueryCommand if name in _QUERIES else None
        settings = {"ignore_unknown_options": True, "allow_extra_args": True} if name in _PASS_THROUGH else {}
        app.command(name, cls=kind, context_settings=settings, add_help_option=name not in _PASS_THROUGH)(command)
    app.callback()(_global_options)  # keeps subcommands also when only one is registered
    return app


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
    command_name = sys.argv[1] if len(sys.argv) > 1 else ""
    lenient()
    logs.configure("cli", TelemetrySettings(log_level="error", log_format="console"))
    app = _application([command_name] if command_name in COMMANDS else list(COMMANDS))
    try:
        app()
    except BadConfiguration as error:
        err.print(f"[red]aoc:[/] {plain(error)}")
        sys.exit(2)
    except AocError as error:
        err.print(f"[red]aoc:[/] {plain(error)}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)

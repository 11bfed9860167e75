"""`aoc verify`."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table

from aoc_cli.terminal import err, out, plain
from aoc_cli.verify import sink_folders, sinks_file
from aoc_cli.verify.fault_kinds import ENABLED, KINDS, USUAL, chosen
from aoc_cli.verify.options import Options
from aoc_cli.verify.run import Verification

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_cli.verify.comparison import RunResult
    from aoc_cli.verify.fault_kinds import Kind

#: Seconds that a run may take besides a tenth of one for each event.
_PATIENCE_S: Final = 600


def verify(
    events: Annotated[int, typer.Option(min=100, help="Records that the simulator makes.")] = 5000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same records and faults.")] = 7,
    replicas: Annotated[int, typer.Option(min=1, max=8, help="Collectors and normalizers, of each.")] = 1,
    kill: Annotated[list[str] | None, typer.Option(help="kill -9 this service in the middle; repeatable.")] = None,
    chaos: Annotated[
        bool, typer.Option(help="Kill -9 and pause services, bus and database at random; two replicas at least.")
    ] = False,
    faults: Annotated[
        str | None,
        typer.Option(
            help=f"Kinds of fault beside the simulator's usual ones, comma-separated: {', '.join(KINDS)}; all; none. "
            f"Those of every run when left out: {', '.join(sorted(USUAL))}; of --chaos: all. "
            "Without --chaos nothing else is struck."
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, max=20, help="Of chaos: each strikes everything twice.")] = 2,
    quick: Annotated[bool, typer.Option(help="Fewer faults, which are soon over; the same comparisons.")] = False,
    sinks: Annotated[
        str | None,
        typer.Option(
            help=f"Run the exporter, too, and compare what these have: {', '.join(sinks_file.NAMES)}, "
            "comma-separated; all. A tenant joins every other one midway."
        ),
    ] = None,
    alerts: Annotated[
        bool,
        typer.Option(help="Run the alerter, too, and compare its alerts with the attacks that the simulator tells."),
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(min=10, help=f"Seconds until the run is given up: {_PATIENCE_S}, and 1 more for 10 events."),
    ] = None,
    keep: Annotated[Path | None, typer.Option(help="Run in this directory and leave it for inspection.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Prove that nothing is lost and nothing doubled, against a simulator that misbehaves. Exit status 0 if so."""
    usual = ENABLED if chaos else USUAL
    kinds = usual if faults is None else chosen(KINDS if faults == "all" else faults.split(","))
    options = Options(
        events=events,
        seed=seed,
        replicas=max(replicas, 2) if chaos or kinds - USUAL else replicas,
        timeout_s=_PATIENCE_S + events / 10 if timeout is None else timeout,
        kill=tuple(kill or ()),
        chaos=rounds if chaos else 0,
        kinds=kinds,
        quick=quick and not chaos,
        sinks=sinks_file.chosen(sinks),
        alerts=alerts,
    )
    for name, missing in sink_folders.unreadable().items() if sinks == "all" else ():
        err.print(f"without {name}: {missing} is not installed here")
    with err.status("starting") as status:
        account = Verification(options, status.update, keep, partial(_show_plan, kinds)).run()
    if as_json:
        out.print_json(json.dumps(account.as_dict()))
    else:
        _show(account)
    sys.exit(0 if account.complete else 1)


def _show_plan(kinds: frozenset[Kind], strikes: Sequence[str]) -> None:
    for kind, what in KINDS.items():
        if kind in kinds:
            err.print(f"[bold]{kind}[/]: {what}")
    if strikes:
        err.print(plain(f"plan: {'; '.join(strikes)}"))


def _show(account: RunResult) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2))
    rows = {
        "records emitted": account.emitted,
        "of them late": account.late,
        "blobs and pages re-sent": account.resent,
        "raw pages": account.pages,
        "stored": account.stored,
        "published on AOC_EVENTS": account.published,
        "quarantined": account.quarantined,
        "lost": account.lost,
        "doubled": account.doubled,
        "hidden": account.hidden,
        "unknown": account.unknown,
        "misaccounted": account.misaccounted,
        "false statements": account.false_statements,
        "twins": account.twins.true,
        "twins missed": account.twins.missed,
        "twins wrong": account.twins.wrong,
        "blobs expired": account.expired,
        "excused": account.excused,
        "changed": account.changed,
        "incarnations of AOC_EVENTS": account.incarnations,
        "messages gone unseen": account.unseen,
        "killed -9": account.kills,
        "paused": account.pauses,
        "seconds": account.seconds,
        "events/s": account.events_per_s,
    }
    for name, value in rows.items():
        bad = name.replace(" ", "_") in account.wrong or (name in {"twins missed", "twins wrong"} and value)
        table.add_row(name, f"[{'bold red' if bad else 'bold'}]{value:,}[/]")
    struck = ", ".join(f"{deed} {count}" for deed, count in sorted(account.strikes.items()))
    table.add_row("struck", plain(struck or "nothing"))
    table.add_row("faults met", plain(", ".join(f"{kind} {count}" for kind, count in sorted(account.faults.items()))))
    out.print(table)
    _show_sinks(account)
    _show_alerts(account)
    _show_statements(account)
    for name, keys in account.examples.items():
        out.print(f"[red]{name}[/]: {plain(', '.join(keys[:5]))}")
    if not account.drained:
        out.print("[red]not drained within the time limit[/]")
    out.print("[bold green]complete[/]" if account.complete else "[bold red]NOT complete[/]")


def _show_sinks(account: RunResult) -> None:
    """What each destination has, and what of it is wrong."""
    if not account.sinks:
        return
    shown = (
        "taken",
        "alerts",
        "audit",
        "lost",
        "doubled",
        "repeats",
        "republished",
        "altered",
        "unknown",
        "refused",
        "unsaid",
        "late",
        "missing",
    )
    table = Table("sink", *shown, "faults met", box=None, padding=(0, 2))
    for name, outcome in account.sinks.items():
        counts = [_count(getattr(outcome, counter), bad=counter in outcome.wrong) for counter in shown]
        met = ", ".join(f"{kind} {count}" for kind, count in sorted(outcome.faults.items()))
        table.add_row(plain(name), *counts, plain(met))
    out.print(table)
    for name, outcome in account.sinks.items():
        for what, keys in outcome.examples.items():
            out.print(f"[red]{plain(name)}: {what}[/]: {plain(', '.join(keys[:5]))}")


def _show_alerts(account: RunResult) -> None:
    """What stories were to raise and what there is, and what of it is wrong."""
    outcome = account.alerts
    if outcome is None:
        return
    shown = (
        "expected",
        "excused",
        "missed",
        "raised",
        "doubled",
        "strange",
        "revisions",
        "unpublished",
        "unstored",
        "unread",
    )
    table = Table("alerts", *shown, box=None, padding=(0, 2))
    table.add_row("of stories", *(_count(getattr(outcome, name), bad=name in outcome.wrong) for name in shown))
    out.print(table)
    others = ", ".join(f"{rule} {count}" for rule, count in outcome.others.items())
    out.print(f"alerts of no story: {plain(others or 'none')}")
    for what, keys in outcome.examples.items():
        out.print(f"[red]alerts: {what}[/]: {plain(', '.join(keys[:5]))}")


def _count(number: int, *, bad: bool) -> str:
    return f"[{'bold red' if bad else 'bold'}]{number:,}[/]"


def _show_statements(account: RunResult) -> None:
    """What was compared, kind by kind, and each statement that is false."""
    table = Table("what is said", "compared", "false", box=None, padding=(0, 2))
    for column in table.columns[1:]:
        column.justify = "right"
    for kind, counts in account.statements.get("kinds", {}).items():
        style = "bold red" if counts["false"] else "bold"
        table.add_row(plain(kind), f"{counts['compared']:,}", f"[{style}]{counts['false']:,}[/]")
    out.print(table)
    for statement in account.statements.get("named", ()):
        out.print(
            f"[red]false[/]: {plain(statement['kind'])}: {plain(statement['about'])}: said {plain(statement['said'])}; "
            f"true: {plain(statement['true'])}",
            soft_wrap=True,
        )

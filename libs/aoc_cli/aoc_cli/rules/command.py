"""`aoc rules`: rules as the gateway has them, and as files."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
import yaml
from pydantic import ValidationError

from aoc_cli.access import credentials
from aoc_cli.amounts import amount
from aoc_cli.asked import moment
from aoc_cli.asking import Tenant
from aoc_cli.rules import coverage as attack
from aoc_cli.rules import offline, printing, trying
from aoc_cli.rules.files import OVERLAYS, read_files
from aoc_cli.rules.plan import plan
from aoc_cli.terminal import as_json as written
from aoc_cli.terminal import err, json_line, out, plain
from aoc_common.client import Absent, GatewayError, Problem
from aoc_common.contracts import subjects
from aoc_common.errors import BadConfiguration
from aoc_common.gateway.rule_tests import RuleTestRequest
from aoc_common.gateway.rules import AlertExceptionRequest, RuleMatched, RuleOverlay, RuleRequest
from aoc_common.store.rules import RuleException
from aoc_rules.exceptions import written as as_filter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aoc_cli.rules.files import Files
    from aoc_cli.rules.plan import Step
    from aoc_common.client import Gateway
    from aoc_common.gateway.rule_tests import RuleTest
    from aoc_common.gateway.rules import RuleDetail

group = typer.Typer(
    help="Rules: list, show, lint, test, apply, export, switch on and off, except from.", no_args_is_help=True
)

Data = Annotated[Path | None, typer.Option(help="Data directory of the stack whose gateway is asked.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RuleId = Annotated[str, typer.Argument(help="Id of a rule, as `aoc rules list` shows it.")]
_FILE_NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,199}")
#: What is an id, and no name of the pack.
_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
#: Findings by which a rule does nothing, or another one does it too: status 1.
_GRAVE: Final = frozenset({"fault", "never", "log-source", "not-collected", "duplicate"})


@group.command("list")
def list_(
    text: Annotated[str, typer.Argument(help="Words in title or text.")] = "",
    level: Annotated[str | None, typer.Option(help="Some levels, with commas.")] = None,
    tag: Annotated[str | None, typer.Option(help="A tag, or a technique of ATT&CK, e.g. T1098.")] = None,
    origin: Annotated[str | None, typer.Option(help="`shipped`, `overlaid` or `own`.")] = None,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Only those that are on, or off.")] = None,
    tenant: Tenant = subjects.DEFAULT_TENANT,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List rules by title. Status 1: there are none."""
    filters: dict[str, Any] = {"tenant": tenant, "tag": tag, "origin": origin, "enabled": on, "text": text or None}
    filters["level"] = level.split(",") if level else None
    wanted = {name: value for name, value in filters.items() if value is not None}
    found = _asked(data, lambda gateway: gateway.rules.list(**wanted)).items
    if as_json:
        for one in found:
            out.out(json_line(one.model_dump(mode="json")), highlight=False)
    else:
        printing.print_list(found)
    raise typer.Exit(0 if found else 1)


@group.command()
def show(rule: RuleId, tenant: Tenant = subjects.DEFAULT_TENANT, data: Data = None, as_json: Json = False) -> None:
    """A rule: its text, what was changed, what it has raised, exceptions, history and runbook."""
    found = _asked(data, lambda gateway: gateway.rules.get(rule, tenant=tenant))
    if as_json:
        out.out(json_line(found.model_dump(mode="json")), highlight=False)
    else:
        printing.print_rule(found)


@group.command()
def enable(rule: RuleId, data: Data = None) -> None:
    """Switch a rule on."""
    _switch(rule, data, enabled=True)


@group.command()
def disable(rule: RuleId, data: Data = None) -> None:
    """Switch a rule off."""
    _switch(rule, data, enabled=False)


@group.command()
def remove(rule: RuleId, data: Data = None) -> None:
    """Remove a rule of your own, or all that was changed of a shipped one."""
    _asked(data, lambda gateway: gateway.rules.remove(rule))
    out.print(f"rule {rule} removed, or as it was shipped", markup=False, highlight=False)


@group.command("except")
def except_(
    alert: Annotated[str, typer.Argument(help="Id of an alert.")],
    value: Annotated[
        list[str], typer.Option("--value", help="FIELD=VALUE, as `aoc alerts show` shows it; all of them at once.")
    ],
    reason: Annotated[str, typer.Option(help="Why.")],
    until: Annotated[str | None, typer.Option(help="When it ends by itself, a time like 2027-01-31.")] = None,
    tenant: Tenant = subjects.DEFAULT_TENANT,
    data: Data = None,
) -> None:
    """Have the rule of an alert find no more, in this tenant, what has these values."""
    pairs = [one.partition("=") for one in value]
    if not all(field and equals for field, equals, _ in pairs):
        raise BadConfiguration("--value: expected FIELD=VALUE")
    values = [RuleMatched(field=field, value=text) for field, _, text in pairs]
    ends = moment(until, datetime.now(UTC), "--until")
    try:
        request = AlertExceptionRequest(values=values, reason=reason, until=ends)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadConfiguration(f"--{first['loc'][0]}: {first['msg']}") from None
    made = _asked(data, lambda gateway: gateway.rules.except_alert(alert, request, tenant=tenant))
    out.print(f"exception {made.id} made", markup=False, highlight=False)


@group.command()
def unexcept(
    rule: RuleId,
    exception: Annotated[str, typer.Argument(help="Id of the exception.")],
    tenant: Tenant = subjects.DEFAULT_TENANT,
    data: Data = None,
) -> None:
    """Remove an exception of a rule."""
    _asked(data, lambda gateway: gateway.rules.remove_exception(rule, exception, tenant=tenant))
    out.print(f"exception {exception} removed", markup=False, highlight=False)


@group.command()
def lint(
    what: Annotated[str, typer.Argument(help="A file, folder or zip; or id of a rule; else all that are on.")] = "",
    days: Annotated[int, typer.Option(min=0, max=90, help="Of stored events; not for files.")] = 7,
    strict: Annotated[bool, typer.Option("--strict", help="Any finding is status 1.")] = False,
    tenant: Tenant = subjects.DEFAULT_TENANT,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Say which rules never fire here, are too broad, or ask for the same. Of files without a gateway.

    Status 1: one cannot be used, never fires, or is there twice.
    """
    if what and Path(what).exists():
        found = offline.lint_files(read_files(Path(what), "", datetime.now(UTC)))
    else:
        answer = _asked(data, lambda gateway: gateway.rules.lint(tenant=tenant, days=days, rule=what or None))
        found = answer.items
        err.print(f"{amount(answer.events, 'event')} looked at", highlight=False)
    if as_json:
        out.out(json_line({name: [one.model_dump() for one in said] for name, said in found.items()}), highlight=False)
    else:
        for name, said in found.items():
            out.print(plain(name), highlight=False)
            printing.print_findings(said, "  ")
    codes = {one.code for said in found.values() for one in said}
    raise typer.Exit(1 if codes & _GRAVE or (strict and codes) else 0)


def _missed(test: RuleTest, at_least: int, at_most: int | None) -> str | None:
    """Why a rule did not find as many events as it is to; None where it did."""
    if test.matches < at_least:
        return f"{test.matches:,} matches, of at least {at_least:,}"
    if at_most is None:
        return None
    if test.matches > at_most:
        return f"{test.matches:,} matches, of at most {at_most:,}"
    if not test.complete:
        return f"Whether there are more than {at_most:,} matches is not known: look back over less, by --last"
    return None


@group.command("test")
def try_(
    rule: Annotated[str, typer.Argument(help="Id of a rule, the name of a shipped one, or a file with one.")],
    last: Annotated[str, typer.Option(help="How far back, e.g. 24h or 7d.")] = "7d",
    file: Annotated[
        list[Path] | None, typer.Option(help="An exported log, in place of stored events: no gateway is asked.")
    ] = None,
    beside: Annotated[
        list[Path] | None,
        typer.Option("--with", help="A file, folder or zip with rules that a correlation of a file names."),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            help="With --file: a JSON file with the tenant's zone, working hours, networks, groups and lists."
        ),
    ] = None,
    at_least: Annotated[int, typer.Option(min=0, help="Fewer matches are status 1.")] = 0,
    at_most: Annotated[int | None, typer.Option(min=0, help="More matches are status 1.")] = None,
    tenant: Tenant = subjects.DEFAULT_TENANT,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """What a rule would have found in stored events, or in an exported log, by the engine that meets new events.

    Of a correlation: what its rules match, and its alerts. Its matches are events that are in them.
    """
    text = trying.text_to_try(rule, beside or ())
    identity = rule if text is not None or _ID.fullmatch(rule) else trying.shipped_id(rule) or rule
    if file:
        test = trying.try_on_files(trying.test_of(identity, text, trying.tenant_of(settings)), file)
    else:
        request = RuleTestRequest(
            rule=None if text is not None else identity, text=text, start=moment(last, datetime.now(UTC), "--last")
        )
        test = _asked(data, lambda gateway: gateway.rules.test(request, tenant=tenant))
    if as_json:
        out.out(json_line(test.model_dump(mode="json")), highlight=False)
    else:
        printing.print_test(test)
    if reason := _missed(test, at_least, at_most):
        err.print(reason, markup=False, highlight=False)
        raise typer.Exit(1)


@group.command()
def apply(
    path: Annotated[Path, typer.Argument(help="A file, folder, Git checkout or zip of Sigma rules.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done. Status 2: something.")
    ] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Take back what was changed and is in no file.")] = False,
    data: Data = None,
) -> None:
    """Make the gateway's rules those of files: add and change, by a plan that is shown. Status 1: a file is faulty."""
    files = _read(path)
    if files.faults:
        raise typer.Exit(1)

    async def work(gateway: Gateway) -> list[Step]:
        named = {*files.rules, *files.overlays, *files.exceptions}
        if prune:
            named |= {one.id for one in (await gateway.rules.list()).items if one.source != "shipped"}
        there = {one: found for one in sorted(named) if (found := await _there(gateway, one)) is not None}
        steps = plan(files, there, prune=prune)
        printing.print_plan(steps)
        for step in () if dry_run else steps:
            try:
                await _carry_out(gateway, step)
            except Problem as error:
                raise GatewayError(f"{step.title} ({step.id}): {error}; the steps before it are done") from None
        return steps

    steps = _asked(data, work)
    raise typer.Exit(2 if dry_run and any(step.kind != "unchanged" for step in steps) else 0)


@group.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Where to; it is made.")],
    everything: Annotated[bool, typer.Option("--all", help="The shipped rules as well.")] = False,
    data: Data = None,
) -> None:
    """Write your own rules, changes and exceptions as Sigma files, as `aoc rules apply` reads them."""

    async def work(gateway: Gateway) -> list[RuleDetail]:
        items = (await gateway.rules.list()).items
        return [await gateway.rules.get(one.id) for one in items if everything or one.source != "shipped"]

    rules = _asked(data, work)
    if strange := next((one.id for one in rules if not _FILE_NAME.fullmatch(one.id)), None):
        raise BadConfiguration(f"{strange}: such an id cannot be a file's name")
    files: dict[Path, str] = {}
    overlays: dict[str, dict[str, object]] = {}
    for rule in rules:
        if rule.overlay.text is not None or everything:
            files[folder / f"{rule.id}.yml"] = rule.text
        said = rule.overlay.model_dump(include={"enabled", "severity", "attributes"}, exclude_defaults=True)
        if said:
            overlays[rule.id] = said
        for one in rule.exceptions_in_force:
            made = RuleException(
                one.id, one.text, one.author, one.reason, one.made_at, one.until, frozenset(one.tenants)
            )
            files[folder / "exceptions" / f"{one.id}.yml"] = as_filter(made)
    if overlays:
        files[folder / "changes" / OVERLAYS] = yaml.safe_dump(overlays)
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    there = (file for where in ("", "exceptions/", "changes/") for file in folder.glob(f"{where}*.yml"))
    if others := sorted(set(there) - files.keys()):
        err.print(f"not of this export, and still there: {plain(', '.join(map(str, others[:5])))}", highlight=False)
    out.print(f"{amount(len(rules), 'rule')} written to {folder}", markup=False, highlight=False)


@group.command()
def coverage(
    navigator: Annotated[Path, typer.Option(help="The file to write: a layer of the ATT&CK Navigator.")],
    path: Annotated[Path | None, typer.Argument(help="Rules as files; else those that are on at the gateway.")] = None,
    data: Data = None,
) -> None:
    """Write which techniques of ATT&CK rules look for, as a layer of the ATT&CK Navigator."""
    if path is not None:
        held = _read(path).rules.values()
        rules = [(str(one.sigma.title), [str(tag) for tag in one.sigma.tags]) for one in held]
    else:
        items = _asked(data, lambda gateway: gateway.rules.list(enabled=True)).items
        rules = [(one.title, one.tags) for one in items]
    found = attack.techniques(rules)
    navigator.write_text(written(attack.layer(found, "AOC rules")) + "\n", "utf-8")
    out.print(
        f"{amount(len(found), 'technique')} of {amount(len(rules), 'rule')} written to {navigator}",
        markup=False,
        highlight=False,
    )


def _read(path: Path) -> Files:
    """Rules as files; what is faulty in them is said."""
    files = read_files(path, "", datetime.now(UTC))
    for where, fault in files.faults:
        err.print(f"[red]not taken[/]: {plain(where)}: {plain(fault)}", highlight=False)
    return files


async def _there(gateway: Gateway, rule: str) -> RuleDetail | None:
    try:
        return await gateway.rules.get(rule)
    except Absent:
        return None


async def _carry_out(gateway: Gateway, step: Step) -> None:
    if step.kind == "remove":
        await gateway.rules.remove(step.id)
    elif step.request is not None and step.kind == "add":
        await gateway.rules.add(step.request)
    elif step.request is not None and step.kind == "change":
        await gateway.rules.replace(step.id, step.request, revision=step.revision)


def _switch(rule: str, data: Path | None, *, enabled: bool) -> None:
    async def work(gateway: Gateway) -> None:
        there = await gateway.rules.get(rule)
        overlay: RuleOverlay = there.overlay
        request = RuleRequest(
            text=overlay.text, enabled=enabled, severity=overlay.severity, attributes=overlay.attributes
        )
        await gateway.rules.replace(rule, request, revision=there.revision)

    _asked(data, work)
    out.print(f"rule {rule} is {'on' if enabled else 'off'}", markup=False, highlight=False)


def _asked[T](data: Path | None, work: Callable[[Gateway], Awaitable[T]]) -> T:
    shown = credentials.find(data)

    async def ask() -> T:
        async with shown.client() as gateway:
            return await work(gateway)

    return asyncio.run(ask())

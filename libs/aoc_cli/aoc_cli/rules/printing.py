"""How rules, and what is said of them, are shown."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from aoc_cli.terminal import minute, out, plain
from aoc_common.contracts.printable import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aoc_cli.rules.plan import Kind, Step
    from aoc_common.gateway.rules import RuleDetail, RuleFinding, RuleItem, RuleTest

COLOURS: Final = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "informational": "dim"}
_SIGNS: Final = {"add": "+", "change": "~", "remove": "-", "unchanged": "="}
_LONGEST_BAR: Final = 30


def print_list(items: Iterable[RuleItem]) -> None:
    """A line a rule."""
    table = Table("rule", "level", "", "about", "", "id", box=None, padding=(0, 2, 0, 0))
    for one in items:
        state = (
            Text("broken", "red") if one.fault else Text("on" if one.enabled else "off", "" if one.enabled else "dim")
        )
        about = "correlation" if one.correlation else one.log_source
        whose = "" if one.source == "shipped" else one.source
        exceptions = f"{one.exceptions} exceptions" if one.exceptions else ""
        more = ", ".join(part for part in (whose, exceptions) if part)
        table.add_row(plain(one.title), Text(one.level, COLOURS[one.level]), state, plain(about), more, plain(one.id))
    out.print(table)


def print_rule(rule: RuleDetail) -> None:
    """All of it."""
    out.print(
        Text(visible(rule.title), "bold"),
        Text(rule.level, COLOURS[rule.level]),
        "on" if rule.enabled else "off",
        rule.source,
    )
    fired = rule.fired
    last = f", the last about {minute(fired.last_at)}" if fired.last_at is not None else ""
    out.print(f"alerts: {fired.alerts:,}{'' if fired.complete else ' or more'}{last}", markup=False, highlight=False)
    if rule.fault:
        out.print(Text(f"does not work: {visible(rule.fault)}", "red"))
    print_findings(rule.findings)
    out.print()
    print_lines(rule.text)
    if rule.difference:
        out.print("changed of what was shipped:")
        print_lines(rule.difference)
    for one in rule.exceptions_in_force:
        until = f" until {minute(one.until)}" if one.until else ""
        where = f" in {', '.join(one.tenants)}" if one.tenants else ""
        line = f"exception {one.id}{where}{until}, {one.author}: {one.reason}"
        out.print(visible(line), markup=False, highlight=False)
    for change in rule.history:
        out.print(
            f"{minute(change.at)} {visible(change.author)}: {visible(change.what)}", markup=False, highlight=False
        )
    if rule.runbook:
        out.print()
        print_lines(rule.runbook)


def print_lines(text: str) -> None:
    """A text, line by line, without what a terminal would act upon."""
    for line in text.splitlines():
        out.print(visible(line), markup=False, highlight=False, soft_wrap=True)


def print_findings(findings: Iterable[RuleFinding], indent: str = "") -> None:
    """What lint says, a line each."""
    for one in findings:
        place = f"{one.place}: " if one.place else ""
        hint = f" ({one.suggestion})" if one.suggestion else ""
        line = visible(f"{indent}{one.code}: {place}{one.message}{hint}")
        out.print(line, markup=False, highlight=False, soft_wrap=True)


def print_plan(steps: Sequence[Step]) -> None:
    """What is to be done, as a diff."""
    for step in steps:
        if step.kind == "unchanged":
            continue
        out.print(visible(f"{_SIGNS[step.kind]} {step.title} ({step.id})"), markup=False, highlight=False)
        for line in step.difference:
            out.print(f"    {visible(line)}", markup=False, highlight=False, soft_wrap=True)
    counts = Counter(step.kind for step in steps)
    words: dict[Kind, str] = {"add": "to add", "change": "to change", "remove": "to remove", "unchanged": "unchanged"}
    out.print(", ".join(f"{counts[kind]} {word}" for kind, word in words.items()), highlight=False)


def print_test(test: RuleTest) -> None:
    """What a rule would have found: by day, and examples."""
    whole = "" if test.complete else ", of the newest events only: there are more than are tried at once"
    out.print(f"{minute(test.start)} to {minute(test.end)}{whole}: {test.matches:,} of {test.events:,} events match")
    out.print(f"that would be {test.alerts:,} alerts, {test.alerts_a_day:,.2f} a day", highlight=False)
    days: Counter[str] = Counter()
    for hour in test.hours:
        days[f"{hour.start:%Y-%m-%d}"] += hour.matches
    most = max(days.values(), default=1)
    for day, count in sorted(days.items()):
        out.print(f"{day} {count:>8,} {'#' * max(1, count * _LONGEST_BAR // most)}", highlight=False)
    table = Table("time", "operation", "actor", "matched", "event", box=None, padding=(0, 2, 0, 0))
    for one in test.examples:
        matched = ", ".join(f"{pair.field}={pair.value}" for pair in one.matched[:3])
        table.add_row(minute(one.at), plain(one.operation), plain(one.actor or ""), plain(matched), str(one.id))
    if test.examples:
        out.print(table)

"""How rules, and what is said of them, are shown."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from aoc_cli.amounts import amount
from aoc_cli.terminal import minute, out, plain
from aoc_common.contracts.printable import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from aoc_cli.rules.plan import Kind, Step
    from aoc_common.gateway.rule_tests import RuleAlert, RuleCounted, RuleExample, RuleTest, Stopped
    from aoc_common.gateway.rules import RuleDetail, RuleFinding, RuleItem

COLOURS: Final = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "informational": "dim"}
_SIGNS: Final = {"add": "+", "change": "~", "remove": "-", "unchanged": "="}
_LONGEST_BAR: Final = 30
#: Alerts of a test that are shown, and events of each.
_MOST_ALERTS: Final = 5
_MOST_EVENTS: Final = 10
_STOPPED: Final[dict[Stopped, str]] = {
    "events": "at the newest events, as many as are tried at once",
    "time": "when its time was over",
    "hits": "at as many matches as are counted",
    "first-uses": "at as many first uses as are looked up",
}


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
    searched = f"{minute(test.start)} to {minute(test.end)}"
    if test.stopped is not None:
        searched = f"{searched}, incomplete: stopped {_STOPPED[test.stopped]}"
    if test.correlation:
        _print_correlation(test, searched)
        return
    out.print(f"{searched}: {test.matches:,} of {test.events:,} events match", markup=False, highlight=False)
    out.print(f"that would be {_alerts(test)}", highlight=False)
    _print_days((hour.start, hour.matches) for hour in test.hours)
    table = Table("time", "operation", "actor", "matched", "event", box=None, padding=(0, 2, 0, 0))
    for one in test.examples:
        table.add_row(minute(one.at), plain(one.operation), plain(one.actor or ""), _matched(one), str(one.id))
    if test.examples:
        out.print(table)


def _print_correlation(test: RuleTest, searched: str) -> None:
    out.print(f"{searched}: {amount(test.events, 'event')}", markup=False, highlight=False)
    for rule in test.rules:
        _print_counted(rule)
    of = f", of {amount(test.matches, 'event')}" if test.alerts else ""
    out.print(f"that would be {_alerts(test)}{of}", style="bold", highlight=False)
    _print_days((hour.start, hour.alerts) for hour in test.hours)
    if test.undecided:
        what = f"not decided: {amount(test.undecided, 'window')}, whose time was not over at the end"
        out.print(what, style="yellow", highlight=False)
    for note in test.notes:
        out.print(f"note: {visible(note)}", markup=False, highlight=False)
    for alert in test.raised[:_MOST_ALERTS]:
        _print_alert(alert)
    if len(test.raised) > _MOST_ALERTS:
        out.print(f"The {_MOST_ALERTS} newest alerts are shown: --json has {len(test.raised)}.", highlight=False)


def _print_counted(rule: RuleCounted) -> None:
    what = amount(rule.matches, "window" if rule.correlation else "match")
    own = f", {amount(rule.alerts, 'alert')} of its own" if rule.alerts else ""
    out.print(visible(f"{rule.title}: {what}{own}"), markup=False, highlight=False)
    if rule.uncounted:
        why = f"nothing in {' or '.join(rule.group_by)}, or no time" if rule.group_by else "no time"
        line = f"  not counted of these: {rule.uncounted:,}, which have {why}"
        out.print(visible(line), style="yellow", markup=False, highlight=False)
    _print_days((hour.start, hour.matches) for hour in rule.hours)


def _print_alert(alert: RuleAlert) -> None:
    said = [*alert.common, *(one for one in alert.group if one not in alert.common)]
    group = ", ".join(f"{one.field}={one.value}" for one in said)
    span = " to ".join(dict.fromkeys((minute(alert.first_at), minute(alert.last_at))))
    out.print()
    line = f"{minute(alert.at)} {group}: {amount(alert.count, 'event')}, {span}; raised by"
    out.print(visible(line), markup=False, highlight=False)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for one in alert.events[-_MOST_EVENTS:]:
        at = f"  {one.at:%H:%M:%S}"
        table.add_row(at, plain(one.operation), plain(one.actor or ""), _matched(one), str(one.id))
    if (more := len(alert.events) - _MOST_EVENTS) > 0:
        out.print(f"  {more} earlier ones", highlight=False)
    out.print(table)


def _alerts(test: RuleTest) -> str:
    """How many; what that is a day is said of a day at least."""
    if not test.alerts:
        return "no alert"
    a_day = f", {test.alerts_a_day:,.2f} a day" if test.end - test.start >= timedelta(days=1) else ""
    return f"{amount(test.alerts, 'alert')}{a_day}"


def _matched(one: RuleExample) -> str:
    return plain(", ".join(f"{pair.field}={pair.value}" for pair in one.matched[:3]))


def _print_days(counted: Iterable[tuple[datetime, int]]) -> None:
    days: Counter[str] = Counter()
    for start, count in counted:
        if count:
            days[f"{start:%Y-%m-%d}"] += count
    most = max(days.values(), default=1)
    for day, count in sorted(days.items()):
        out.print(f"  {day} {count:>8,} {'#' * max(1, count * _LONGEST_BAR // most)}", highlight=False)

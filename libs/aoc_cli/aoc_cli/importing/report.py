"""The summary of an import for people: what is in, what it tells, and at the end what needs attention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_cli.amounts import amount
from aoc_cli.importing.summary import NO_END
from aoc_cli.terminal import out, plain

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from aoc_cli.importing.summary import Problem, Summary

#: Exit status when something needs attention.
ATTENTION: Final = 3
_SHOWN: Final = 20
#: Names of a kind, and files of a fault, in one line.
_IN_LINE: Final = 5
#: Characters of a name.
_NAME: Final = 80


def show(summary: Summary, directory: Path | None) -> None:
    """Print a summary. `directory`: of the embedded stack that was started for the import."""
    _show_counts(summary)
    _show_occurrences(summary)
    _show_harmless(summary)
    if directory is not None:
        where = plain(str(directory))
        out.print(f"Look at it with [bold]./aoc search --data {where}[/] or [bold]./aoc up --data {where}[/]")
        out.print(f"Its account, with the hash of each file: [bold]./aoc completeness --data {where}[/]")
    if not summary.clean:
        _show_faults(summary, directory)


def _show_counts(summary: Summary) -> None:
    rate = summary.records / summary.seconds if summary.seconds else 0
    letters = f", [red]{amount(summary.dead_lettered, 'dead letter')}: aoc deadletters list[/]"
    out.print(
        f"[bold]{amount(summary.records, 'record')}[/] in {summary.seconds:.1f} s ({rate:,.0f}/s): "
        f"[green]{summary.new:,} new[/], {summary.changed:,} changed, {amount(summary.duplicates, 'duplicate')}, "
        f"[{'yellow' if summary.quarantined else 'default'}]{summary.quarantined:,} quarantined[/]"
        + (letters if summary.dead_lettered else "")
        + (f", {amount(summary.empty, 'empty row')}" if summary.empty else "")
    )


def _show_occurrences(summary: Summary) -> None:
    """What shows at once whether these are the right files."""
    seen = summary.occurrences
    if seen.first is not None and seen.last is not None:
        out.print(f"  Time: {seen.first:%Y-%m-%d %H:%M:%S} to {seen.last:%Y-%m-%d %H:%M:%S} UTC")
    for title, counter in (("Sources", seen.services), ("Operations", seen.operations), ("Actors", seen.actors)):
        if counter:
            out.print(f"  {title}: {_most(counter)}")


def _most(counter: Counter[str]) -> str:
    shown = ", ".join(f"{plain(name[:_NAME])} {count:,}" for name, count in counter.most_common(_IN_LINE))
    return shown + (f", and {len(counter) - _IN_LINE} more" if len(counter) > _IN_LINE else "")


def _show_harmless(summary: Summary) -> None:
    if summary.earlier:
        out.print(f"  {summary.earlier} earlier imports had not come to their end; what they had read is stored too")
    if summary.hidden_files:
        names = ", ".join(summary.hidden[:_SHOWN]) + (", ..." if summary.hidden_files > _SHOWN else "")
        out.print(f"  {summary.hidden_files:,} hidden, not read; name it to import it: {plain(names)}")
    harmless = [refusal for refusal in summary.refusals if refusal.harmless]
    for refusal in harmless[:_SHOWN]:
        out.print(f"  Not read: {plain(refusal.file)}: {plain(refusal.reason)}")
    if len(harmless) > _SHOWN:
        out.print(f"  ... and {len(harmless) - _SHOWN:,} more that are no logs")
    if summary.empty:
        out.print(f"  {summary.empty:,} rows have an empty AuditData")


def _show_faults(summary: Summary, directory: Path | None) -> None:
    out.print("[bold yellow]Needs attention[/]")
    for line in _faults(summary, "" if directory is None else f" --data {plain(str(directory))}"):
        out.print(f"  [yellow]![/] {line}")
    refusals = [refusal for refusal in summary.refusals if not refusal.harmless]
    for refusal in refusals:
        out.print(f"  [red]![/] {plain(refusal.file)}: {plain(refusal.reason)}")
    refused = {(refusal.file, refusal.reason) for refusal in summary.refusals}
    parts = [
        problem
        for problem in summary.problems
        if (problem.file, problem.reason) not in refused and not _is_end(problem, refused)
    ]
    for problem in parts[:_SHOWN]:
        where = f"{problem.file} line {problem.line}" if problem.line else problem.file
        out.print(f"  [yellow]![/] {plain(where)}: {plain(problem.reason)}")
    shown = min(len(parts), _SHOWN) + len(summary.problems) - len(parts)
    more = sum(summary.problems_by_reason.values()) - shown
    if more > 0:
        out.print(f"  ... and {more:,} more (--json lists up to a thousand)")


def _is_end(problem: Problem, refused: Collection[tuple[str, str]]) -> bool:
    """Whether it is what its file ends in, which is told of the file."""
    return (problem.file, f"{NO_END}{problem.reason}") in refused


def _faults(summary: Summary, where: str) -> Iterator[str]:
    """One line for each kind of fault that there is. `where`: the option that names the data directory."""
    for kind, text in (
        ("not_understood", "not understood: no mapper knows their shape, what could be made out is stored"),
        ("undated", "undated: they do not say when they happened, and stand in 1970"),
    ):
        if count := getattr(summary, kind):
            example = summary.examples.get(kind)
            yield f"{count:,} {text}{_files(summary, kind)}" + (
                f", e.g. {plain(' '.join(example.split()))}" if example else ""
            )
            if kind == "not_understood":
                yield f"  Show them all: aoc search --not-understood{where}"
    for kind, text in (
        ("truncated", "cut before they came here: what is left of them is stored"),
        ("quarantined", f"put aside until somebody decides: aoc quarantine list{where}"),
        ("dead_lettered", f"given up: aoc deadletters list{where}"),
        ("undecodable", "undecodable characters (see --encoding): U+FFFD stands for them"),
        (
            "doubtful",
            "doubtful: days that may be months (see --dates), times that cannot be, records in a text",
        ),
    ):
        if count := getattr(summary, kind):
            yield f"{count:,} {text}{_files(summary, kind)}"
    counts = (
        (summary.refused, "files not imported: no logs, or of a kind that is not read here"),
        (summary.unread, "files not read, or not to their end"),
        (summary.stopped, "packed files stopped at a limit"),
        (summary.unsettled, f"records not settled: aoc completeness{where}, aoc doctor{where}"),
    )
    for count, text in counts:
        if count:
            yield f"{count:,} {text}"


def _files(summary: Summary, kind: str) -> str:
    """In which files they are."""
    files = summary.files_with(kind)
    if not files:
        return ""
    shown = ", ".join(f"{plain(file)} {count:,}" for file, count in files[:_IN_LINE])
    return f" ({shown}" + (f", and {len(files) - _IN_LINE} more files" if len(files) > _IN_LINE else "") + ")"

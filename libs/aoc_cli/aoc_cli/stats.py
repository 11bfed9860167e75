"""`aoc stats`: what events are made of, and when they happened, as bars."""

from __future__ import annotations

import asyncio
import csv
import math
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.cells import cell_len
from rich.text import Text as Line

from aoc_cli import asking, attach
from aoc_cli.amounts import amount
from aoc_cli.asking import Actor, Data, Failed, Ip, Operation, Service, Since, Source, Tenant, Text, Until
from aoc_cli.columns import cut
from aoc_cli.listing import AsCsv
from aoc_cli.search import nothing_found
from aoc_cli.terminal import err, json_line, out, plain
from aoc_common.contracts import subjects
from aoc_common.contracts.ids import EPOCH, LAST, just_after
from aoc_common.contracts.printable import cell, visible
from aoc_common.errors import BadConfiguration
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.event_search import make_event_search

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aoc_common.store.mongo.event_search import MongoEventSearch
    from aoc_common.store.searches import EventQuery, EventSearch

#: Facet -> the heading of its bars.
_HEADINGS: Final[Mapping[str, str]] = {
    "operation": "operations", "actor": "actors", "ip": "addresses", "country": "countries", "service": "services",
    "source": "sources",
}  # fmt: skip
_FIELDS: Final = (*_HEADINGS, "result")
#: Spans of time of which there is at most one too many for a screen; each is one bounded facets query.
_MOST_SPANS: Final = 40
_STEPS: Final = tuple(
    timedelta(minutes=minutes)
    for minutes in (1, 5, 15, 60, 180, 360, 720, 1440, 2 * 1440, 7 * 1440, 14 * 1440, 28 * 1440, 91 * 1440, 364 * 1440)
)
#: Values of a facet that are taken from each span, so that sums over all of them are right for what is frequent.
_OF_SPAN: Final = 1_000
#: What does not say when it happened stands in the first second of 1970; nothing that is dated is as old as this.
_UNDATED_UNTIL: Final = EPOCH + timedelta(days=1)
#: A Monday: spans of weeks begin on one.
_MONDAY: Final = EPOCH - timedelta(days=3)
_LONGEST_BAR: Final = 40
_NAME_WIDTH: Final = 48
#: A block of no, one, two ... eighths.
_EIGHTHS: Final = ("", *map(chr, range(0x258F, 0x2588, -1)))


@dataclass(frozen=True, slots=True)
class Span:
    """How many events there are from `start` to before `end`; at least, where not `complete`."""

    start: datetime
    end: datetime
    count: int
    complete: bool


@dataclass(slots=True)
class Stats:
    """Facet -> value -> count, and the spans of time. `undated`: events that do not say when they happened."""

    fields: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in _FIELDS})
    spans: list[Span] = field(default_factory=list)
    undated: int = 0

    @property
    def total(self) -> int:
        """Events that were counted."""
        return self.undated + sum(span.count for span in self.spans)

    @property
    def complete(self) -> bool:
        """Whether these are all that match."""
        return all(span.complete for span in self.spans)


def stats(
    text: Text = "",
    tenant: Tenant = subjects.DEFAULT_TENANT,
    since: Since = None,
    until: Until = None,
    actor: Actor = None,
    ip: Ip = None,
    operation: Operation = None,
    service: Service = None,
    source: Source = None,
    failed: Failed = False,
    top: Annotated[int, typer.Option(min=1, max=100, help="Values of each field.")] = 10,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    as_csv: AsCsv = False,
) -> None:
    """Count operations, actors, addresses and countries, and events over time. Status 1 when nothing is found."""
    if as_json and as_csv:
        raise BadConfiguration("--json and --csv: one of them at a time")
    chosen = asking.selection(
        text, tenant, since, until, datetime.now(UTC), failed=failed,
        actor=actor, ip=ip, operation=operation, service=service, source=source,
    )  # fmt: skip
    with attach.opened(data) as system:

        async def run() -> tuple[Stats, str]:
            async with connect(system.mongo) as database:
                dated = await chosen.in_case(database)
                counted = await count(make_event_search(database), dated.query)
                hint = "" if counted.total else await nothing_found(database, dated.query, dated.asked)
                return counted, hint

        counted, hint = asyncio.run(run())
    if as_json:
        out.out(json_line({"tenant": tenant, **_document(counted, top)}), highlight=False)
    elif as_csv and counted.total:
        _print_csv(counted, top)
    elif counted.total:
        print_stats(counted, top)
    if not counted.total:
        err.print(plain(hint))
        raise typer.Exit(1)


async def count(search: MongoEventSearch, query: EventQuery) -> Stats:
    """Count what matches, span by span; of each span its newest events, as many as a facets query counts."""
    counted = Stats()
    if query.start is None or query.start < _UNDATED_UNTIL:
        undated = await search.facets(replace(query, end=_earlier(query.end, _UNDATED_UNTIL)), _FIELDS, _OF_SPAN)
        counted.undated = _add(counted, undated.fields)
    limits = await _limits(search, query)
    if limits is None:
        return counted
    start, end = limits
    for begin, before in spans(start, end):
        part = replace(query, start=max(begin, start), end=min(before, end))
        facets = await search.facets(part, _FIELDS, _OF_SPAN)
        counted.spans.append(Span(begin, before, _add(counted, facets.fields), facets.complete))
    return counted


def spans(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Equal spans from before `start` to `end`, at most `_MOST_SPANS` and one, which begin at round times."""
    step = next((step for step in _STEPS if end - start <= step * _MOST_SPANS), None)
    if step is None:
        # A record that says the year 9999 must not make a query of each year until then.
        step = _STEPS[-1] * math.ceil((end - start) / (_STEPS[-1] * _MOST_SPANS))
    begin = _MONDAY + (start - _MONDAY) // step * step
    while begin < end:
        before = begin + step if LAST - begin > step else LAST
        yield begin, before
        begin = before


async def _limits(search: EventSearch, query: EventQuery) -> tuple[datetime, datetime] | None:
    """From the oldest event that says when it happened to after the newest; about, where the query does not say."""
    dated = replace(query, start=max(query.start or _UNDATED_UNTIL, _UNDATED_UNTIL), limit=1)
    newest = (await search.search(dated)).events
    if not newest:
        return None
    end = just_after(newest[0].time)
    if query.start is not None:
        return max(query.start, _UNDATED_UNTIL), end
    # Ever further back, until there is nothing before; then between the two.
    step, oldest = timedelta(hours=1), newest[0].time
    while oldest - step > _UNDATED_UNTIL and (before := await _newest_before(search, dated, oldest - step)):
        oldest, step = before, step * 2
    earliest = max(oldest - step, _UNDATED_UNTIL)
    while oldest - earliest > max((end - oldest) / _MOST_SPANS, timedelta(minutes=1)):
        middle = earliest + (oldest - earliest) / 2
        if before := await _newest_before(search, dated, middle):
            oldest = before
        else:
            earliest = middle
    return earliest, end


async def _newest_before(search: EventSearch, query: EventQuery, end: datetime) -> datetime | None:
    events = (await search.search(replace(query, end=end))).events
    return events[0].time if events else None


def _add(counted: Stats, fields: Mapping[str, list[tuple[str, int]]]) -> int:
    """Add the counts of a span; how many events it has: every event has a result."""
    for name, pairs in fields.items():
        for value, times in pairs:
            counted.fields[name][value] += times
    return sum(times for _, times in fields["result"])


def _earlier(end: datetime | None, limit: datetime) -> datetime:
    return limit if end is None else min(end, limit)


def most_frequent(counts: Counter[str], top: int) -> list[tuple[str, int]]:
    """The most frequent values; equal counts in the order of the values."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:top]


def print_stats(counted: Stats, top: int) -> None:
    """Print bars for each field, then over time."""
    failed = counted.fields["result"]["failure"]
    at_least = "" if counted.complete else "at least "
    out.print(Line(f"{at_least}{amount(counted.total, 'event')}, {failed:,} failed", "bold"))
    for name, heading in _HEADINGS.items():
        if counts := counted.fields[name]:
            more = f", the first {top} of {len(counts):,}" if len(counts) > top else ""
            out.print(Line(f"\n{heading}{more}", "dim"))
            _print_bars([(visible(value), times, True) for value, times in most_frequent(counts, top)])
    if counted.spans:
        step = counted.spans[0].end - counted.spans[0].start
        out.print(Line(f"\nover time (UTC), each bar {_duration(step)}", "dim"))
        form = "%Y-%m-%d" if step >= timedelta(days=1) else "%a %Y-%m-%d %H:%M"
        _print_bars([(format(span.start, form), span.count, span.complete) for span in counted.spans])
    if counted.undated:
        out.print(Line(f"\n{counted.undated:,} are undated: their records do not say when they happened", "yellow"))


def _print_bars(bars: Sequence[tuple[str, int, bool]]) -> None:
    """`name  count  bar`; of a count that is not complete it shows that there are more."""
    counts = [f"{times:,}{'' if complete else '+'}" for _, times, complete in bars]
    number_width = max(map(len, counts))
    room = out.width if out.is_terminal else _NAME_WIDTH + number_width + _LONGEST_BAR + 6
    length = min(_LONGEST_BAR, max(room // 3, 1))
    name_width = max(min(_NAME_WIDTH, room - number_width - length - 6), 8)
    widest = min(name_width, max(cell_len(name) for name, _, _ in bars))
    most = max(times for _, times, _ in bars)
    for (name, times, _), number in zip(bars, counts, strict=True):
        shown = cut(name, widest)
        line = Line(f"  {shown}{' ' * (widest - cell_len(shown))}  {number:>{number_width}}  ")
        line.append(_bar(times, most, length), "cyan")
        out.print(line, soft_wrap=True)


def _bar(times: int, most: int, length: int) -> str:
    eighths = -(-times * length * 8 // most) if most else 0
    if not out.encoding.lower().startswith("utf"):
        return "#" * -(-eighths // 8)
    return "\N{FULL BLOCK}" * (eighths // 8) + _EIGHTHS[eighths % 8]


def _duration(step: timedelta) -> str:
    minutes = int(step.total_seconds() // 60)
    for size, name in ((7 * 1440, "week"), (1440, "day"), (60, "hour"), (1, "minute")):
        if minutes % size == 0:
            number = minutes // size
            return f"{number} {name}s" if number > 1 else f"a {name}"
    return f"{minutes} minutes"


def _document(counted: Stats, top: int) -> dict[str, Any]:
    return {
        "events": counted.total,
        "complete": counted.complete,
        "undated": counted.undated,
        "fields": {
            name: [{"value": value, "count": times} for value, times in most_frequent(counts, top)]
            for name, counts in counted.fields.items()
        },
        "over_time": [
            {"start": span.start, "end": span.end, "count": span.count, "complete": span.complete}
            for span in counted.spans
        ],
    }


def _print_csv(counted: Stats, top: int) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("field", "value", "count"))
    for name, counts in counted.fields.items():
        writer.writerows((name, cell(value), times) for value, times in most_frequent(counts, top))
    writer.writerows(("time", f"{span.start:%Y-%m-%dT%H:%M:%SZ}", span.count) for span in counted.spans)

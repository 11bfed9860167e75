"""CPU time of an event on its way to a SIEM: encoded, and framed for each destination.

`python bench/exporter.py [--events 3000]`: events that the normalizer makes of the simulator's records. Prints
microseconds an event, the fastest of some rounds, and status 1 when a format takes more than it may: 30 us for what is
passed through, 120 us for CEF and ECS.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from aoc_common.contracts.event import Event
from aoc_common.contracts.event_message import EventMessage
from aoc_exporter.entry import Entry
from aoc_exporter.formats import FORMATS
from aoc_exporter.framing import bulk, hec, ndjson, otlp, sentinel, syslog, webhook
from aoc_exporter.item import Item, fit
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from aoc_sim import samples

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_ROUNDS: Final = 5
_LIMIT_BYTES: Final = 4_000_000
#: Format -> microseconds that encoding and framing may take.
_MOST: Final = {"ocsf": 30.0, "raw": 30.0, "ecs": 120.0, "cef": 120.0, "elastic": 120.0}
_HEC: Final = hec.HecFields(index="security")
_SYSLOG: Final = syslog.Header()
_FRAMINGS: Final[Mapping[str, Callable[[Sequence[Item]], bytes]]] = {
    "ndjson": ndjson.body,
    "hec": lambda items: b"".join([hec.envelope(item, _HEC) for item in items]),
    "bulk": lambda items: b"".join([bulk.pair(item, "logs-aoc.event-contoso") for item in items]),
    "syslog": lambda items: b"".join(
        [syslog.framed(syslog.message(item, _SYSLOG), syslog.Framing.OCTETS) for item in items]
    ),
    "otlp": otlp.body,
    "sentinel": lambda items: sentinel.body(map(sentinel.row, items)),
    "webhook": lambda items: webhook.body(items, "2026-11-23T08:00:00Z"),
}


def messages(count: int) -> list[EventMessage]:
    """Messages of AOC_EVENTS, of records of all the simulator's sources in their usual proportions."""
    context = RecordContext("contoso", "bench", datetime(2026, 11, 23, 8, tzinfo=UTC))
    events = [normalise(record, context) for _, record in samples.records(3, count)]
    return [
        EventMessage(
            event.id, event.tenant, source, event.class_uid, event.operation, 1, None, None, None, event.message()
        )
        for (source, _), event in zip(samples.records(3, count), events, strict=True)
        if isinstance(event, Event)
    ]


def microseconds(sent: Sequence[EventMessage], form: str, framing: str) -> float:
    """Of an event: entry, format and framing, the fastest of some rounds. No round knows what the last one parsed."""
    best = float("inf")
    for _ in range(_ROUNDS):
        started = time.process_time()
        items = [fit(Entry.of_event(message), FORMATS[form], _LIMIT_BYTES) for message in sent]
        _FRAMINGS[framing](items)
        best = min(best, time.process_time() - started)
    return best / len(sent) * 1e6


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=3000)
    sent = messages(parser.parse_args().events)
    size = sum(len(message.body) for message in sent) / len(sent)
    table = Table(title=f"{len(sent):,} events of {size:,.0f} bytes: microseconds of CPU an event")
    for column in ("format", *_FRAMINGS, "most"):
        table.add_column(column, justify="left" if column == "format" else "right")
    over = False
    for form in FORMATS:
        taken = [microseconds(sent, form, framing) for framing in _FRAMINGS]
        over = over or max(taken) > _MOST[form]
        table.add_row(form, *(f"{one:.1f}" for one in taken), f"{_MOST[form]:.0f}")
    Console().print(table)
    return int(over)


if __name__ == "__main__":
    sys.exit(main())

"""`aoc explain`: what becomes of one record, field by field."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from aoc_cli.terminal import out, plain
from aoc_common.contracts import subjects
from aoc_common.contracts.event import Event
from aoc_common.errors import BadConfiguration, Malformed
from aoc_normalizer.normalise import normalise_page
from aoc_normalizer.reading.records import RecordContext, Rejected

_SHOWN: Final = 80
#: Characters up to which a text is a code that stands in many places.
_SHORT: Final = 3
_COMMON: Final = frozenset({"true", "false", "none", "null", "unknown", "other", "success", "failure"})
#: Places that repeat others, or that say nothing about a single field.
_ECHOES: Final = ("message", "observables", "metadata.event_code")


def explain(
    path: Annotated[Path, typer.Argument(help="A file with one record, or with several; - reads from a pipe.")],
    tenant: Annotated[str, typer.Option(help="The tenant that the record belongs to.")] = subjects.DEFAULT_TENANT,
    as_json: Annotated[bool, typer.Option("--json", help="Print the events as JSON, one a line.")] = False,
) -> None:
    """Show which mapper takes a record, what goes where, and what stays in `unmapped`. Nothing is stored."""
    context = RecordContext(subjects.check_tenant(tenant), subjects.IMPORT_SOURCE, datetime.now(UTC))
    events, rejected = normalise_page(_read(path), context)
    for event in events:
        if as_json:
            out.out(event.message().decode(), highlight=False)
        else:
            _show(event)
    for part in rejected:
        _refuse(part)
    if rejected or not events:
        raise Malformed(f"{path}: {len(rejected)} of {len(events) + len(rejected)} parts are no records")


def _read(path: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise BadConfiguration(f"{path}: {error.strerror}") from None


def _refuse(part: Rejected) -> None:
    out.print(f"[red]no record[/]: {plain(part.reason)}: {plain(part.text[:_SHOWN])}")


def _show(event: Event) -> None:
    ocsf = event.ocsf
    out.print(f"[bold]{plain(ocsf['message'])}[/]")
    facts = {
        "mapper": f"{event.mapper} (version {event.mapper_version})",
        "class": f"{ocsf['class_name']} ({event.class_uid}), activity {ocsf['activity_id']}",
        "severity": ocsf["severity"],
        "event id": event.id,
        "tags": ", ".join(event.tags) or "none",
        "search terms": ", ".join(event.terms),
    }
    for name, value in facts.items():
        out.print(f"  [dim]{name:13}[/]{plain(value)}")
    table = Table("field of the record", "value", "goes to", box=None, padding=(0, 2, 0, 0), header_style="dim")
    places = dict(_places(ocsf))
    for field, value in _leaves(json.loads(event.raw)):
        table.add_row(plain(field), plain(_short(value)), _destination(field, value, event, places))
    out.print(table)
    out.print()


def _destination(field: str, value: Any, event: Event, places: dict[str, str]) -> str:
    top = field.split(".", 1)[0].split("[", 1)[0]
    text = str(value).strip().casefold()
    place = places.get(text) if text else None
    if place and _tells(value):
        return f"[green]{plain(place)}[/]"
    if top in event.unmapped:
        return "[yellow]unmapped[/]"
    if place:
        return f"[cyan]read[/], perhaps {plain(place)}"
    return "[cyan]read[/]" if text else "[dim]empty[/]"


def _tells(value: Any) -> bool:
    """Whether an equal value elsewhere is the same one: not of numbers, truth values and codes such as `0` or `US`."""
    return isinstance(value, str) and len(value.strip()) > _SHORT and value.strip().casefold() not in _COMMON


def _places(ocsf: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Value -> where it stands in the event; of several places the most telling, which comes last."""
    found = [(str(value).casefold(), place) for place, value in _leaves(ocsf)]
    yield from sorted(found, key=lambda item: not item[1].startswith(_ECHOES))


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _leaves(item, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from _leaves(item, f"{place}[{number}]")
    else:
        yield place, "" if value in ({}, [], None) else value


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "\N{HORIZONTAL ELLIPSIS}"

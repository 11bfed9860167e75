"""`aoc show`: one event in full, for reading."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import orjson
import typer
from rich.table import Table
from rich.text import Text

from aoc_cli import attach
from aoc_cli.asking import Data
from aoc_cli.listing import ago
from aoc_cli.related import print_related, related
from aoc_cli.terminal import harmless_json, json_line, out, print_table
from aoc_common.contracts import rows, subjects
from aoc_common.contracts.access import Scope
from aoc_common.contracts.printable import visible
from aoc_common.contracts.rows import Row
from aoc_common.errors import NotFound
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.event_search import make_event_search
from aoc_common.store.mongo.sources import MongoSources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aoc_cli.attach import System
    from aoc_cli.related import Related
    from aoc_common.contracts.event import StoredEvent

#: Characters of one value, and lines of one section, that are shown; `--json` has all.
_LONGEST: Final = 2_000
_LINES: Final = 200
#: Of JSON: texts, what holds it together, and anything else.
_PARTS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+|"', re.DOTALL)
_OPENING, _CLOSING = frozenset("{["), frozenset("}]")
_INDENT: Final = "  "
_DEEPEST: Final = 40
#: What an event is about, by where OCSF's classes have it, as a heading.
_ABOUT: Final[Mapping[str, str]] = {
    "user": "user",
    "entity": "entity",
    "group": "group",
    "service": "service",
    "file": "file",
    "resources": "resources",
    "privileges": "privileges",
    "evidences": "evidence",
    "finding_info": "finding",
    "auth_factors": "factors",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """An event with what belongs to it: all its versions, its twin if it has one, and related events if asked for."""

    event: StoredEvent
    versions: Sequence[StoredEvent]
    twin: StoredEvent | None
    related: Sequence[Related] | None = None


def show(
    event_id: Annotated[
        UUID, typer.Argument(metavar="ID", help="Its id, as aoc search --fields id,time,message has it.")
    ],
    tenant: Annotated[str | None, typer.Option(help="Whose it is; without it every tenant is looked at.")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Also the record, as Microsoft sent it.")] = False,
    with_related: Annotated[
        bool,
        typer.Option(
            "--related", help="Also events of a day around it with the same actor, address, session, target, ..."
        ),
    ] = False,
    data: Data = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="The event as one JSON object, with the record's text.")
    ] = False,
) -> None:
    """Show an event in full: who did what to what, what changed, its twin, its versions. Status 1: there is none."""
    if tenant is not None:
        subjects.check_tenant(tenant)
    with attach.opened(data) as system:
        shown = asyncio.run(read(system, event_id, tenant, with_related=with_related))
    if as_json:
        event = shown.event
        more = {} if shown.related is None else {"related": [group.json() for group in shown.related]}
        whole = Row.of_stored(event).json() | {"page": event.page, "raw_data": event.raw} | more
        out.out(json_line(whole), highlight=False)
        return
    print_event(shown, raw=raw, now=datetime.now(UTC))


async def read(system: System, event_id: UUID, tenant: str | None, *, with_related: bool = False) -> Shown:
    """The event. Raises `NotFound` where no tenant that may be meant has it."""
    async with connect(system.mongo) as database:
        search = make_event_search(database)
        states = [] if tenant is not None else await MongoSources(database).all_states(None)
        tenants = (
            [tenant] if tenant is not None else sorted({subjects.DEFAULT_TENANT, *(state.tenant for state in states)})
        )
        for scope in map(Scope, tenants):
            if (event := await search.get(scope, event_id)) is None:
                continue
            other = event.twin_of or event.twin
            return Shown(
                event,
                await search.versions(scope, event_id) if event.versions > 1 else (),
                None if other is None else await search.get(scope, other),
                await related(search, scope.tenant, event) if with_related else None,
            )
    raise NotFound(f"there is no event {event_id} of tenant {' or '.join(tenants[:12])}")


def print_event(shown: Shown, *, raw: bool, now: datetime) -> None:
    """Print it, section by section."""
    event = shown.event
    row = Row.of_stored(event)
    out.print(Text(visible(row.message), "bold"))
    _section("", _facts(row, now))
    for name, heading in _ABOUT.items():
        _section(heading, _leaves(event.ocsf.get(name)))
    request = _object(_object(_object(event.ocsf.get("api")).get("request")).get("data"))
    _section("changed", list(_changes(request.get("changes"))))
    _section(
        "parameters", [(_text(item, "name"), _text(item, "value")) for item in _objects(request.get("parameters"))]
    )
    _section("known", list(_knowledge(event.ocsf.get("enrichments"))))
    _section("not mapped", _leaves(event.unmapped))
    _section(
        "versions",
        [(f"{item.version}{'*' * (item.version == event.version)}", _sentence(item)) for item in shown.versions],
    )
    if shown.twin is not None:
        order = "came before" if event.twin_of is not None else "came after"
        _section("twin", [("id", str(shown.twin.id)), ("source", f"{shown.twin.source}, {order}"),
                          ("tells", Row.of_stored(shown.twin).message)])  # fmt: skip
    if shown.related is not None:
        print_related(shown.related)
    if raw:
        out.print(Text("\nrecord", "dim"))
        for line in laid_out(event.raw or ""):
            out.print(Text(line), soft_wrap=True)


def _facts(row: Row, now: datetime) -> list[tuple[str, str]]:
    def value(name: str) -> str:
        return rows.text(row, name)

    at = row.at
    activity = rows.text(row, "event.activity_name") or f"activity {rows.text(row, 'event.activity_id')}"
    identity = _object(_object(row.ocsf.get("actor")).get("user"))
    known = [_text(identity, name) for name in ("name", "email_addr", "uid", "type")]
    application = [value("app"), value("event.actor.app_uid")]
    address = [value("ip"), row.place, value("event.src_endpoint.autonomous_system.name")]
    listed = {
        "time": f"{at:%Y-%m-%d %H:%M:%S} UTC, {ago(at, now)}" if at else "undated: the record does not say when",
        "id": str(row.id),
        "tenant": row.tenant,
        "operation": f"{row.operation} ({value('service')}, {value('event.metadata.log_name') or row.source})",
        "result": ", ".join(filter(None, (value("result"), value("reason"), value("event.status_code")))),
        "severity": value("severity"),
        "class": f"{value('class_name')}, {activity}",
        "actor": ", ".join(dict.fromkeys(filter(None, known))),
        "application": ", ".join(filter(None, application)),
        "address": ", ".join(filter(None, address)),
        "device": ", ".join(filter(None, (value("device"), value("event.src_endpoint.os.name")))),
        "user agent": value("user_agent"),
        "targets": value("targets"),
        "correlation": value("correlation_id"),
        "session": value("event.actor.session.uid") or value("event.session.uid"),
        "source": row.source,
        "tags": ", ".join(row.tags),
    }
    return [(name, text) for name, text in listed.items() if text]


def _section(heading: str, lines: Sequence[tuple[str, str]]) -> None:
    if not lines:
        return
    if heading:
        out.print(Text(f"\n{heading}", "dim"))
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 2), pad_edge=True)
    table.add_column(style="cyan", no_wrap=True, max_width=44, overflow="ellipsis")
    table.add_column(overflow="fold")
    for name, text in lines[:_LINES]:
        table.add_row(
            Text(visible(name)), Text(visible(text[:_LONGEST]) + ("\N{HORIZONTAL ELLIPSIS}" * (len(text) > _LONGEST)))
        )
    print_table(table)
    if len(lines) > _LINES:
        out.print(Text(f"  and {len(lines) - _LINES:,} more: --json has all", "dim"))


def _leaves(value: Any) -> list[tuple[str, str]]:
    return list(_each_leaf(value, ""))


def _each_leaf(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """What is inside of a value, with where it is; not what is empty."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _each_leaf(item, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _each_leaf(item, f"{place}[{number}]")
    elif value not in (None, ""):
        yield place, _shown(value)


def _changes(changes: Any) -> Iterator[tuple[str, str]]:
    for item in _objects(changes):
        old, new = item.get("old"), item.get("new")
        before = "" if old is None else f"{_shown(old)} "
        yield _text(item, "name"), f"{before}\N{RIGHTWARDS ARROW} {'nothing' if new in (None, '', []) else _shown(new)}"


def _knowledge(enrichments: Any) -> Iterator[tuple[str, str]]:
    """What was added to the record: of whom, and what."""
    for item in _objects(enrichments):
        facts = ", ".join(f"{name} {text}".strip() for name, text in _leaves(item.get("data")))
        yield f"{_text(item, 'type')}: {_text(item, 'value')}", facts


def _sentence(event: StoredEvent) -> str:
    logged = _object(event.ocsf.get("metadata")).get("logged_time")
    seen = f"{datetime.fromtimestamp(logged / 1000, UTC):%Y-%m-%d %H:%M:%S} " if isinstance(logged, int) else ""
    return f"{seen}{event.result}: {Row.of_stored(event).message}"


def laid_out(raw: str) -> list[str]:
    """A record's lines: JSON is indented, and its parts stand as they are, long numbers and repeated names too.

    Parsing would lose these, and the record is evidence.
    """
    if raw.lstrip()[:1] not in _OPENING:
        return [visible(line) for line in raw.splitlines()]
    lines, line, depth, before = [], "", 0, ""
    for part in _PARTS.findall(raw):
        depth -= part in _CLOSING
        empty = part in _CLOSING and before in _OPENING
        if not empty and (part in _CLOSING or before in _OPENING or before == ","):
            lines.append(line)
            line = _INDENT * min(max(depth, 0), _DEEPEST)
        line += ": " if part == ":" else part
        depth += part in _OPENING
        before = part
    return [harmless_json(text) for text in (*lines, line) if text]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()


def _text(item: Mapping[str, Any], name: str) -> str:
    value = item.get(name)
    return "" if value is None else _shown(value)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

"""Records without a server: for unit tests, and export files of any size for import benchmarks."""

# ruff: noqa: S311 - randomness must be reproducible here, not secret

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import orjson

from aoc_sim.inventory import build_directory
from aoc_sim.records.base import SOURCES, Source, hex_guid, us_time
from aoc_sim.settings import DEFAULT_TENANTS
from aoc_sim.traffic import ActivityTimes, Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

type Kind = Literal["ndjson", "json", "purview-csv", "purview-json", "graph-list"]

ANCHOR = datetime(2026, 1, 15, 12, tzinfo=UTC)
"""Samples happen in the day before this moment, whatever the time is."""
_CHUNK = 1000
_POOL = 2000
_FLUSH_BYTES = 1 << 20
_KINDS: tuple[Kind, ...] = get_args(Kind.__value__)
_RECORD_TYPES = {
    1: "ExchangeAdmin",
    2: "ExchangeItem",
    3: "ExchangeItemGroup",
    4: "SharePoint",
    6: "SharePointFileOperation",
    8: "AzureActiveDirectory",
    11: "ComplianceDLPSharePoint",
    13: "ComplianceDLPExchange",
    14: "SharePointSharingOperation",
    15: "AzureActiveDirectoryStsLogon",
    18: "SecurityComplianceCenterEOPCmdlet",
    25: "MicrosoftTeams",
    36: "SharePointListOperation",
    50: "ExchangeItemAggregated",
}


def records(seed: int, count: int, source: Source | None = None) -> Iterator[tuple[Source, bytes]]:
    """Yield `count` pairs of source and JSON record, the same for the same arguments.

    Without `source`, all sources occur in realistic proportions. The first tenant's
    records; no two share an identity, DLP pairs (one Id, two operations) included.
    """
    if source is not None and source not in SOURCES:
        raise ValueError(f"no such source: {source}; known: {', '.join(SOURCES)}")
    directory = build_directory(DEFAULT_TENANTS[0], seed)
    traffic = Traffic(directory)
    rhythm = ActivityTimes(directory, ANCHOR - timedelta(days=1), ANCHOR)
    rng = Random(f"samples:{seed}:{source}")
    remaining = count
    while remaining:
        for at in rhythm.moments(min(remaining, _CHUNK), rng):
            for draft in traffic.drafts(at, rng, room=remaining, source=source):
                yield draft.source, orjson.dumps(draft.body)
                remaining -= 1
            if not remaining:
                break


def export(path: Path | str, count: int, seed: int, kind: Kind = "ndjson") -> int:
    """Write a file of `count` distinct records as an administrator would export it; returns its size in bytes.

    ndjson        one unified audit record a line
    json          one array of unified audit records
    purview-csv   what the Purview portal exports: a table whose column AuditData holds the record
    purview-json  rows of Search-UnifiedAuditLog, one array; AuditData is JSON in a string
    graph-list    one Graph list answer of directory audits

    Records vary a pool that was generated once, by id and time, so memory is constant and
    the speed that of writing. Times ascend over 90 days up to ANCHOR.
    """
    if kind not in _KINDS:
        raise ValueError(f"no such kind: {kind}; known: {', '.join(_KINDS)}")
    form = _FORMS[kind]
    templates = _pool(seed, min(count, _POOL), kind, form)
    rng = Random(f"export:{seed}:{kind}")
    step = timedelta(days=90) / max(1, count)
    start = ANCHOR - timedelta(days=90)
    size = 0
    with Path(path).open("wb") as file:
        buffer = io.BytesIO()
        buffer.write(form.head)
        for number in range(count):
            if number:
                buffer.write(form.separator)
            template = templates[number % len(templates)]
            # the number within the id keeps ids distinct whatever the dice say
            new_id = hex_guid(rng.getrandbits(80) << 48 | number).encode()
            buffer.write(template.fill(new_id, start + step * number))
            if buffer.tell() >= _FLUSH_BYTES:
                size += file.write(buffer.getvalue())
                buffer = io.BytesIO()
        buffer.write(form.tail)
        size += file.write(buffer.getvalue())
    return size


class _Form(NamedTuple):
    """How a kind of file is put together."""

    head: bytes
    separator: bytes
    tail: bytes
    row: Callable[[bytes], bytes]
    """A record's JSON -> its row, in which id and times are the placeholders below."""


_ID = b"@@id-of-the-record@@"
_TIME = b"@@2026-time@@"
_US_TIME = b"@@us-time@@"


class _Template:
    """A row, cut at the places where the id and the time go."""

    def __init__(self, row: bytes) -> None:
        self._parts: list[bytes] = []
        self._kinds: list[bytes] = []
        while True:
            marks = [(row.find(mark), mark) for mark in (_ID, _TIME, _US_TIME) if mark in row]
            if not marks:
                break
            at, mark = min(marks)
            self._parts.append(row[:at])
            self._kinds.append(mark)
            row = row[at + len(mark) :]
        self._rest = row
        self._wants_us_time = _US_TIME in self._kinds

    def fill(self, new_id: bytes, at: datetime) -> bytes:
        """The row with that id and time."""
        values = {_ID: new_id, _TIME: at.isoformat(timespec="seconds")[:19].encode()}
        if self._wants_us_time:
            values[_US_TIME] = us_time(at).encode()
        pieces: list[bytes] = []
        for part, kind in zip(self._parts, self._kinds, strict=True):
            pieces += (part, values[kind])
        pieces.append(self._rest)
        return b"".join(pieces)


def _pool(seed: int, size: int, kind: Kind, form: _Form) -> list[_Template]:
    if kind == "graph-list":
        chosen: Iterable[bytes] = (body for _, body in records(seed, size, "graph-directory-audits"))
        return [_Template(form.row(_mark_graph(body))) for body in chosen]
    templates = []
    for source, body in records(seed, max(200, size * 3), None):
        if source.startswith("o365-"):
            templates.append(_Template(form.row(_mark_ual(body))))
        if len(templates) == size:
            break
    return templates


def _mark_ual(body: bytes) -> bytes:
    record = orjson.loads(body)
    return orjson.dumps(record | {"Id": _ID.decode(), "CreationTime": _TIME.decode()})


def _mark_graph(body: bytes) -> bytes:
    record = orjson.loads(body)
    head = str(record["id"]).split("_", 1)[0]
    return orjson.dumps(record | {"id": f"{head}_{_ID.decode()}", "activityDateTime": f"{_TIME.decode()}.1234567Z"})


def _purview_csv_row(body: bytes) -> bytes:
    """RecordId, CreationDate, RecordType, Operation, UserId, AuditData, and the two of administrative units."""
    record = orjson.loads(body)
    user, operation = _csv(record["UserId"]), _csv(record["Operation"])
    columns = (_ID, _TIME + b".0000000Z", str(record["RecordType"]).encode(), operation, user, _csv(body.decode()))
    return b",".join((*columns, b"", b"\r\n"))


def _csv(text: str) -> bytes:
    return b'"' + text.replace('"', '""').encode() + b'"'


def _purview_json_row(body: bytes) -> bytes:
    record = orjson.loads(body)
    kind = record["RecordType"]
    return orjson.dumps(
        {
            "RecordType": _RECORD_TYPES.get(kind, str(kind)),
            "CreationDate": _US_TIME.decode(),
            "UserIds": record["UserId"],
            "Operations": record["Operation"],
            "AuditData": body.decode(),
            "ResultIndex": "1",
            "ResultCount": "100",
            "Identity": _ID.decode(),
            "IsValid": "True",
            "ObjectState": "Unchanged",
        }
    )


def _same(body: bytes) -> bytes:
    return body


def _line(body: bytes) -> bytes:
    return body + b"\n"


_GRAPH_HEAD = b'{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#auditLogs/directoryAudits","value":['
_CSV_HEAD = (
    b"RecordId,CreationDate,RecordType,Operation,UserId,AuditData,AssociatedAdminUnits,AssociatedAdminUnitsNames\r\n"
)
_FORMS: dict[Kind, _Form] = {
    "ndjson": _Form(b"", b"", b"", _line),
    "json": _Form(b"[", b",\n", b"]\n", _same),
    "purview-csv": _Form(_CSV_HEAD, b"", b"", _purview_csv_row),
    "purview-json": _Form(b"[", b",\n", b"]\n", _purview_json_row),
    "graph-list": _Form(_GRAPH_HEAD, b",", b"]}\n", _same),
}

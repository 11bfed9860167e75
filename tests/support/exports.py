"""Exports as tools write them, and what reading a file of them gives."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tarfile
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aoc_cli.importing.items import Ambiguity, Item, Record, Unreadable
from aoc_cli.importing.kinds import NoLogError
from aoc_cli.importing.records import sources
from aoc_cli.importing.streams import CountingFile
from aoc_cli.importing.unpacking import Unpacking
from aoc_normalizer.normalise import normalise_page
from aoc_normalizer.reading.records import RecordContext

if TYPE_CHECKING:
    from pathlib import Path

    from aoc_common.contracts.event import Event

MIB = 1 << 20
LIMITS = Unpacking()
CONTEXT = RecordContext("contoso", "import", datetime(2026, 11, 23, 8, tzinfo=UTC))
HEADER = ["RecordId", "CreationDate", "RecordType", "Operation", "UserId", "AuditData"]


def audit(name: str, **more: object) -> dict[str, object]:
    return {
        "Id": name,
        "CreationTime": "2026-11-20T10:00:00",
        "Operation": "Set-InboxRule",
        "RecordType": 1,
        "UserId": "kim@contoso.example",
        **more,
    }


def row(record: dict[str, object]) -> list[str]:
    return [
        str(record["Id"]),
        "2026-11-20T10:00:00Z",
        "ExchangeAdmin",
        "Set-InboxRule",
        "kim@contoso.example",
        json.dumps(record, ensure_ascii=False),
    ]


def table(*records: dict[str, object], delimiter: str = ",", header: list[str] = HEADER) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([header, *map(row, records)])
    return text.getvalue()


class Read:
    """What was read of a file: records, what was none, and which documents were refused."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.refused: dict[str, NoLogError] = {}
        self.encodings: dict[str, str] = {}
        self.hidden: list[str] = []
        self.lost = 0

    @property
    def ids(self) -> list[str]:
        return [json.loads(item.data).get("Id") for item in self.items if isinstance(item, Record)]

    @property
    def records(self) -> list[dict[str, object]]:
        return [json.loads(item.data) for item in self.items if isinstance(item, Record)]

    @property
    def doubts(self) -> list[str]:
        return [item.reason for item in self.items if isinstance(item, Ambiguity)]

    @property
    def cuts(self) -> list[str]:
        return [item.cut for item in self.items if isinstance(item, Record) and item.cut is not None]

    @property
    def events(self) -> list[Event]:
        records = [item.data for item in self.items if isinstance(item, Record)]
        return [event for record in records for event in normalise_page(record, CONTEXT)[0]]

    @property
    def unreadable(self) -> list[str]:
        return [item.reason for item in self.items if isinstance(item, Unreadable)]


def read_path(
    path: Path, limits: Unpacking = LIMITS, encoding: str | None = None, *, day_first: bool | None = None
) -> Read:
    result = Read()
    with CountingFile(path) as file:
        opener, documents = sources(file, limits, encoding, day_first=day_first)
        for source in documents:
            try:
                result.items += list(source.items())
            except NoLogError as error:
                result.refused[source.name] = error
            result.encodings[source.name] = source.encoding
            result.lost += source.lost
        result.hidden = opener.hidden
    return result


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(members: dict[str, bytes], packed: bool = False) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue()) if packed else out.getvalue()


A, B = audit("a"), audit("b")
NDJSON = json.dumps(A).encode() + b"\n" + json.dumps(B).encode()

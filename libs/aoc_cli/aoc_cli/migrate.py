"""`aoc migrate`: takes the records out of the earlier tool's MongoDB collection, for `aoc import`.

A document there has the record as Microsoft sent it in `raw`, or as JSON text in `raw_text`; everything else was made
of it, but `tags` and `comments`, which people wrote.

```
DIR/records/records.jsonl   records, one a line: what `aoc import` takes
DIR/notes.jsonl             tags and comments, with the record that they are about
DIR/left.jsonl              documents that hold no record, whole, and why
DIR/account.json            counts, and the SHA-256 of the files
```
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final

import orjson
import typer
from pydantic import ValidationError

from aoc_cli.terminal import out, plain
from aoc_common.errors import AocError, BadConfiguration, Malformed
from aoc_common.settings import MongoSettings
from aoc_common.store.mongo.foreign import documents, extended_json
from aoc_common.validation import first_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

_SETTING: Final = "AOC_MONGO__URI"
RECORDS, NOTES, _LEFT, ACCOUNT = "records/records.jsonl", "notes.jsonl", "left.jsonl", "account.json"
#: What is carried over of a document beside its record.
_KEPT: Final = ("tags", "comments")
#: Status when something was left.
_ATTENTION: Final = 3


def migrate(
    uri: Annotated[
        str, typer.Argument(help="Connection string of the earlier tool's MongoDB, or env:NAME, file:PATH.")
    ],
    to: Annotated[Path, typer.Option(help="A directory that is made, for the files.")],
    database: Annotated[str, typer.Option(help="Its database.")],
    collection: Annotated[str, typer.Option(help="Its collection of events.")] = "events",
) -> None:
    """Take the records out of the earlier tool's collection, for aoc import. Status 3 when something was left."""
    try:
        settings = MongoSettings(uri=uri, database=database)
        settings.resolved_uri()
        account = asyncio.run(_read(settings, collection, to))
    except ValidationError as error:
        raise BadConfiguration(f"--database {database}: {first_fault(error)[1]}") from None
    except AocError as error:
        raise type(error)(str(error).replace(_SETTING, "URI")) from None
    out.print(f"{account.records:,} records of {account.documents:,} documents: {plain(to / RECORDS)}")
    if account.notes:
        out.print(f"{account.notes:,} with tags or comments: {plain(to / NOTES)}")
    out.print(f"next: ./aoc import {plain(to / 'records')} --tenant NAME")
    if account.notes:
        out.print(f"then: ./aoc migrate-notes {plain(to)} --tenant NAME --apply")
    if account.left:
        for reason, number in sorted(account.left.items(), key=lambda item: -item[1]):
            out.print(f"[yellow]left[/] {number:,}: {plain(reason)}")
        out.print(f"[yellow]left[/] whole in {plain(to / _LEFT)}")
        raise typer.Exit(_ATTENTION)


@dataclass(slots=True)
class Account:
    """What became of the documents. `left`: why -> how many. `digests`: file -> SHA-256."""

    documents: int = 0
    records: int = 0
    notes: int = 0
    left: dict[str, int] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)


class _File:
    """A file of JSON lines that is hashed as it is written. It must not be there before."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("xb")
        self._digest = hashlib.sha256()

    def line(self, text: bytes) -> None:
        self._file.write(text + b"\n")
        self._digest.update(text + b"\n")

    def close(self) -> str:
        self._file.close()
        return self._digest.hexdigest()


async def _read(settings: MongoSettings, collection: str, to: Path) -> Account:
    """Read all. Raises `BadConfiguration` for a directory that is not empty or cannot be written.

    The directory is there once all of it was written: a part of the records must not be taken for all.
    """
    account, to = Account(), _new(to)
    part = to.with_name(f".{to.name}.{token_hex(4)}.part")
    try:
        (part / RECORDS).parent.mkdir(parents=True)
        async with AsyncExitStack() as stack:
            files = {name: _File(part / name) for name in (RECORDS, NOTES, _LEFT)}
            for name, file in files.items():
                stack.callback(_close, account, name, file)
            async for document in documents(settings, collection):
                _take(document, files, account)
        (part / ACCOUNT).write_bytes(_document(account, settings, collection))
        part.replace(to)
    except OSError as error:
        raise BadConfiguration(f"{error.filename or to}: {error.strerror}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return account


def _close(account: Account, name: str, file: _File) -> None:
    account.digests[name] = file.close()


def _new(to: Path) -> Path:
    """Its whole path. Raises `BadConfiguration` for one that holds something, and for the current directory.

    What is there is replaced: whoever stands in it would stand nowhere.
    """
    whole = to.resolve()
    try:
        if whole.exists() and (not whole.is_dir() or any(whole.iterdir())):
            raise BadConfiguration(f"--to {to}: is not an empty directory")
    except OSError as error:
        raise BadConfiguration(f"--to {to}: {error.strerror}") from None
    if whole == Path.cwd():
        raise BadConfiguration("--to: is the current directory; name one that is to be made")
    return whole


def _take(document: Mapping[str, Any], files: Mapping[str, _File], account: Account) -> None:
    account.documents += 1
    try:
        record = record_of(document)
    except Malformed as error:
        account.left[str(error)] = account.left.get(str(error), 0) + 1
        whole = extended_json(document)
        files[_LEFT].line(orjson.dumps({"why": str(error)})[:-1] + b',"document":' + whole.encode() + b"}")
        return
    account.records += 1
    files[RECORDS].line(record)
    if kept := {name: document[name] for name in _KEPT if document.get(name)}:
        account.notes += 1
        about = {"record": account.records, "id": str(document.get("id") or document.get("_id"))}
        files[NOTES].line(extended_json(about | kept).encode())


def record_of(document: Mapping[str, Any]) -> bytes:
    """The record of a document, as JSON. Raises `Malformed` when it has none."""
    raw, text = document.get("raw"), document.get("raw_text")
    if isinstance(raw, dict) and raw:
        try:
            return orjson.dumps(raw, default=_as_sent, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME)
        except (TypeError, ValueError, RecursionError):
            raise Malformed("its `raw` holds what no JSON can hold") from None
    for candidate in (raw, text):
        if isinstance(candidate, str):
            try:
                if isinstance(read := orjson.loads(candidate), dict) and read:
                    return orjson.dumps(read)
            except ValueError:
                continue
    if raw is None and text is None:
        raise Malformed("it has neither `raw` nor `raw_text`")
    raise Malformed("its `raw` and `raw_text` hold no record")


def _as_sent(value: object) -> str:
    """A time as Microsoft writes it: the earlier tool stored some as dates. Raises TypeError for anything else."""
    if isinstance(value, datetime):
        utc = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        return utc.isoformat().replace("+00:00", "Z")
    raise TypeError


def _document(account: Account, settings: MongoSettings, collection: str) -> bytes:
    made = {
        "from": f"{settings.database}.{collection}",
        "at": datetime.now(UTC),
        "documents": account.documents,
        "records": account.records,
        "notes": account.notes,
        "left": account.left,
        "sha256": account.digests,
    }
    return orjson.dumps(made, option=orjson.OPT_INDENT_2) + b"\n"

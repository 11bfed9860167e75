"""`aoc migrate-notes`: tags and comments that `aoc migrate` has taken out, onto the events of their records."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
import typer

from aoc_cli import known_tenants
from aoc_cli.amounts import amount
from aoc_cli.asking import Data
from aoc_cli.attach import on_database
from aoc_cli.migrate import ACCOUNT, NOTES, RECORDS
from aoc_cli.noting import note
from aoc_cli.terminal import as_json, out, plain
from aoc_common.clock import SystemClock
from aoc_common.contracts import subjects
from aoc_common.contracts.access import Scope
from aoc_common.contracts.event import Event
from aoc_common.contracts.notes import LONGEST_COMMENT, Comment, tag
from aoc_common.errors import BadConfiguration, Malformed
from aoc_common.store.event_notes import TagChange, TooManyNotes
from aoc_common.store.mongo.event_notes import MongoEventNotes
from aoc_common.store.mongo.event_search import make_event_search
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from uuid import UUID

    from aoc_common.store.mongo.client import Database
    from aoc_common.store.searches import EventSearch

#: Status when something was left.
_ATTENTION: Final = 3
#: What separates words where the earlier tool took them as one tag.
_BETWEEN: Final = re.compile(r"[\s,]+")
_CUT: Final = " [...]"


@dataclass(slots=True)
class NotesMigrated:
    """What became of them. `left`: why -> how many records, tags or comments."""

    events: int = 0
    tags: int = 0
    comments: int = 0
    left: Counter[str] = field(default_factory=Counter)


def migrate_notes(
    directory: Annotated[Path, typer.Argument(help="The directory that aoc migrate has made (its --to).")],
    tenant: Annotated[str, typer.Option(help="The tenant into which its records were imported.")],
    apply: Annotated[bool, typer.Option("--apply", help="Put them there. Else they are counted.")] = False,
    data: Data = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Put the earlier tool's tags and comments on the events of their records, once these are imported.

    A second run adds nothing. Status 3 when something was left, and why.
    """
    subjects.check_tenant(tenant)
    for name in (NOTES, RECORDS, ACCOUNT):
        if not (directory / name).is_file():
            raise BadConfiguration(f"{directory}: has no {name}; aoc migrate makes it, at its end")

    async def work(database: Database) -> NotesMigrated:
        await known_tenants.require(database, data, tenant)
        if apply:
            await note(database, "notes.migrate", "change", f"tags and comments out of {directory}", tenant)
        return await Migration(database, tenant, apply=apply).run(directory)

    done = on_database(data, work)
    if json:
        counts = {"events": done.events, "tags": done.tags, "comments": done.comments}
        out.out(as_json({**counts, "left": dict(done.left), "applied": apply}))
    else:
        what = "noted" if apply else "to be noted; --apply does it"
        notes = f"{amount(done.tags, 'tag')} and {amount(done.comments, 'comment')}"
        out.print(f"{notes} on {amount(done.events, 'event')} {what}")
        for why, number in done.left.most_common():
            out.print(f"[yellow]left[/] {number:,}: {plain(why)}")
    if done.left:
        raise typer.Exit(_ATTENTION)


class Migration:
    """Puts notes on the events of a tenant, or only counts what would be."""

    def __init__(self, database: Database, tenant: str, *, apply: bool) -> None:
        self._search: EventSearch = make_event_search(database)
        self._notes = MongoEventNotes(database, SystemClock())
        self._tenant = tenant
        self._apply = apply
        self._done = NotesMigrated()

    async def run(self, directory: Path) -> NotesMigrated:
        """All that the directory holds. Raises `BadConfiguration` for a file that is not as `aoc migrate` made it."""
        async for noted, record in _together(directory):
            identity = await self._event_of(record)
            if identity is None:
                self._done.left["its record is no event of this tenant: aoc import comes first"] += 1
                continue
            self._done.events += 1
            await self._tag(identity, noted.get("tags"))
            await self._comment(identity, noted.get("comments"), noted["record"])
        return self._done

    async def _event_of(self, record: bytes) -> UUID | None:
        """The stored event of a record."""
        context = RecordContext(self._tenant, subjects.IMPORT_SOURCE, datetime.now(UTC))
        made = normalise(record, context)
        if not isinstance(made, Event):
            return None
        for identity in (made.id, *made.former, *made.kin):
            if await self._search.get(Scope(self._tenant), identity) is not None:
                return identity
        return None

    async def _tag(self, identity: UUID, tags: Any) -> None:
        wanted: set[str] = set()
        for text in tags if isinstance(tags, list) else ():
            try:
                wanted.add(tag(_BETWEEN.sub("-", str(text).strip())))
            except Malformed as error:
                self._done.left[str(error)] += 1
        there = (await self._notes.get(self._tenant, identity)).tags
        new = wanted.difference(there)
        if new and self._apply:
            tagged = await self._notes.tag(self._tenant, [identity], TagChange(add=frozenset(new)))
            if tagged.full:
                self._done.left["its event has as many tags as it may"] += len(new)
                return
        self._done.tags += len(new)

    async def _comment(self, identity: UUID, comments: Any, number: int) -> None:
        there = {one.id for one in (await self._notes.get(self._tenant, identity)).comments}
        for position, told in enumerate(comments if isinstance(comments, list) else ()):
            comment = _comment(told, f"{number}/{position}")
            if comment is None:
                self._done.left["a comment without text"] += 1
                continue
            if comment.id in there:
                continue
            try:
                if self._apply:
                    await self._notes.comment(self._tenant, identity, comment)
            except TooManyNotes:
                self._done.left["its event has as many comments as it may"] += 1
                continue
            self._done.comments += 1


async def _together(directory: Path) -> AsyncIterator[tuple[Mapping[str, Any], bytes]]:
    """Each line of the notes, with its record. Both files are in the order of the records."""
    with (directory / NOTES).open("rb") as notes, (directory / RECORDS).open("rb") as records:
        at, record = 0, b""
        for line in notes:
            noted = _read(line)
            while at < noted["record"]:
                if not (record := records.readline()):
                    raise BadConfiguration(f"{directory / RECORDS}: has no record {noted['record']}")
                at += 1
            if at > noted["record"]:
                raise BadConfiguration(f"{directory / NOTES}: record {noted['record']} comes after record {at}")
            yield noted, record.strip()


def _read(line: bytes) -> Mapping[str, Any]:
    try:
        noted = orjson.loads(line)
    except ValueError:
        noted = None
    if not isinstance(noted, dict) or not isinstance(noted.get("record"), int) or noted["record"] < 1:
        raise BadConfiguration(f"{NOTES}: a line that aoc migrate has not written: {line[:80]!r}")
    return noted


def _comment(told: Any, place: str) -> Comment | None:
    """A comment of the earlier tool's: `{text, author, timestamp}`, or text alone. Its id is always the same."""
    if isinstance(told, str):
        told = {"text": told}
    text = str(told.get("text") or told.get("comment") or "").strip() if isinstance(told, dict) else ""
    if not text:
        return None
    author = str(told.get("author") or told.get("user") or "unknown").strip()[:256]
    cut = text if len(text) <= LONGEST_COMMENT else text[: LONGEST_COMMENT - len(_CUT)] + _CUT
    identity = hashlib.sha256(orjson.dumps([place, author, text])).hexdigest()[:32]
    return Comment(
        identity, f"migrated/{author}", author, _moment(told.get("timestamp") or told.get("created_at")), cut
    )


def _moment(told: Any) -> datetime:
    """When it was written; 1970 where that cannot be read."""
    if isinstance(told, dict):
        told = told.get("$date")
    try:
        at = datetime.fromisoformat(str(told))
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)

"""The model of a report's statement. A field that a report does not have is `None`: not stated, which is not zero."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from aoc_cli.reports.form import Form
from aoc_cli.reports.statement import VERSION
from aoc_common.errors import Malformed
from aoc_common.store.accounts import GapCause
from aoc_common.store.imports import FileStatus, ImportAccount, ImportedFile, ImportRecord, ImportState
from aoc_common.store.sink_deliveries import SinkDelivery
from aoc_common.store.source_health import State
from aoc_common.validation import first_fault

if TYPE_CHECKING:
    from collections.abc import Mapping


#: Whoever signed it: what is shown in columns is no wider than a terminal can bear, and no longer.
Name = Annotated[str, Field(max_length=200)]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True)


class Span(_Read):
    """A stretch of time; `start` None: from the beginning."""

    start: AwareDatetime | None
    end: AwareDatetime


class Missing(_Read):
    """A gap (`aoc_common.store.accounts.Gap`)."""

    cause: GapCause
    start: AwareDatetime
    end: AwareDatetime
    closable: bool
    items: int | None = None
    detail: str | None = None


class NotNeeded(_Read):
    """What was discarded (`aoc_common.store.mongo.decisions.Discarded`)."""

    letters: int
    in_letters: int
    quarantined: int


class Recent(_Read):
    """What is known of arrivals (`aoc_common.store.arrivals.RecentArrivals`)."""

    last_record: AwareDatetime | None = None
    lateness_p95_s: float | None = None
    usual: int | None = None
    silent_hour: AwareDatetime | None = None


class Source(_Read):
    """The account of a source (`aoc_common.store.accounts.SourceAccount`), and what the statement adds to it."""

    source: Name
    tenant: Name | None = None
    since: date | datetime | None = None
    watermark: AwareDatetime | None = None
    complete_until: AwareDatetime | None = None
    open: Span | None = None
    state: State | None = None
    reasons: tuple[str, ...] | None = None
    last_success: AwareDatetime | None = None
    last_error: str | None = None
    last_error_at: AwareDatetime | None = None
    trouble: str | None = None
    code: str | None = None
    slices: int | None = None
    unsettled: int | None = None
    pages: int | None = None
    records: int | None = None
    stored: int | None = None
    changed: int | None = None
    duplicate: int | None = None
    quarantined: int | None = None
    dead_letters: int | None = None
    dead_lettered: int | None = None
    waiting: int | None = None
    discarded: NotNeeded | None = None
    not_understood: int | None = None
    undated: int | None = None
    blobs_fetched: int | None = None
    blobs_waiting: int | None = None
    blobs_expired: int | None = None
    first_expiry: AwareDatetime | None = None
    subscribed_at: AwareDatetime | None = None
    throttled: float | None = None
    recently: Recent | None = None
    gaps: tuple[Missing, ...] = ()


#: A path may be as long as Linux takes one.
Path = Annotated[str, Field(max_length=4_096)]


class File(_Read):
    """A file of an import (`aoc_common.store.imports.ImportedFile`)."""

    file: Path
    status: FileStatus
    reason: Path
    part_of: Path
    size: int | None
    modified_at: AwareDatetime | None
    sha256: Digest | None
    encoding: Name
    records: int
    new: int
    changed: int
    duplicates: int
    quarantined: int
    dead_lettered: int
    empty: int
    truncated: int
    not_understood: int
    undated: int
    first: AwareDatetime | None
    last: AwareDatetime | None


class Import(_Read):
    """An import (`aoc_common.store.imports.ImportAccount`), and its files."""

    id: Name
    tenant: Name
    began_at: AwareDatetime
    by: Name
    host: Name
    aoc: Name
    directory: Path
    paths: tuple[Path, ...]
    named: int
    state: ImportState
    reason: Path
    ended_at: AwareDatetime | None
    manifest: Digest | None
    records: int
    new: int
    changed: int
    duplicates: int
    quarantined: int
    dead_lettered: int
    not_understood: int
    undated: int
    first: AwareDatetime | None
    last: AwareDatetime | None
    files_count: int
    files: tuple[File, ...]

    def record(self) -> ImportRecord:
        """As it was read from the store."""
        values = self.model_dump(exclude={"files", "files_count"})
        files = tuple(ImportedFile(**file.model_dump()) for file in self.files)
        return ImportRecord(ImportAccount(**values, files=self.files_count), files)


class Maker(_Read):
    """Which installation made a report, with which version of AOC."""

    installation: Name
    aoc: Name


class AuditHead(_Read):
    """The last entry of a chain of the audit trail."""

    writer: Name
    sequence: int
    hash: Digest


class AuditHeads(_Read):
    """The ends of the chains of the audit trail about the tenant."""

    heads: Annotated[tuple[AuditHead, ...], Field(max_length=10_000)]


class Sink(_Read):
    """What a sink has delivered (`aoc_common.store.sink_deliveries.SinkDelivery`)."""

    sink: Name
    kind: Name
    state: Name
    seen_at: AwareDatetime
    delivered_until: AwareDatetime | None
    behind: bool
    delivered: int
    filtered: int
    refused: int
    repeated: int
    late: int
    missing: int
    unaccounted: int

    def delivery(self) -> SinkDelivery:
        """As it was read from the store."""
        return SinkDelivery(**self.model_dump())


class Statement(_Read):
    """A statement of this version, or of one before; the first of them had a tenant, a time and sources only."""

    tenant: Name
    at: AwareDatetime
    sources: Annotated[tuple[Source, ...], Field(max_length=1_000)]
    version: int | None = None
    tenant_id: Name | None = None
    made_by: Maker | None = None
    imports: tuple[Import, ...] | None = None
    never_collected: tuple[Name, ...] | None = None
    audit_trail: AuditHeads | None = None
    sinks: Annotated[tuple[Sink, ...], Field(max_length=1_000)] | None = None
    meaning: dict[Name, str] | None = None


def read(statement: Mapping[str, Any], form: Form) -> Statement:
    """The statement of a report. Raises `Malformed`, naming the field, for what is none that this version knows."""
    known = statement.get("version")
    if form is Form.JWS and (not isinstance(known, int) or not 1 <= known <= VERSION):
        raise Malformed(
            f"a report of version {str(known)[:20]}: another version of AOC checks it; this one knows 1 to {VERSION}"
        )
    try:
        return Statement.model_validate(statement, extra="forbid" if form is Form.JWS else "ignore")
    except ValidationError as error:
        where, wrong = first_fault(error)
        raise Malformed(f"no report of completeness: {where[:200]}: {wrong}") from None

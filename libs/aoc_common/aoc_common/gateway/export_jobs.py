"""What the gateway answers about exports in the background."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from aoc_common.gateway.saved_searches import SearchParameters

if TYPE_CHECKING:
    from aoc_common.store.export_jobs import ExportJob

_VIEW: Final[dict[str, Any]] = {
    "id": "0b1c5e0f7a4d4c4c9c1c5d1f7e6a3b21",
    "tenant": "contoso",
    "state": "done",
    "format": "csv",
    "fields": None,
    "parameters": {"service": "exchange", "start": "2026-11-01T00:00:00Z"},
    "made_at": "2026-11-23T08:00:00Z",
    "changed_at": "2026-11-23T08:01:12Z",
    "expires_at": "2026-11-24T08:01:12Z",
    "rows": 100_000,
    "bytes": 41_113_906,
    "sha256": "9f2d0c4e7b1a5d3f8c6e0b2a4d7f9c1e3b5a7d9f0c2e4b6a8d1f3c5e7b9a0d2f",
    "reason": None,
}


class ExportJobView(BaseModel):
    """An export in the background."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_VIEW]})

    id: str = Field(description="Its id, by which the audit trail tells of it, too.")
    tenant: str = Field(description="Whose events it holds.")
    state: Literal["waiting", "running", "done", "failed"] = Field(description="`done`: its file can be fetched.")
    format: Literal["csv", "jsonl", "ocsf", "parquet"] = Field(description="How the file is written.")
    fields: str | None = Field(None, description="Its fields, where some were named.")
    parameters: SearchParameters = Field(description="The search.")
    made_at: datetime = Field(description="When it was asked for.")
    changed_at: datetime | None = Field(None, description="Since when it is as told here.")
    expires_at: datetime = Field(description="When it and its file are gone.")
    rows: int = Field(description="Events in the file, or in as much as there is of it.")
    bytes: int = Field(description="Of the file, or of as much as there is.")
    sha256: str | None = Field(None, description="Of the whole file, in hexadecimal.")
    reason: str | None = Field(None, description="Why it failed, and what to do.")

    @classmethod
    def of(cls, job: ExportJob) -> Self:
        """As the store has it."""
        return cls.model_validate(
            {
                "id": job.id,
                "tenant": job.tenant,
                "state": job.state,
                "format": job.form,
                "fields": job.fields,
                "parameters": dict(job.parameters),
                "made_at": job.made_at,
                "changed_at": job.changed_at,
                "expires_at": job.expires_at,
                "rows": job.events,
                "bytes": job.size,
                "sha256": job.sha256 or None,
                "reason": job.reason or None,
            }
        )


class ExportJobList(BaseModel):
    """Exports in the background."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"items": [_VIEW]}]})

    items: list[ExportJobView] = Field(description="Your own, the newest first.")

"""What the gateway gives of how complete the collection is."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from aoc_common.gateway.sinks import ENTRY_COUNTS, EntryCounts
from aoc_common.store.accounts import GapCause, SourceAccount


def _example(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(frozen=True, json_schema_extra={"examples": [example]})


_GAP: dict[str, Any] = {
    "cause": "waiting",
    "start": "2026-11-23T07:00:00Z",
    "end": "2026-11-23T07:20:00Z",
    "closable": True,
    "items": 4,
    "detail": "the first of it expires at 2026-11-30T07:00:00Z",
}
_ACCOUNT: dict[str, Any] = {
    "source": "o365-exchange",
    "since": "2026-11-01T00:00:00Z",
    "watermark": "2026-11-23T07:30:00Z",
    "complete_until": "2026-11-23T07:25:00Z",
    "last_success": "2026-11-23T07:31:00Z",
    "last_error": "Unreachable: the API did not answer",
    "slices": 6400,
    "unsettled": 1,
    "pages": 9100,
    "records": 120450,
    "stored": 118300,
    "changed": 50,
    "duplicate": 2100,
    "quarantined": 0,
    "dead_letters": 0,
    "dead_lettered": 0,
    "waiting": 0,
    "not_understood": 12,
    "undated": 0,
    "blobs": {"fetched": 9000, "waiting": 4, "expired": 0},
    "gaps": [_GAP],
}


class GapView(BaseModel):
    """Something that is missing."""

    model_config = _example(_GAP)

    cause: GapCause = Field(
        description="Expired or lost for good, behind, waiting: listed and not fetched yet, or a dead letter: given up."
    )
    start: datetime = Field(description="From when.")
    end: datetime = Field(description="Until when.")
    closable: bool = Field(description="Whether it can still be collected.")
    items: int | None = Field(description="Blobs, dead letters or records, where it is known how many.")
    detail: str | None = Field(description="What is known about it.")


class Blobs(BaseModel):
    """Content blobs of the Management Activity API, of the last 90 days."""

    model_config = _example(_ACCOUNT["blobs"])

    fetched: int = Field(description="On the bus.")
    waiting: int = Field(description="Listed and not fetched yet.")
    expired: int = Field(description="Deleted by Microsoft before they were fetched.")


_PAUSE = {"since": "2026-11-20T16:00:00Z", "until": "2026-11-21T07:00:00Z"}


class SourceCompleteness(BaseModel):
    """The account of one source."""

    model_config = _example(_ACCOUNT)

    source: str = Field(description="The feed.")
    since: datetime | None = Field(description="The day on which collection began.")
    watermark: datetime | None = Field(description="Everything before it is on the bus.")
    complete_until: datetime | None = Field(description="Everything before it is accounted for.")
    last_success: datetime | None = Field(description="When a slice was fetched to its end last.")
    last_error: str | None = Field(description="Why the last slice failed, if it did.")
    slices: int = Field(description="Slices that are settled.")
    unsettled: int = Field(description="Slices that are fetched, of which the normalizer still has pages.")
    pages: int = Field(description="Raw pages of the settled slices.")
    records: int = Field(description="Records of the settled slices.")
    stored: int = Field(description="Of these, stored as new events.")
    changed: int = Field(description="Of these, stored as new versions of events that were stored before.")
    duplicate: int = Field(description="Of these, stored before.")
    quarantined: int = Field(description="Of these, put aside because they are no readable records.")
    dead_letters: int = Field(description="Pages that the normalizer gave up, and nobody has decided about.")
    dead_lettered: int = Field(description="Records in them.")
    waiting: int = Field(description="Records in the quarantine that nobody has decided about.")
    not_understood: int = Field(description="Of the stored, records of a shape that no mapper knows.")
    undated: int = Field(description="Of the stored, records that do not say when they happened; they stand in 1970.")
    blobs: Blobs
    gaps: list[GapView] = Field(description="What is missing.")

    @classmethod
    def of(cls, account: SourceAccount) -> SourceCompleteness:
        """The view of an account."""
        numbers = asdict(account)
        blobs = {name: numbers[f"blobs_{name}"] for name in ("fetched", "waiting", "expired")}
        return cls.model_validate({**numbers, "blobs": blobs}, extra="ignore")


class PauseView(BaseModel):
    """A span in which nothing is collected of a tenant, on purpose: gaps in it are no loss."""

    model_config = _example(_PAUSE)

    since: datetime | None = Field(description="Null when it is not known: of a tenant in a file, or long ago.")
    until: datetime | None = Field(description="Null while it lasts.")


_DELIVERY: dict[str, Any] = {
    "sink": "splunk",
    "kind": "splunk",
    "state": "running",
    "seen_at": "2026-11-23T07:31:59Z",
    "delivered_until": "2026-11-23T07:31:55Z",
    "behind": False,
    **ENTRY_COUNTS,
}


class SinkDelivery(EntryCounts):
    """What a sink has delivered of a tenant's events, alerts and audit trail."""

    model_config = _example(_DELIVERY)

    sink: str = Field(description="Its name.")
    kind: str = Field(description="What it sends to.")
    state: str = Field(description="How it fares, as of /api/sinks.")
    seen_at: datetime = Field(description="When an exporter said so last.")
    delivered_until: datetime | None = Field(
        description="All that was published before is delivered, refused or not wanted. Null: behind, or not known."
    )
    behind: bool = Field(description="The tenant's entries are sent later, since its destination was away.")


class Completeness(BaseModel):
    """How complete the collection of a tenant is, from Microsoft to the sinks."""

    model_config = _example(
        {
            "tenant": "contoso",
            "at": "2026-11-23T07:32:00Z",
            "pauses": [_PAUSE],
            "sources": [_ACCOUNT],
            "sinks": [_DELIVERY],
        }
    )

    tenant: str = Field(description="Whose it is.")
    at: datetime = Field(description="When this was true.")
    pauses: list[PauseView] = Field(description="When it was paused, the newest first. One without an end lasts.")
    sources: list[SourceCompleteness]
    sinks: list[SinkDelivery] = Field(description="The sinks that have, or had, something of the tenant to deliver.")

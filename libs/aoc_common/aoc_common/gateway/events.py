"""What the gateway answers."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from aoc_common.contracts import ids
from aoc_common.contracts.results import Result

if TYPE_CHECKING:
    from aoc_common.contracts.event import StoredEvent
    from aoc_common.store.hints import Hint

# Examples have no nulls: FastAPI drops them, and the example would lack a member that the schema requires.
SUMMARY: dict[str, Any] = {
    "id": "019ab0c4-2f40-8a1b-9c2d-0123456789ab",
    "tenant": "contoso",
    "time": "2026-11-23T07:30:00Z",
    "logged_time": "2026-11-23T07:34:10Z",
    "source": "o365-exchange",
    "service": "exchange",
    "operation": "New-InboxRule",
    "result": "success",
    "actor": "dana.reyes@contoso.example",
    "ip": "203.0.113.9",
    "correlation_id": "6f1c2f0e-6a52-4f0e-9d3b-2b1d7c0a9e11",
    "message": "dana.reyes@contoso.example created inbox rule Invoices",
    "severity": "High",
    "severity_id": 4,
    "class_uid": 3004,
    "class_name": "Entity Management",
    "activity_id": 1,
    "targets": ["Invoices"],
    "tags": [],
    "twin_of": "019ab0c4-2c58-8b2c-8d3e-0123456789ab",
    "twin": "019ab0c4-3328-8c3d-9e4f-0123456789ab",
    "version": 2,
    "versions": 2,
    "note_tags": ["case-4711"],
    "comments": 1,
}
_DETAIL: dict[str, Any] = SUMMARY | {
    "event": {"class_uid": 3004, "activity_id": 1, "time": 1795937400000},
    "raw": '{"Id":"..."}',
    "page": "0b1c5e0f7a4d4c4c9c1c5d1f7e6a3b21",
}


def _example(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(frozen=True, json_schema_extra={"examples": [example]})


class EventSummary(BaseModel):
    """An event in a list."""

    model_config = _example(SUMMARY)

    id: UUID = Field(description="Event id; ids sort by time.")
    tenant: str = Field(description="Whose it is.")
    time: datetime = Field(description="When it happened, UTC.")
    logged_time: datetime | None = Field(description="When Microsoft made it available or we first saw it, UTC.")
    source: str = Field(description="The feed it came through.")
    service: str = Field(description="The service it is about.")
    operation: str = Field(description="What was done, in Microsoft's words.")
    result: Result = Field(description="How it ended.")
    actor: str | None = Field(description="Who did it, in lower case.")
    ip: str | None = Field(description="From which address.")
    correlation_id: str | None = Field(description="Microsoft's correlation id.")
    message: str = Field(description="One sentence.")
    severity: str = Field(description="OCSF severity.")
    severity_id: int = Field(description="OCSF severity_id: 1 informational to 6 fatal.")
    class_uid: int = Field(description="OCSF class.")
    class_name: str = Field(description="OCSF class name.")
    activity_id: int = Field(description="OCSF activity within the class.")
    targets: list[str] = Field(description="What it was done to; the first ten.")
    tags: list[str] = Field(description="Remarks of the mapper, e.g. no-time.")
    twin_of: UUID | None = Field(
        description="The event that tells of the same action and came before; only that one is alerted on and exported."
    )
    twin: UUID | None = Field(description="The event that tells of the same action and came after.")
    version: int = Field(description="Which version of the record this is, counted from 1 as they were stored.")
    versions: int = Field(description="How many versions there are; `/api/events/{event_id}/versions` lists them.")
    note_tags: list[str] = Field(description="What people have tagged it with.")
    comments: int = Field(description="How many comments people have written; `/api/events/{event_id}/comments`.")

    @staticmethod
    def of(stored: StoredEvent) -> EventSummary:
        """The summary of a stored event."""
        return EventSummary.model_construct(**_summary(stored))


class EventDetail(EventSummary):
    """One event, whole."""

    model_config = _example(_DETAIL)

    event: dict[str, Any] = Field(description="The OCSF 1.8 event with `unmapped`.")
    raw: str = Field(description="The record's own text, as Microsoft sent it.")
    page: str = Field(description="Id of the raw page that it came from.")

    @staticmethod
    def of(stored: StoredEvent) -> EventDetail:
        """The whole of a stored event."""
        event = stored.ocsf | ({"unmapped": stored.unmapped} if stored.unmapped else {})
        return EventDetail.model_construct(**_summary(stored), event=event, raw=stored.raw or "", page=stored.page)


class EventVersions(BaseModel):
    """The versions of an event."""

    model_config = _example({"current": 2, "items": [_DETAIL], "next_after": 2})

    current: int = Field(description="The version that stands for the event: the newest by the source's own word.")
    items: list[EventDetail] = Field(description="The versions, the first that was stored first; at most 200.")
    next_after: int | None = Field(description="Pass as `after` to get those that follow; null after the last.")


class SearchHint(BaseModel):
    """What may be the matter with a search that finds nothing."""

    model_config = _example({"tenants": [], "sources": [], "unknown": ["invocie"], "instead": {"q": "dana invoice"}})

    tenants: list[str] = Field(description="Nothing is there of this tenant, and something of these.")
    sources: list[str] = Field(description="Nothing comes from the source that was named, and something from these.")
    unknown: list[str] = Field(description="Words that no event of the tenant has.")
    instead: dict[str, str] = Field(description="Parameter -> what may have been meant in its place.")

    @classmethod
    def of(cls, hint: Hint) -> SearchHint:
        """As it is answered."""
        return cls(
            tenants=list(hint.tenants),
            sources=list(hint.sources),
            unknown=list(hint.unknown),
            instead=dict(hint.instead),
        )


class EventPage(BaseModel):
    """A page of events, newest first."""

    model_config = _example(
        {
            "items": [SUMMARY],
            "next_cursor": "AZqwxC9Aihuc...",
            "searched_back_to": "2026-11-20T11:02:00Z",
            "incomplete_before": "2026-11-01T00:00:00Z",
            "hint": {"tenants": [], "sources": [], "unknown": ["invocie"], "instead": {"q": "dana invoice"}},
        }
    )

    items: list[EventSummary] = Field(description="The events.")
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null on the last.")
    searched_back_to: datetime | None = Field(
        description="Set when the search stopped here, before the page was full, to leave room for others: events "
        "before this time were not looked at. Go on with `next_cursor`."
    )
    incomplete_before: datetime | None = Field(
        description="Events before this time may be missing: they have the search terms of an older version until "
        "`aoc remap --terms` has finished. Null when none are."
    )
    hint: SearchHint | None = Field(description="Set when nothing is found: what may be the matter.")


class FacetValue(BaseModel):
    """A value and how often it occurs."""

    model_config = _example({"value": "New-InboxRule", "count": 12})

    value: str
    count: int


class Facets(BaseModel):
    """The most frequent values of some fields."""

    model_config = _example(
        {
            "start": "2026-11-22T08:00:00Z",
            "end": "2026-11-23T08:00:00Z",
            "complete": True,
            "searched_back_to": "2026-11-22T08:00:00Z",
            "facets": {"operation": [{"value": "New-InboxRule", "count": 12}]},
        }
    )

    start: datetime = Field(description="From when on events were counted.")
    end: datetime | None = Field(description="Up to when; null is now.")
    complete: bool = Field(description="False when more events match than were counted, or may match.")
    searched_back_to: datetime | None = Field(
        description="Set when the search stopped here, to leave room for others: earlier events were not looked at. "
        "Ask for them with `end`."
    )
    facets: dict[str, list[FacetValue]] = Field(description="Field -> values, most frequent first.")


class FieldError(BaseModel):
    """One parameter that is wrong."""

    model_config = _example(
        {"location": "query", "name": "page_size", "detail": "Input should be less than or equal to 500"}
    )

    location: str = Field(description="`query`, `path`, `header` or `body`.")
    name: str = Field(description="The parameter.")
    detail: str = Field(description="What is wrong with it.")


class ProblemDocument(BaseModel):
    """RFC 9457 problem details."""

    model_config = _example(
        {
            "type": "/problems/invalid-parameters",
            "title": "Invalid parameters",
            "status": 422,
            "detail": "Invalid: page_size.",
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
            "errors": [
                {"location": "query", "name": "page_size", "detail": "Input should be less than or equal to 500"}
            ],
        }
    )

    type: str = Field(description="Address of this kind of problem; it tells what to do.")
    title: str = Field(description="The kind, in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What was wrong this time.")
    trace_id: str | None = Field(None, description="Find the request in the gateway's log by this.")
    errors: list[FieldError] | None = Field(None, description="The parameters that are wrong.")


class ProblemKind(BaseModel):
    """What a kind of problem means."""

    model_config = _example({"title": "Not found", "status": 404, "help": "Nothing is here, or not in this tenant."})

    title: str
    status: int
    help: str = Field(description="What a client can do about it.")


def _summary(stored: StoredEvent) -> dict[str, Any]:
    ocsf = stored.ocsf
    logged = ocsf.get("metadata", {}).get("logged_time")
    observables = ocsf.get("observables", [])
    return {
        "id": stored.id,
        "tenant": stored.tenant,
        "time": stored.time,
        "logged_time": ids.from_ms(logged) if isinstance(logged, int) else None,
        "source": stored.source,
        "service": stored.service,
        "operation": stored.operation,
        "result": stored.result,
        "actor": stored.actor,
        "ip": stored.ip,
        "correlation_id": stored.correlation_id,
        "message": str(ocsf.get("message", "")),
        "severity": str(ocsf.get("severity", "Unknown")),
        "severity_id": int(ocsf.get("severity_id", 0)),
        "class_uid": int(ocsf.get("class_uid", 0)),
        "class_name": str(ocsf.get("class_name", "")),
        "activity_id": int(ocsf.get("activity_id", 0)),
        "targets": [str(observable.get("value")) for observable in observables if observable.get("name") == "target"][
            :10
        ],
        "tags": list(stored.tags),
        "twin_of": stored.twin_of,
        "twin": stored.twin,
        "version": stored.version,
        "versions": stored.versions,
        "note_tags": list(stored.note_tags),
        "comments": stored.comments,
    }

"""What the gateway answers to who asks what is known of somebody or something."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from aoc_common.gateway.histogram import BUCKET, Size, TimeBucket

type EntityKind = Literal["user", "application", "device", "group", "address"]
type Part = Literal["actor", "target", "address", "named"]

_KNOWN: Final[dict[str, Any]] = {
    "id": "00aa5c1e-0000-4000-8000-00000000000a",
    "name": "Dana Reyes",
    "user_name": "dana.reyes@contoso.example",
    "app_id": "00aa5c1e-0000-4000-8000-00000000000b",
    "enabled": True,
    "guest": False,
    "department": "Finance",
    "service_account": False,
    "roles": ["Exchange Administrator"],
    "privileged": True,
    "deleted": False,
    "others": 0,
}
_ACTIVITY: Final[dict[str, Any]] = {
    "part": "actor",
    "events": 15,
    "complete": False,
    "counted_back_to": "2026-11-20T07:00:00Z",
    "first_seen": "2026-11-20T07:30:00Z",
    "last_seen": "2026-11-23T07:30:00Z",
    "sources": {"o365-exchange": 15},
    "services": {"exchange": 15},
    "operations": {"New-InboxRule": 15},
    "results": {"success": 14, "failure": 1},
    "actors": {"dana.reyes@contoso.example": 15},
    "addresses": {"203.0.113.9": 15},
    "bucket": "1h",
    "timeline": [BUCKET],
}


class KnownEntity(BaseModel):
    """What the tenant's directory says of it, or said last."""

    model_config = ConfigDict(json_schema_extra={"examples": [_KNOWN]})

    id: str = Field(description="Object id.")
    name: str | None = Field(description="Display name.")
    user_name: str | None = Field(description="User principal name.")
    app_id: str | None = Field(description="Application id of an application.")
    enabled: bool | None = Field(description="Whether it can sign in; null where the directory does not say.")
    guest: bool | None = Field(description="Whether it is a guest; null where the directory does not say.")
    department: str | None
    service_account: bool = Field(description="A user that no person signs in with, by all that is known.")
    roles: list[str] = Field(description="Directory roles.")
    privileged: bool = Field(description="Whether one of the roles is privileged.")
    deleted: bool = Field(description="Whether it is gone; this is then what it was last.")
    others: int = Field(description="Other objects that have, or had, the name that was asked for.")


class Activity(BaseModel):
    """The events in which it plays one part. Maps have the ten most frequent values and their numbers of events."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ACTIVITY]})

    part: Part = Field(
        description="`actor`: it did something; `target`: it was acted upon; `address`: they came from there; `named`: "
        "they name it."
    )
    events: int = Field(description="How many; when not `complete`, at least so many.")
    complete: bool = Field(description="Whether all of the time were counted, or the newest only.")
    counted_back_to: datetime | None = Field(
        description="Where they were not all counted: earlier events were not. Ask for them with `end`."
    )
    first_seen: datetime | None = Field(description="The oldest that was counted; when not `complete`, not the oldest.")
    last_seen: datetime | None = Field(description="The newest.")
    sources: dict[str, int]
    services: dict[str, int]
    operations: dict[str, int]
    results: dict[str, int]
    actors: dict[str, int]
    addresses: dict[str, int]
    bucket: Size = Field(description="Length of a bucket of the timeline.")
    timeline: list[TimeBucket] = Field(description="From the first to the last of them.")


class EntityReport(BaseModel):
    """Who or what it is, and what it has to do with."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "tenant": "contoso",
                    "kind": "user",
                    "id": "dana.reyes@contoso.example",
                    "directory": _KNOWN,
                    "names": ["dana.reyes@contoso.example", "00aa5c1e-0000-4000-8000-00000000000a"],
                    "start": "2026-11-01T00:00:00Z",
                    "end": "2026-12-01T00:00:00Z",
                    "zone": "UTC",
                    "activities": [_ACTIVITY],
                }
            ]
        }
    )

    tenant: str = Field(description="Whose directory and events.")
    kind: EntityKind
    id: str = Field(description="What was asked for.")
    directory: KnownEntity | None = Field(description="Null where the directory knows none of this kind and name.")
    names: list[str] = Field(description="By which names and ids events were looked for.")
    start: datetime | None = Field(description="From when on events were looked at; null is all there are.")
    end: datetime | None = Field(description="Up to when; null is now.")
    zone: str = Field(description="The time zone by whose clock the timelines' buckets begin.")
    activities: list[Activity] = Field(description="One for each part that its kind can play.")

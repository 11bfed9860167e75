"""What the gateway answers to who wants an overview, and to who asks what it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

_COUNTED: Final[dict[str, Any]] = {
    "tenant": "contoso",
    "start": "2026-11-22T08:00:00Z",
    "end": "2026-11-23T08:00:00Z",
    "complete": True,
}


class FilterOptions(BaseModel):
    """Values that events have now, by which a list can be filtered; the most frequent first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _COUNTED
                | {
                    "sources": ["o365-exchange"],
                    "services": ["exchange"],
                    "operations": ["New-InboxRule"],
                    "results": ["success"],
                    "actors": ["dana.reyes@contoso.example"],
                }
            ]
        }
    )

    tenant: str = Field(description="Whose events.")
    start: datetime = Field(description="From when on events were looked at.")
    end: datetime | None = Field(description="Up to when; null is now.")
    complete: bool = Field(description="False when there are more events than were looked at, so perhaps more values.")
    sources: list[str] = Field(description="Feeds.")
    services: list[str]
    operations: list[str]
    results: list[str]
    actors: list[str]


class Summary(BaseModel):
    """How much there is, and of what."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _COUNTED
                | {
                    "events": 1204,
                    "exact": True,
                    "newest": "2026-11-23T07:58:12Z",
                    "sources": {"o365-exchange": 1204},
                    "services": {"exchange": 1204},
                    "operations": {"New-InboxRule": 12},
                    "results": {"success": 1190, "failure": 14},
                    "actors": {"dana.reyes@contoso.example": 80},
                }
            ]
        }
    )

    tenant: str = Field(description="Whose events.")
    start: datetime = Field(description="From when on events were counted.")
    end: datetime | None = Field(description="Up to when; null is now.")
    events: int = Field(description="How many match; when not `exact`, at least so many.")
    exact: bool
    newest: datetime | None = Field(description="When the newest of them happened; null when none matches.")
    complete: bool = Field(description="Whether what follows was counted over all of them, or over the newest only.")
    sources: dict[str, int] = Field(description="Feed -> events of it; the ten most frequent of each kind.")
    services: dict[str, int]
    operations: dict[str, int]
    results: dict[str, int]
    actors: dict[str, int]


class Version(BaseModel):
    """What answers here."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "AOC gateway", "version": "0.1.0"}]})

    name: str
    version: str


class Features(BaseModel):
    """What this gateway can do, beside what each can."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"sign_in": True, "webhooks": False, "export_formats": ["csv", "jsonl"]}]}
    )

    sign_in: bool = Field(description="People sign in with a browser.")
    webhooks: bool = Field(description="It takes Microsoft's notifications.")
    export_formats: list[str] = Field(description="`format` of /api/events/export.")

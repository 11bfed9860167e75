"""What the gateway answers about its own audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

_EXAMPLE: Final[dict[str, Any]] = {
    "id": "contoso/5f0c2a7e9d3b4c1f8a6e0d2b7c9f1e3a/000000000042",
    "hash": "9f2d0c4e7b1a5d3f8c6e0b2a4d7f9c1e3b5a7d9f0c2e4b6a8d1f3c5e7b9a0d2f",
    "at": "2026-11-23T08:00:00Z",
    "action": "events.search",
    "actor": "72f988bf-86f1-41af-91ab-2d7cd011db47/6e2c0b9a-3f4d-4e5a-8b7c-1d2e3f4a5b6c",
    "outcome": "success",
    "text": '{"class_uid":6005,"message":"Kim Vale: events.search of contoso, 50 rows"}',
}


class AuditTrailEntry(BaseModel):
    """An entry. `text` is an OCSF event (3002, 3004 or 6005), and what `hash` is the SHA-256 of."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str = Field(description="`{tenant}/{writer}/{sequence}`.")
    hash: str = Field(description="SHA-256 of the text, in hexadecimal.")
    at: datetime = Field(description="When it was done.")
    action: str = Field(description="What was done, e.g. `events.search`.")
    actor: str = Field(description="Id of who did it; empty when nobody was signed in.")
    outcome: Literal["success", "failure"]
    text: str = Field(description="The entry itself.")


class AuditTrailPage(BaseModel):
    """Entries, newest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_EXAMPLE], "next_before": None}]})

    items: list[AuditTrailEntry]
    next_before: str | None = Field(None, description="`before` of the next page; null when this is the last one.")

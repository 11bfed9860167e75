"""What the gateway answers to who asks which events belong to one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from aoc_common.contracts.related import Reason
from aoc_common.gateway.events import SUMMARY, EventSummary

_GROUP: Final[dict[str, Any]] = {
    "reason": "session",
    "values": ["00aa5c1e-0000-4000-8000-000000000001"],
    "items": [SUMMARY],
    "more": False,
    "searched_back_to": "2026-11-22T08:00:00Z",
}


class RelatedGroup(BaseModel):
    """Events that share one thing with the event that was asked about."""

    model_config = ConfigDict(json_schema_extra={"examples": [_GROUP]})

    reason: Reason = Field(description="What they share.")
    values: list[str] = Field(description="The value that they share, or of several one at least.")
    items: list[EventSummary] = Field(description="The events, newest first.")
    more: bool = Field(description="Whether there are more of the same time than these.")
    searched_back_to: datetime | None = Field(
        description="Set when the search stopped here, to leave room for others: earlier events were not looked at."
    )


class RelatedEvents(BaseModel):
    """Events that share something with one event."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "event": "019ab0c4-2f40-8a1b-9c2d-0123456789ac",
                    "start": "2026-11-22T08:00:00Z",
                    "end": "2026-11-24T08:00:00.001Z",
                    "groups": [_GROUP],
                }
            ]
        }
    )

    event: UUID = Field(description="The event that was asked about; it is in no group.")
    start: datetime = Field(description="From when on events were looked for.")
    end: datetime = Field(description="Up to when.")
    groups: list[RelatedGroup] = Field(description="A group for each thing that the event tells and others may share.")

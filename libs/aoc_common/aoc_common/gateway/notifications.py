"""What the gateway gives of notifications of alerts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from pydantic.config import JsonDict

    from aoc_common.contracts.notifications import RouteState

_ROUTE: JsonDict = {
    "name": "on-call",
    "kind": "apprise",
    "state": "failing",
    "words": "apprise: 503 Server is busy",
    "waiting": 2,
    "oldest_at": "2026-11-23T08:00:00Z",
    "sent": 120,
    "messages": 97,
    "refused": 1,
    "repeated": 1,
    "sent_at": "2026-11-23T07:12:00Z",
    "error": "apprise: 503 Server is busy",
    "error_at": "2026-11-23T08:00:10Z",
    "seen_at": "2026-11-23T08:00:12Z",
    "settings": {
        "name": "on-call",
        "kind": "apprise",
        "options": {"url": "file:/run/secrets/pagerduty"},
        "include": {"severities": ["high", "critical"]},
    },
}


class NotificationRoute(BaseModel):
    """A route by which people are told of alerts, and how it fares."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ROUTE]})

    name: str = Field(description="Its name.")
    kind: str = Field(description="`apprise` or `webhook`.")
    state: Literal["running", "failing", "broken", "paused", "closed"] = Field(
        description="`failing`: the destination does not take what is sent; `broken`: its settings cannot work; "
        "`closed`: outside of its hours."
    )
    words: str = Field("", description="Why, in words.")
    waiting: int = Field(description="Notifications that wait, those for a digest too.")
    oldest_at: datetime | None = Field(None, description="Since when the oldest of them waits.")
    sent: int = Field(description="Notifications that the destination has taken.")
    messages: int = Field(description="Messages in which that was.")
    refused: int = Field(description="Notifications that were given up; they are dead letters.")
    repeated: int = Field(description="Notifications that the destination may have had before.")
    sent_at: datetime | None = Field(None, description="When something was last sent.")
    error: str = Field("", description="What went wrong last, in words.")
    error_at: datetime | None = Field(None, description="When that was.")
    seen_at: datetime = Field(description="When an alerter said so.")
    settings: dict[str, Any] = Field(description="Its settings, without those that are as by default.")

    @classmethod
    def of(cls, state: RouteState) -> Self:
        """Of what is stored."""
        return cls(
            name=state.name,
            kind=str(state.settings.get("kind", "")),
            state=state.life,
            words=state.words,
            waiting=state.waiting,
            oldest_at=state.oldest_at,
            sent=state.sent,
            messages=state.messages,
            refused=state.refused,
            repeated=state.repeated,
            sent_at=state.sent_at,
            error=state.error,
            error_at=state.error_at,
            seen_at=state.seen_at,
            settings=dict(state.settings),
        )


class NotificationRoutes(BaseModel):
    """The routes of the installation."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_ROUTE]}]})

    items: list[NotificationRoute]


class NotificationTest(BaseModel):
    """What a destination said of a test."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"accepted": True, "id": "on-call-test-0b1c5e0f7a9d4e0b9c0d5a4f3e2d1c0b", "words": "accepted"}]
        }
    )

    accepted: bool = Field(description="Whether it took it.")
    id: str = Field(description="By which a webhook's receiver knows it.")
    words: str = Field(description="The destination's words.")


class NotificationPreview(BaseModel):
    """What would be said of an alert."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "alert": "019ab0c4-2f40-8a1b-9c3d-5e7f90a1b2c3",
                    "tenant": "contoso",
                    "goes": True,
                    "title": "[high] Inbox rule forwards mail (contoso)",
                    "body": "Inbox rule forwards mail: 1 event of kim@contoso.example",
                }
            ]
        }
    )

    alert: str = Field(description="The alert's id.")
    tenant: str = Field(description="Whose it is.")
    goes: bool = Field(description="Whether this route tells it.")
    title: str = Field(description="The title.")
    body: str = Field(description="The text.")

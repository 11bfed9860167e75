"""What the gateway takes and gives of dead letters and quarantined records."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from aoc_common.contracts.subjects import TENANT_PATTERN
from aoc_common.store.review_queues import Item, ItemState, in_flight

_ITEM: dict[str, Any] = {
    "id": "normalizer-0b1c5e0f7a9d4e0b9c0d5a4f",
    "tenant": "contoso",
    "source": "o365-exchange",
    "service": "normalizer",
    "slice_id": "contoso/o365-exchange/2026-11-23T08:00:00.000000Z..2026-11-23T08:05:00.000000Z",
    "subject": "aoc.raw.3.contoso.o365-exchange",
    "reason": "KeyError: 'CreationTime'",
    "at": "2026-11-23T08:05:12Z",
    "state": "open",
    "on_its_way": False,
    "size": 48213,
    "records": 50,
    "tries": 0,
    "asked_at": None,
    "failed_at": "2026-11-23T08:05:12Z",
    "decided_at": None,
    "who": "",
    "why": "",
    "left": "",
    "event_stored": False,
    "withheld": False,
}
_COUNT: dict[str, Any] = {"source": "o365-exchange", "state": "open", "items": 3, "oldest": "2026-11-23T08:05:12Z"}
_RETRY: dict[str, Any] = {"tenant": "contoso", "ids": ["normalizer-0b1c5e0f7a9d4e0b9c0d5a4f"]}
_DISCARD: dict[str, Any] = {"tenant": "contoso", "source": "o365-exchange", "why": "pages of a test, see case 17"}
_ASKED: dict[str, Any] = {
    "tenant": "contoso",
    "chosen": 2,
    "asked": 1,
    "left": [{"id": "normalizer-00000000", "why": "no such open item"}],
}
#: Items of one request.
MOST: int = 1_000

ItemId = Annotated[str, Field(min_length=1, max_length=1_000)]


class ReviewItem(BaseModel):
    """A dead letter, or a record in the quarantine, without its content."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ITEM]})

    id: str = Field(description="As `aoc deadletters` and `aoc quarantine` show it, too.")
    tenant: str
    source: str = Field(description="The feed; empty where the message did not tell.")
    service: str = Field(description="The service that gave it up; empty of a record in the quarantine.")
    slice_id: str = Field(description="The slice that it belongs to.")
    subject: str = Field(description="Where the message stood; empty of a record in the quarantine.")
    reason: str = Field(description="Why it could not be handled; empty when `withheld`.")
    at: datetime = Field(description="When it was put there.")
    state: ItemState = Field(description="What was decided about it.")
    on_its_way: bool = Field(description="It was published again within the hour, and has no outcome yet.")
    size: int = Field(description="Bytes of its content.")
    records: int = Field(description="Records in it, as far as that can be told.")
    tries: int = Field(description="How often it was published again.")
    asked_at: datetime | None = Field(None, description="When it was published again last.")
    failed_at: datetime | None = Field(None, description="When it was given up last.")
    decided_at: datetime | None = Field(None, description="When it was decided about.")
    who: str = Field(description="Who discarded it.")
    why: str = Field(description="Why it was discarded.")
    left: str = Field(description="Why it was left as it is when somebody last asked for a retry.")
    event_stored: bool = Field(description="Its event is stored too, as a generic one: it needs no retry.")
    withheld: bool = Field(description="A privacy rule hides something of the tenant from you: no reason, no content.")

    @classmethod
    def of(cls, item: Item, at: datetime, *, withheld: bool) -> Self:
        """An item as it is now."""
        named = {name: getattr(item, name) for name in cls.model_fields.keys() & Item.__dataclass_fields__.keys()}
        return cls(
            **named | ({"reason": "", "left": ""} if withheld else {}),
            id=item.key,
            on_its_way=item.state is ItemState.OPEN and in_flight(item, at),
            event_stored=item.stored,
            withheld=withheld,
        )


class ReviewPage(BaseModel):
    """Items, newest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_ITEM], "next_before": None}]})

    items: list[ReviewItem]
    next_before: str | None = Field(None, description="`before` of the next page; null when this is the last one.")


class ReviewContent(BaseModel):
    """An item with the beginning of its content."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"item": _ITEM, "headers": {"Aoc-Tenant": "contoso"}, "content": '[{"Id":"1"', "whole": False}]
        }
    )

    item: ReviewItem
    headers: dict[str, str] = Field(description="The message's headers; none of a record in the quarantine.")
    content: str | None = Field(
        None,
        description="As text; null when it is gone, when it lies on AOC_DLQ alone (`aoc deadletters show` reads it "
        "there), or when it is withheld.",
    )
    whole: bool = Field(description="Whether `content` is all of it.")


class ReviewCount(BaseModel):
    """Items of a source in one state."""

    model_config = ConfigDict(json_schema_extra={"examples": [_COUNT]})

    source: str
    state: ItemState
    items: int
    oldest: datetime = Field(description="When the first of them was put there.")


class ReviewCounts(BaseModel):
    """How many items there are."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tenant": "contoso", "open": 3, "counts": [_COUNT]}]})

    tenant: str
    open: int = Field(description="Those that wait for a decision, of all sources.")
    counts: list[ReviewCount]


class ReviewChoice(BaseModel):
    """Which open items: by their ids, or all that the other members choose. One of them must be there."""

    model_config = ConfigDict(extra="forbid")

    tenant: str | None = Field(
        None, pattern=TENANT_PATTERN, description="Whose; AOC_API__DEFAULT_TENANT when not given."
    )
    ids: list[ItemId] = Field([], max_length=MOST, description="Their ids.")
    source: str | None = Field(None, min_length=1, max_length=64, description="Only of this feed.")
    service: str | None = Field(None, min_length=1, max_length=64, description="Only what this service gave up.")
    reason: str | None = Field(None, min_length=1, max_length=200, description="Only whose reason holds this text.")
    everything: bool = Field(False, description="All that are open.")
    limit: int = Field(MOST, ge=1, le=MOST, description="At most so many, the newest.")

    @model_validator(mode="after")
    def _chosen(self) -> Self:
        if not (self.ids or self.source or self.service or self.reason or self.everything):
            raise ValueError("name ids, or choose with source, service, reason or everything")
        return self


class RetryRequest(ReviewChoice):
    """What to publish again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_RETRY]})


class DiscardRequest(ReviewChoice):
    """What is not needed, and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_DISCARD]})

    why: str = Field(min_length=1, max_length=1_000, pattern=r"\S", description="Kept with your name.")


class LeftItem(BaseModel):
    """An item that nothing was asked for."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ASKED["left"][0]]})

    id: str
    why: str


class DecisionAccepted(BaseModel):
    """What was asked of the collector, which carries it out within seconds: the list shows what became of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ASKED]})

    tenant: str
    chosen: int = Field(description="Items that the request chose.")
    asked: int = Field(description="Of these, for which the collector was asked, or had been already.")
    left: list[LeftItem] = Field(description="The others.")

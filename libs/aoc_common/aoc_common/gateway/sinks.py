"""What the gateway gives of sinks."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic.config import JsonDict

    from aoc_common.contracts.sink_states import SinkRecord, SinkState, Stretch, Tally

_SETTINGS: JsonDict = {
    "name": "splunk",
    "kind": "splunk",
    "options": {"url": "https://splunk.example:8088", "token": "file:/run/secrets/hec"},
}
ENTRY_COUNTS: JsonDict = {
    "delivered": 120_000,
    "filtered": 31_000,
    "refused": 1,
    "repeated": 500,
    "late": 2_000,
    "missing": 0,
    "unaccounted": 0,
}
_ACCOUNT: JsonDict = {
    "tenant": "contoso",
    **ENTRY_COUNTS,
    "delivered_at": "2026-11-23T08:00:00Z",
    "error": "splunk: 503 Server is busy",
    "error_at": "2026-11-23T06:12:00Z",
    "behind": None,
}
_SINK: JsonDict = {
    "name": "splunk",
    "kind": "splunk",
    "origin": "registry",
    "revision": 3,
    "state": "running",
    "words": "",
    "waiting": 0,
    "oldest_at": None,
    "delivered_until": "2026-11-23T08:00:00Z",
    "per_s": 212.4,
    "delivered": "accepted",
    "settings": _SETTINGS,
    "accounts": [_ACCOUNT],
}


class EntryCounts(BaseModel):
    """What became of entries at a sink."""

    delivered: int = Field(description="Entries that the destination has confirmed.")
    filtered: int = Field(description="Entries that are not for this sink.")
    refused: int = Field(description="Entries that the destination will not take; they are dead letters.")
    repeated: int = Field(description="Copies beyond the first that it may have; never less than it has.")
    late: int = Field(description="Of the delivered, those that were sent behind the others, or again.")
    missing: int = Field(description="Entries that were to be sent late, and are stored no more.")
    unaccounted: int = Field(description="Places on AOC_EVENTS of which nobody has noted what they held.")


class SinkAccount(EntryCounts):
    """What became of a tenant's entries at a sink."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ACCOUNT]})

    tenant: str = Field(description="Whose entries.")
    delivered_at: datetime | None = Field(None, description="When something was last delivered.")
    error: str = Field("", description="What went wrong last, in words.")
    error_at: datetime | None = Field(None, description="When that was.")
    behind: str | None = Field(None, description="Why its entries are sent later now; null: they are not.")

    @classmethod
    def of(cls, tenant: str, tally: Tally, behind: Stretch | None) -> Self:
        """Of what is stored."""
        return cls(
            tenant=tenant,
            delivered=tally.delivered,
            filtered=tally.filtered,
            refused=tally.refused,
            repeated=tally.repeated,
            late=tally.late,
            missing=tally.missing,
            unaccounted=tally.unaccounted,
            delivered_at=tally.delivered_at,
            error=tally.error,
            error_at=tally.error_at,
            behind=None if behind is None else behind.why or "its destination is away",
        )


class SinkView(BaseModel):
    """A sink: how it is set, how it fares, and what it has sent."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SINK]})

    name: str = Field(description="Its name.")
    kind: str = Field(description="What it sends to.")
    origin: Literal["registry", "file"] = Field(description="`file`: it is changed in the sinks file only.")
    revision: int | None = Field(None, description="Of the registry; also the ETag. null for a sink of a file.")
    state: Literal["waiting", "starting", "running", "failing", "broken", "paused"] = Field(
        description="`waiting`: no exporter has taken it yet; `failing`: the destination does not take what is sent; "
        "`broken`: its settings cannot work."
    )
    words: str = Field("", description="Why, in words.")
    waiting: int = Field(0, description="Messages that are not settled.")
    oldest_at: datetime | None = Field(None, description="Since when the oldest of them waits.")
    delivered_until: datetime | None = Field(
        None, description="All that was published before is delivered, refused or not wanted."
    )
    per_s: float = Field(0.0, description="Entries that it delivers a second, of the last minute.")
    delivered: Literal["", "stored", "accepted", "sent"] = Field(
        "",
        description="What `delivered` means there. `stored`: the destination says that it has it; `accepted`: it has "
        "taken it over, and says no more; `sent`: it says nothing. Empty: not known yet.",
    )
    settings: dict[str, Any] = Field(description="Its settings, without those that are as by default.")
    accounts: list[SinkAccount] = Field(description="By tenant; empty in lists.")

    @classmethod
    def of(
        cls,
        record: SinkRecord | None,
        state: SinkState | None,
        accounts: Mapping[str, Tally] | None = None,
        stretches: Iterable[Stretch] = (),
    ) -> Self:
        """Of what is stored. At least one of record and state is there."""
        in_file = state is not None and state.origin == "file"
        settings = (
            dict(state.settings)
            if state is not None and (record is None or in_file)
            else dict(record.settings if record else {})
        )
        health = None if state is None else state.health
        behind = {one.tenant: one for one in stretches if one.phase != "done" and one.upto is None}
        return cls(
            name=record.name if record else state.name if state else "",
            kind=str(settings.get("kind", "")),
            origin="file" if in_file else "registry",
            revision=None if in_file or record is None else record.revision,
            state="waiting" if health is None else health.life,
            words="" if health is None else health.words,
            waiting=0 if health is None else health.waiting,
            oldest_at=None if health is None else health.oldest_at,
            delivered_until=None if health is None else health.delivered_until,
            per_s=0.0 if state is None else round(state.per_s, 1),
            delivered="" if health is None else health.delivered,
            settings=settings,
            accounts=[
                SinkAccount.of(name, tally, behind.get(name)) for name, tally in sorted((accounts or {}).items())
            ],
        )


class SinkList(BaseModel):
    """The sinks of the installation."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_SINK]}]})

    items: list[SinkView]


class SinkTest(BaseModel):
    """What a destination said of a marked event."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"accepted": True, "id": "0b1c5e0f-7a9d-4e0b-9c0d-5a4f3e2d1c0b", "words": "accepted"}]
        }
    )

    accepted: bool = Field(description="Whether it took it.")
    id: str = Field(description="By which it is found there.")
    words: str = Field(description="The destination's words.")


class SinkPreview(BaseModel):
    """What would go of an event."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "event": "019ab0c4-2f40-8a1b-9c3d-5e7f90a1b2c3",
                    "tenant": "contoso",
                    "goes": True,
                    "text": '{"time":1779523200.000,"host":"aoc","event":{}}',
                }
            ]
        }
    )

    event: str = Field(description="The event's id.")
    tenant: str = Field(description="Whose it is.")
    goes: bool = Field(description="Whether this sink sends it.")
    text: str = Field(description="The bytes that go, as text, before they are packed.")


class SinkReplay(BaseModel):
    """A stretch that is sent again, beside what comes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"events": 12_000}]})

    events: int | None = Field(description="About how many were published then, of all tenants; null: not known.")

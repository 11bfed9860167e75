"""What the gateway answers about the health of sources."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from aoc_common.contracts.troubles import Trouble
from aoc_common.store.source_health import State

if TYPE_CHECKING:
    from aoc_common.service.standstill import Standstill
    from aoc_common.store.accounts import SourceAccount
    from aoc_common.store.source_health import Judgement

_SOURCE: dict[str, Any] = {
    "source": "o365-exchange",
    "state": "red",
    "reasons": ["no-permission"],
    "next_action": "Grant the application permission ActivityFeed.Read (Office 365 Management APIs) to the app and"
    " grant admin consent.",
    "error_class": "no-permission",
    "last_error": "Refused: o365: 401 AF10001",
    "last_error_at": "2026-11-23T07:58:00Z",
    "last_success": "2026-11-23T07:31:00Z",
    "watermark": "2026-11-23T07:30:00Z",
    "complete_until": "2026-11-23T07:25:00Z",
    "lag_s": 1800.0,
    "last_record": "2026-11-23T07:24:11Z",
    "lateness_p95_s": 362.0,
    "throttled": 0.002,
    "subscribed_at": "2026-11-16T09:12:40Z",
    "first_expiry": "2026-11-30T06:52:10Z",
}


_ROUTE: dict[str, Any] = {
    "path": "/api/events/{event_id}",
    "methods": ["GET", "HEAD"],
    "summary": "One event, whole: OCSF and the record's own text.",
}


class RouteView(BaseModel):
    """An address of the gateway."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_ROUTE]})

    path: str = Field(description="The path; a name in braces stands for a value.")
    methods: list[str] = Field(description="What may be asked of it.")
    summary: str = Field(description="What it answers.")


class Index(BaseModel):
    """Every address of the gateway. Their parameters and answers are in the document at `openapi`."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={"examples": [{"version": "0.1.0", "openapi": "/openapi.json", "routes": [_ROUTE]}]},
    )

    version: str = Field(description="The gateway's.")
    openapi: str = Field(description="Where its description for tools is.")
    routes: list[RouteView]


class SourceHealth(BaseModel):
    """How a source does."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_SOURCE]})

    source: str = Field(description="The feed.")
    state: State = Field(description="Green: well. Yellow: look at it. Red: records are not collected, or soon lost.")
    reasons: list[str] = Field(description="Why it is not green, in words.")
    next_action: str | None = Field(description="What somebody should do; null when it passes by itself.")
    error_class: Trouble | None = Field(description="The class of the last error, if the last slice failed.")
    last_error: str | None = Field(description="Why the last slice failed, if it did.")
    last_error_at: datetime | None = Field(description="When a slice failed last.")
    last_success: datetime | None = Field(description="When a slice was fetched to its end last.")
    watermark: datetime | None = Field(description="Everything before it is on the bus.")
    complete_until: datetime | None = Field(description="Everything before it is accounted for.")
    lag_s: float | None = Field(description="How old the watermark is, seconds.")
    last_record: datetime | None = Field(description="When the newest record happened.")
    lateness_p95_s: float | None = Field(
        description="How late records come, seconds: 95 of 100 of the last two days were not later. Steps of 1.41."
    )
    throttled: float | None = Field(description="Share of the last hour's answers that asked for fewer requests.")
    subscribed_at: datetime | None = Field(description="When its subscription was started last, by AOC.")
    first_expiry: datetime | None = Field(description="When Microsoft deletes the first content that is not fetched.")

    @classmethod
    def of(cls, account: SourceAccount, judgement: Judgement, now: datetime) -> SourceHealth:
        """The view of an account and what was judged of it."""
        mark = account.watermark
        return cls(
            source=account.source,
            state=judgement.state,
            reasons=list(judgement.reasons),
            next_action=judgement.next_action,
            error_class=_trouble(account) if account.last_error else None,
            last_error=account.last_error,
            last_error_at=account.last_error_at,
            last_success=account.last_success,
            watermark=mark,
            complete_until=account.complete_until,
            lag_s=(now - mark).total_seconds() if mark else None,
            last_record=account.recently.last_record,
            lateness_p95_s=account.recently.lateness_p95_s,
            throttled=account.throttled,
            subscribed_at=account.subscribed_at,
            first_expiry=account.first_expiry,
        )


_STILL: dict[str, Any] = {
    "who": "normalizer vm1-311-4fa2c1",
    "since": "2026-11-23T07:59:40Z",
    "said": "normalizer vm1-311-4fa2c1 stands still since 2026-11-23T07:59:40Z: no sign of life for 20 s; 40 messages"
    " wait for it",
    "fix": "Look whether the process is stopped (kill -CONT), hangs, or is gone (start it again), and at its log.",
}


class StandstillView(BaseModel):
    """A service, or a consumer of one, that stands still."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_STILL]})

    who: str = Field(description="The service, and its instance or consumer.")
    since: datetime | None = Field(description="Since when, by the clock of NATS; null when nobody knows.")
    said: str = Field(description="One sentence.")
    fix: str = Field(description="What to do.")


def stillness(still: tuple[Standstill, ...] | str) -> list[StandstillView]:
    """The services that stand still; or an entry saying why that is not known."""
    if isinstance(still, str):
        fix = "Look whether NATS runs, and whether the gateway may look: docs/howto/health.md"
        return [
            StandstillView(who="bus", since=None, said=f"Whether services stand still is not known: {still}", fix=fix)
        ]
    return [
        StandstillView(who=service.who, since=service.since, said=service.message, fix=service.fix) for service in still
    ]


class HealthStatus(BaseModel):
    """The state of the gateway, for everybody."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [{"status": "ok"}]})

    status: Literal["ok", "degraded", "unavailable"] = Field(description="As in the complete answer.")


class Health(BaseModel):
    """The state of the gateway and of what it needs, and the services that stand still."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "status": "degraded",
                    "nats": "ok",
                    "mongo": "ok",
                    "dead_letters": "ok",
                    "quarantine": "3 wait for a decision",
                    "services": _STILL["said"],
                    "licence": "The licence ends on 2026-12-20: put a new one into AOC_LICENSE_KEY. Afterwards all"
                    " goes on but new tenants.",
                    "stands_still": [_STILL],
                    "version": "0.1.0",
                }
            ]
        },
    )

    status: Literal["ok", "degraded", "unavailable"] = Field(
        description="`degraded`: NATS is away, dead letters wait, or a service stands still; queries still work."
    )
    nats: str = Field(description="`ok`, or what is wrong.")
    mongo: str = Field(description="`ok`, or what is wrong.")
    dead_letters: str = Field(description="`ok`, or how many wait for a decision.")
    quarantine: str = Field(
        description="`ok`, or how many records wait for a decision. They do not degrade the status: nothing fails."
    )
    services: str = Field(description="`ok`, or who stands still and since when; or why that is not known.")
    licence: str = Field(
        description="`ok`, or what somebody should do: it ends soon, has ended, or there are more tenants than it is "
        "for. It does not degrade the status: what there is is collected and read."
    )
    stands_still: list[StandstillView] = Field(description="The same, one by one, with what to do.")
    version: str


class SourceHealthList(BaseModel):
    """How a tenant's sources do."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {"tenant": "contoso", "at": "2026-11-23T08:00:00Z", "stands_still": [_STILL], "sources": [_SOURCE]}
            ]
        },
    )

    tenant: str = Field(description="The tenant.")
    at: datetime = Field(description="When this was looked at.")
    stands_still: list[StandstillView] = Field(
        description="Services that stand still: what is told of sources may be older than it looks."
    )
    sources: list[SourceHealth] = Field(description="Every source that was ever collected, by name, and imports.")


def _trouble(account: SourceAccount) -> Trouble:
    """The class; `other` for what an older or newer version noted."""
    try:
        return Trouble(account.trouble or Trouble.OTHER)
    except ValueError:
        return Trouble.OTHER

"""Jobs on AOC_JOBS."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from aoc_common.contracts import subjects

if TYPE_CHECKING:
    from datetime import timedelta

Tenant = Annotated[str, Field(pattern=subjects.TENANT_PATTERN)]
Source = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
#: Items that one job decides about.
MOST_ITEMS: Final = 100


class CollectJob(BaseModel):
    """Fetch one slice of one source: `start` inclusive, `end` exclusive, UTC.

    `stretch`: the stretch of the backlog that it is a part of; None for a live slice.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "tenant": "contoso",
                    "source": "graph-directory-audits",
                    "start": "2026-11-23T08:00:00Z",
                    "end": "2026-11-23T08:05:00Z",
                }
            ]
        },
    )

    tenant: Tenant
    source: Source
    start: AwareDatetime
    end: AwareDatetime
    stretch: Annotated[str, Field(max_length=200)] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end <= self.start:
            raise ValueError("end must be after start")
        return self

    @property
    def subject(self) -> str:
        """Where it is published: one pending job a source, live and in the backlog each (see `bus.streams`)."""
        make = subjects.collect_job if self.stretch is None else subjects.backlog_job
        return make(self.tenant, self.source)

    @property
    def slice_id(self) -> str:
        """The id of its ledger entry."""
        return slice_id(self.tenant, self.source, self.start, self.end)

    @property
    def length(self) -> timedelta:
        """How much time it covers."""
        return self.end - self.start


class DirectoryJob(BaseModel):
    """Bring the directory of a tenant up to date."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [{"tenant": "contoso"}]})

    tenant: Tenant

    @property
    def subject(self) -> str:
        """Where it is published: one pending job a tenant (see `bus.streams`)."""
        return subjects.directory_job(self.tenant)


class PollJob(BaseModel):
    """Look at a source now instead of at its next turn: something told us that it has news."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"tenant": "contoso", "source": "o365-exchange"}]},
    )

    tenant: Tenant
    source: Source

    @property
    def subject(self) -> str:
        """Where it is published: one pending job a source, so a storm of notifications is one look."""
        return subjects.poll_job(self.tenant, self.source)


class SubscriptionJob(BaseModel):
    """Bring a tenant's Graph subscriptions in order.

    With a `subscription`, only prove to Graph that this one is still wanted: it asked (`reauthorizationRequired`).
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"tenant": "contoso"},
                {"tenant": "contoso", "subscription": "76619225-ff6b-4489-96ca-4ef547e78b22"},
            ]
        },
    )

    tenant: Tenant
    subscription: Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")] | None = None

    @property
    def subject(self) -> str:
        """Where it is published. All that creates or deletes has one subject a tenant, so it happens one by one."""
        return subjects.subscription_job(self.tenant, self.subscription or "all")


class BackfillJob(BaseModel):
    """Collect a stretch of time (again), beside the live slices: `start` inclusive, `end` exclusive, UTC."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "tenant": "contoso",
                    "source": "o365-exchange",
                    "start": "2026-11-20T00:00:00Z",
                    "end": "2026-11-23T00:00:00Z",
                }
            ]
        },
    )

    tenant: Tenant
    source: Source
    start: AwareDatetime
    end: AwareDatetime

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end <= self.start:
            raise ValueError("end must be after start")
        return self

    @property
    def subject(self) -> str:
        """Where it is published. One for each stretch of time: asking twice for the same is asking once."""
        return subjects.backfill_job(self.tenant, self.source, f"{self.start:%Y%m%dT%H%M%S}-{self.end:%Y%m%dT%H%M%S}")


class CheckJob(BaseModel):
    """Check whether a tenant can be collected with these settings (an entry of a tenants file); secrets are references.

    The answer is stored under the ticket.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "tenant": "contoso",
                    "ticket": "0b1c5e0f7a9d4e0b9c0d5a4f3e2d1c0b",
                    "settings": {"name": "contoso", "client_secret": "file:/run/secrets/contoso"},
                }
            ]
        },
    )

    tenant: Tenant
    ticket: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    settings: dict[str, Any]

    @property
    def subject(self) -> str:
        """Where it is published: one check of a tenant at a time."""
        return subjects.check_job(self.tenant)


class DecisionJob(BaseModel):
    """Retry or discard dead letters, or records in the quarantine: those of `keys` that are the tenant's, and open.

    `who`: the name of the person who decided; `why`: of what is discarded. `asked_at`: what was published again since
    was so for this job, which came before.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "tenant": "contoso",
                    "queue": "dead-letters",
                    "decision": "discard",
                    "keys": ["normalizer-0b1c5e0f7a9d4e0b9c0d5a4f"],
                    "asked_at": "2026-11-23T08:00:00Z",
                    "who": "Dana Reyes",
                    "why": "a page of a test, see case 17",
                }
            ]
        },
    )

    tenant: Tenant
    queue: Literal["dead-letters", "quarantine"]
    decision: Literal["retry", "discard"]
    keys: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=1_000)], ...], Field(max_length=MOST_ITEMS)]
    asked_at: AwareDatetime
    who: Annotated[str, Field(min_length=1, max_length=256)]
    why: Annotated[str, Field(max_length=1_000)] = ""

    @property
    def subject(self) -> str:
        """Where it is published. One for each set of items: asking twice for the same is asking once."""
        items = "\0".join((self.queue, self.decision, *sorted(self.keys)))
        return subjects.decision_job(self.tenant, blake2b(items.encode("utf-8", "replace"), digest_size=16).hexdigest())


class SinkJob(BaseModel):
    """Something that is asked of an exporter about a sink. The answer is stored under the ticket.

    - `check`: whether a destination can be made of these `settings`. `test`: send a marked event, and say what came of
      it. `preview`: the bytes of an event that would go (`event`; else the newest).
    - `replay`: send again what was published from `start` on and before `end`, of these `tenants`, or all.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [{"what": "test", "sink": "splunk", "ticket": "0b1c5e0f7a9d4e0b9c0d5a4f3e2d1c0b"}]
        },
    )

    what: Literal["check", "test", "preview", "replay"]
    sink: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    ticket: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    settings: dict[str, Any] | None = None
    tenants: tuple[Tenant, ...] = ()
    event: Annotated[str, Field(max_length=64)] | None = None
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None

    @property
    def tenant(self) -> str:
        """Whose it is: nobody's in particular."""
        return "_installation"

    @property
    def subject(self) -> str:
        """Where it is published."""
        return subjects.sink_job(self.ticket)


class ExportJob(BaseModel):
    """Send one version of an event to a sink once more: it was refused, and somebody has decided to try again.

    `digest`: of a later version, as `Nats-Msg-Id` has it.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "tenant": "contoso",
                    "sink": "splunk",
                    "event": "0193554f-0800-8000-8000-000000000001",
                    "revision": 1,
                }
            ]
        },
    )

    tenant: Tenant
    sink: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    event: Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    revision: Annotated[int, Field(ge=1)]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{1,64}$")] | None = None

    @property
    def subject(self) -> str:
        """Where it is published: one pending job an entry and sink."""
        return subjects.export_job(self.tenant, self.sink, f"{self.event}-{self.revision}")


class NotificationJob(BaseModel):
    """Something that is asked of an alerter about a route of notifications. The answer is stored under the ticket.

    - `test`: send a message that says nothing of anybody, and say what came of it.
    - `preview`: what would be said of an alert (`alert`).
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [{"what": "test", "route": "on-call", "ticket": "0b1c5e0f7a9d4e0b9c0d5a4f3e2d1c0b"}]
        },
    )

    what: Literal["test", "preview"]
    route: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    ticket: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    alert: Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")] | None = None

    @property
    def tenant(self) -> str:
        """Whose it is: nobody's in particular."""
        return "_installation"

    @property
    def subject(self) -> str:
        """Where it is published."""
        return subjects.notification_job(self.ticket)


class NotifyJob(BaseModel):
    """Tell an alert by a route once more: it was refused, and somebody has decided to try again."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [{"tenant": "contoso", "route": "on-call", "alert": "0193554f-0800-8000-8000-000000000001"}]
        },
    )

    tenant: Tenant
    route: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    alert: Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]

    @property
    def subject(self) -> str:
        """Where it is published: one pending job an alert and route."""
        return subjects.notify_job(self.tenant, self.route, self.alert)


type Job = (
    CollectJob
    | DirectoryJob
    | PollJob
    | SubscriptionJob
    | BackfillJob
    | CheckJob
    | DecisionJob
    | SinkJob
    | ExportJob
    | NotificationJob
    | NotifyJob
)


def slice_id(tenant: str, source: str, start: datetime, end: datetime) -> str:
    """`tenant/source/start..end` with second precision and zone."""
    return f"{tenant}/{source}/{start:%Y-%m-%dT%H:%M:%S.%fZ}..{end:%Y-%m-%dT%H:%M:%S.%fZ}"


def span_of(slice_id: str) -> tuple[datetime, datetime] | None:
    """The times in a `slice_id`; None for one that has none: of an import, or of a page that is tried again."""
    begin, dots, end = slice_id.rsplit("/", 1)[-1].partition("..")
    try:
        return (datetime.fromisoformat(begin), datetime.fromisoformat(end)) if dots else None
    except ValueError:
        return None

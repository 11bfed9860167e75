"""A sink: a destination to which events, alerts and the audit trail are sent, and which of them. Pure.

What a kind of destination can be told (`options`) is known to the exporter alone; whoever else reads a sink passes
that on as it stands. Secrets are references in it (`env:NAME`, `file:PATH`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from aoc_common.contracts.subjects import TENANT_PATTERN
from aoc_common.errors import BadConfiguration
from aoc_common.validation import first_fault

if TYPE_CHECKING:
    from pydantic.config import JsonDict

NAME_PATTERN: Final = r"^[a-z0-9-]{1,40}$"
#: Kinds of destinations, and formats, that the exporter knows (held by a test).
KINDS: Final = ("splunk", "sentinel", "elastic", "syslog", "otlp", "webhook", "folder", "security-lake")
FORMATS: Final = ("ocsf", "raw", "ecs", "cef", "elastic")
#: Those that pass Microsoft's own record on.
_RECORDS: Final = ("raw", "elastic")
#: Sinks of one installation at a time.
MOST_SINKS: Final = 32

Name = Annotated[str, Field(pattern=NAME_PATTERN)]
_Tenant = Annotated[str, Field(pattern=TENANT_PATTERN)]
_Text = Annotated[str, Field(min_length=1, max_length=200)]
_Texts = Annotated[tuple[_Text, ...], Field(max_length=1_000)]

_EXAMPLE: JsonDict = {
    "name": "splunk",
    "kind": "splunk",
    "options": {"url": "https://splunk.example:8088", "token": "file:/run/secrets/hec-{tenant}"},
    "include": {"groups": ["customers"]},
    "exclude": [{"sources": ["graph-signins-noninteractive"]}],
}


_FROZEN: Final = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Criteria(BaseModel):
    """Which entries: those for which every list that is given has what they are. Operations may have `*` in them."""

    model_config = _FROZEN | ConfigDict(json_schema_extra={"examples": [{"groups": ["customers"], "classes": [3002]}]})

    tenants: Annotated[tuple[_Tenant, ...], Field(max_length=10_000)] = ()
    groups: _Texts = Field((), description="Groups of tenants.")
    sources: _Texts = ()
    classes: Annotated[tuple[int, ...], Field(max_length=100)] = Field((), description="OCSF classes, e.g. 3002.")
    operations: _Texts = Field((), description="What was done, in Microsoft's words; `*` stands for anything.")
    severities: Annotated[tuple[int, ...], Field(max_length=10)] = Field((), description="OCSF's severity_id, 0 to 6.")

    @property
    def empty(self) -> bool:
        """Whether nothing is asked for."""
        return not any((self.tenants, self.groups, self.sources, self.classes, self.operations, self.severities))


class Redaction(BaseModel):
    """What becomes of a field. A value that is redacted stands nowhere else in the entry either."""

    model_config = _FROZEN | ConfigDict(json_schema_extra={"examples": [{"field": "actor.user.name", "how": "drop"}]})

    field: str = Field(
        pattern=r"^[A-Za-z0-9_@-]+(\.[A-Za-z0-9_@-]+)*$", max_length=200, description="Path: actor.user.email_addr."
    )
    how: Literal["drop", "hash", "truncate"] = "drop"
    length: int = Field(0, ge=0, le=10_000, description="Characters that `truncate` leaves.")


class SinkSettings(BaseModel):
    """All that is set of a sink."""

    model_config = _FROZEN | ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: Name = Field(description="Its name: 1 to 40 of a-z, 0-9 and -.")
    kind: str = Field(description=f"What it sends to: {', '.join(KINDS)}.")
    options: Mapping[str, Any] = Field(
        {}, description="How the destination is reached. `{tenant}` in a text stands for the tenant's name."
    )
    per_tenant: Mapping[str, Mapping[str, Any]] = Field(
        {}, description="Options of single tenants, instead of those that all have."
    )
    format: str = Field("ocsf", description=f"How entries are written: {', '.join(FORMATS)}.")
    data: tuple[Literal["events", "alerts", "audit"], ...] = Field(("events",), min_length=1, description="What goes.")
    include: Criteria = Field(Criteria(), description="What goes; without any, everything.")
    exclude: Annotated[tuple[Criteria, ...], Field(max_length=100)] = Field((), description="What of it does not go.")
    twins: bool = Field(False, description="Whether both of two events of one action go.")
    retrospective: Literal["mark", "hold"] = Field(
        "mark", description="Events that came long after they had happened are marked, or do not go."
    )
    retrospective_h: float = Field(24.0, gt=0, le=24 * 366, description="From how many hours on that is long after.")
    redact: Annotated[tuple[Redaction, ...], Field(max_length=100)] = ()
    redaction_key: str | None = Field(None, description="Reference to the key of hashes.")
    labels: Mapping[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")], _Text] = Field(
        {}, max_length=20, description="Said of every entry."
    )
    begin: Literal["now", "beginning"] | AwareDatetime = Field(
        "now", description="Where it begins: with what comes, with all that AOC_EVENTS holds, or at a time."
    )
    linger_s: float = Field(0.0, ge=0, le=3600, description="How long entries are gathered for a batch, seconds.")
    paused: bool = Field(False, description="Whether nothing is sent now; what comes waits.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.kind not in KINDS:
            raise ValueError(f"kind: {self.kind[:40]!r} is none of {', '.join(KINDS)}")
        if self.format not in FORMATS:
            raise ValueError(f"format: {self.format[:40]!r} is none of {', '.join(FORMATS)}")
        if self.redact and self.format in _RECORDS:
            raise ValueError(f"redact: Microsoft's own record ({self.format}) cannot be redacted")
        if any(one.how == "hash" for one in self.redact) and self.redaction_key is None:
            raise ValueError("redaction_key: is needed where a field is hashed")
        if any(one.empty for one in self.exclude):
            raise ValueError("exclude: one of the entries asks for nothing")
        return self


def read_sink(settings: object, where: str = "sink") -> SinkSettings:
    """A sink as it is written. Raises `BadConfiguration`, which names sink and field and repeats no value."""
    try:
        return SinkSettings.model_validate(settings)
    except ValidationError as error:
        field, wrong = first_fault(error)
        raise BadConfiguration(f"{where}{', ' if field else ''}{field}: {wrong}") from None


def document(sink: SinkSettings) -> dict[str, Any]:
    """A sink as it is stored and shown: without what is as by default."""
    return {"name": sink.name, "kind": sink.kind} | sink.model_dump(mode="json", exclude_defaults=True)

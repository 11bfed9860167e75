"""Rules as they are asked for and answered."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from aoc_common.contracts.alert import Severity
from aoc_common.contracts.subjects import TENANT_PATTERN

if TYPE_CHECKING:
    from aoc_common.store.rules import RuleException

type Source = Literal["shipped", "overlaid", "own"]

#: Characters of a rule's text, and of a reason.
LONGEST_TEXT: Final = 256 * 1024
LONGEST_REASON: Final = 1_000
#: Of what an overlay says of attributes, as JSON.
LONGEST_ATTRIBUTES: Final = 16 * 1024
MOST_EXCEPTIONS: Final = 100

_UUID: Final = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_ID: Final = "9336f81c-7c0e-511c-9167-3a946c3503e6"
_EXCEPTION: Final[dict[str, Any]] = {
    "id": "0b1c5e0f-7a4d-4c4c-9c1c-5d1f7e6a3b21",
    "text": "title: Exception of A user signed in by a device code\nfilter: ...\n",
    "reason": "Meeting rooms sign in so.",
    "until": "2027-01-01T00:00:00Z",
    "tenants": ["contoso"],
    "author": "Dana Reyes",
    "made_at": "2026-11-23T08:00:00Z",
}
_ASKED_EXCEPTION: Final[dict[str, Any]] = {key: _EXCEPTION[key] for key in ("id", "text", "reason", "until", "tenants")}
_ITEM: Final[dict[str, Any]] = {
    "id": _ID,
    "title": "A user signed in by a device code",
    "level": "medium",
    "enabled": True,
    "source": "shipped",
    "log_source": "azure/signinlogs",
    "correlation": False,
    "tags": ["attack.initial-access", "attack.t1566"],
    "fault": None,
    "exceptions": 0,
    "author": "",
    "changed_at": None,
    "revision": 0,
}
_FINDING: Final[dict[str, Any]] = {
    "code": "unknown-field",
    "place": "Opration",
    "message": "no such field",
    "suggestion": "Operation",
}
_CHANGE: Final[dict[str, Any]] = {
    "revision": 1,
    "at": "2026-11-23T08:00:00Z",
    "author": "Dana Reyes",
    "what": "switched off",
}
_OVERLAY: Final[dict[str, Any]] = {
    "text": None,
    "enabled": False,
    "severity": None,
    "attributes": {"suppress": "7d"},
}
_ALERTS: Final[dict[str, Any]] = {"alerts": 3, "complete": True, "last_at": "2026-11-23T08:00:00Z"}
_DETAIL: Final[dict[str, Any]] = _ITEM | {
    "description": "Device codes are asked for by phishers.",
    "text": "title: A user signed in by a device code\n...\n",
    "shipped": "title: A user signed in by a device code\n...\n",
    "difference": "",
    "overlay": _OVERLAY,
    "runbook": "# A user signed in by a device code\n",
    "findings": [_FINDING],
    "fired": _ALERTS,
    "exceptions_in_force": [_EXCEPTION],
    "history": [_CHANGE],
}
_MATCHED: Final[dict[str, Any]] = {"field": "authenticationProtocol", "value": "deviceCode"}


class RuleItem(BaseModel):
    """A rule, in short."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ITEM]})

    id: str = Field(description="Sigma's id.")
    title: str = Field(description="What it finds.")
    level: Severity = Field(description="How grave its alerts are.")
    enabled: bool = Field(description="Whether it is on.")
    source: Source = Field(description="`overlaid`: shipped, and changed here.")
    log_source: str = Field(description="What records it is about; empty for a correlation.")
    correlation: bool = Field(description="Whether it counts what other rules match.")
    tags: list[str] = Field(description="As Sigma has them, e.g. of ATT&CK.")
    fault: str | None = Field(None, description="Why it, or a part of it, does not work; null: it does.")
    exceptions: int = Field(description="Exceptions in force that its reader may see.")
    author: str = Field(description="Who changed it last, as far as its reader may see; empty: nobody did.")
    changed_at: datetime | None = Field(None, description="When that was.")
    revision: int = Field(description="Counts the changes; also the ETag.")


class RuleList(BaseModel):
    """Rules."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_ITEM]}]})

    items: list[RuleItem] = Field(description="By title.")


class RuleFinding(BaseModel):
    """Something about a rule that its author should know."""

    model_config = ConfigDict(json_schema_extra={"examples": [_FINDING]})

    code: str = Field(description="Its kind, e.g. `never`, `unknown-field`, `too-broad`, `duplicate`.")
    place: str = Field(description="The field that it is about; empty for the whole rule.")
    message: str = Field(description="What is wrong.")
    suggestion: str = Field(description="What would help; may be empty.")


class RuleExceptionAsked(BaseModel):
    """What a rule is not to find."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_ASKED_EXCEPTION]})

    id: Annotated[str, Field(pattern=_UUID, description="Its id.")]
    text: Annotated[str, Field(max_length=LONGEST_TEXT, description="A Sigma filter document.")]
    reason: Annotated[str, Field(min_length=1, max_length=LONGEST_REASON, description="Why.")]
    until: AwareDatetime | None = Field(None, description="When it ends by itself; null: it does not.")
    tenants: Annotated[
        list[Annotated[str, Field(pattern=TENANT_PATTERN)]],
        Field(default_factory=list, max_length=1_000, description="Only there; empty: everywhere."),
    ]


class RuleExceptionView(RuleExceptionAsked):
    """An exception of a rule."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [_EXCEPTION]})

    author: str = Field(description="Who made it.")
    made_at: datetime = Field(description="When.")

    @classmethod
    def of(cls, one: RuleException) -> RuleExceptionView:
        """Of what is stored."""
        return cls.model_construct(
            id=one.id,
            text=one.text,
            reason=one.reason,
            until=one.until,
            tenants=sorted(one.tenants),
            author=one.author,
            made_at=one.made_at,
        )


class RuleChangeView(BaseModel):
    """What somebody did to a rule."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CHANGE]})

    revision: int = Field(description="The one that it made.")
    at: datetime = Field(description="When.")
    author: str = Field(description="Who.")
    what: str = Field(description="What, in a few words.")


class RuleOverlay(BaseModel):
    """What is said of a rule; null leaves it as the rule itself, or the shipped one, has it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_OVERLAY]})

    text: Annotated[str | None, Field(max_length=LONGEST_TEXT, description="Its YAML.")] = None
    enabled: bool | None = Field(None, description="On or off.")
    severity: Severity | None = Field(None, description="How grave its alerts are, in place of its level.")
    attributes: dict[Annotated[str, Field(max_length=40)], Any] = Field(
        default_factory=dict,
        max_length=20,
        description="Of its `aoc`, what is to be otherwise; null takes one away. An update of the rule keeps them.",
    )

    @field_validator("attributes")
    @classmethod
    def _small(cls, held: dict[str, Any]) -> dict[str, Any]:
        if len(json.dumps(held, default=str)) > LONGEST_ATTRIBUTES:
            raise ValueError(f"are longer than {LONGEST_ATTRIBUTES:,} characters")
        return held


class RuleRequest(RuleOverlay):
    """All that is to be said of a rule: what is not named is as the rule itself, or the shipped one, has it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_OVERLAY]})

    exceptions: Annotated[
        list[RuleExceptionAsked] | None,
        Field(
            max_length=MOST_EXCEPTIONS,
            description="Its exceptions, in place of those that its sender may see; null: these.",
        ),
    ] = None


class RuleFired(BaseModel):
    """What a rule has raised in a tenant."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ALERTS]})

    alerts: int = Field(description="How many alerts.")
    complete: bool = Field(description="False: there are more.")
    last_at: datetime | None = Field(
        None, description="When the last event of the newest happened; null: it never fired."
    )


class RuleDetail(RuleItem):
    """A rule, with all that is known of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DETAIL]})

    description: str = Field(description="What it says of itself.")
    text: str = Field(description="Its YAML, as it is at work.")
    shipped: str | None = Field(None, description="The YAML that came along; null for a rule of your own.")
    difference: str = Field(description="What was changed of a rule that is shipped, as a diff.")
    overlay: RuleOverlay = Field(description="What is said of it here.")
    runbook: str = Field(description="What to look at and what to do, in Markdown; may be empty.")
    findings: list[RuleFinding] = Field(description="What lint says of it, without history.")
    fired: RuleFired = Field(description="What it has raised in the tenant.")
    exceptions_in_force: list[RuleExceptionView] = Field(description="Its exceptions that its reader may see.")
    history: list[RuleChangeView] = Field(
        description="The latest changes, the last one last, without those of exceptions of other tenants."
    )


class RuleLint(BaseModel):
    """What lint says of rules."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": {_ID: [_FINDING]}, "events": 5_000, "since": "2026-11-16T08:00:00Z"}]}
    )

    items: dict[str, list[RuleFinding]] = Field(description="Rule -> findings, of those that have any.")
    events: int = Field(description="Events that were looked at, the newest; 0: only the rules were.")
    since: datetime | None = Field(None, description="When the oldest of these happened.")


class RuleMatched(BaseModel):
    """A value by which a rule matched."""

    model_config = ConfigDict(json_schema_extra={"examples": [_MATCHED]})

    field: str = Field(description="The field, as the rule spells it.")
    value: str = Field(description="What the event has in it.")


class AlertExceptionRequest(BaseModel):
    """What of an alert is not to be found again: all of these values at once."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"values": [_MATCHED], "reason": _EXCEPTION["reason"], "until": _EXCEPTION["until"]}]
        },
    )

    values: Annotated[
        list[RuleMatched], Field(min_length=1, max_length=20, description="Fields and values as the alert shows them.")
    ]
    reason: Annotated[str, Field(min_length=1, max_length=LONGEST_REASON, description="Why.")]
    until: AwareDatetime | None = Field(None, description="When the exception ends by itself; null: it does not.")

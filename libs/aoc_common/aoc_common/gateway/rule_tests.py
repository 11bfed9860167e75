"""Tests of rules on events of the past, as they are asked for and answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from aoc_common.gateway.rules import LONGEST_TEXT, RuleMatched

type Stopped = Literal["events", "time", "hits", "first-uses"]
"""Why a test went no further: a bound on events, time, matches that are counted, or look-ups of first uses."""

_ID: Final = "e0a73a15-9591-52e8-979c-aa0ac2bb5bb3"
_MATCHED: Final[dict[str, Any]] = {"field": "ResultType", "value": "50126"}
_EXAMPLE: Final[dict[str, Any]] = {
    "id": "019ab0c4-2f40-8a1b-9c3d-5e7f90a1b2c3",
    "at": "2026-11-23T08:00:00Z",
    "source": "graph-sign-ins",
    "operation": "Sign-in",
    "actor": "kim@contoso.example",
    "matched": [_MATCHED],
}
_HOUR: Final[dict[str, Any]] = {"start": "2026-11-23T08:00:00Z", "matches": 2, "alerts": 1}
_RULE: Final[dict[str, Any]] = {
    "id": "4256449f-a1f0-5bd9-b84e-52690086fb2e",
    "title": "A sign-in failed by a wrong password or an unknown user",
    "correlation": False,
    "matches": 2,
    "group_by": ["ipAddress"],
    "uncounted": 0,
    "alerts": 0,
    "hours": [_HOUR | {"alerts": 0}],
}
_ALERT: Final[dict[str, Any]] = {
    "at": "2026-11-23T08:00:00Z",
    "first_at": "2026-11-23T07:58:00Z",
    "last_at": "2026-11-23T08:04:00Z",
    "common": [{"field": "ipAddress", "value": "203.0.113.9"}],
    "group": [{"field": "service", "value": "entra"}],
    "count": 2,
    "events": [_EXAMPLE],
}
_TEST: Final[dict[str, Any]] = {
    "start": "2026-11-16T08:00:00Z",
    "end": "2026-11-23T08:00:00Z",
    "complete": True,
    "stopped": None,
    "events": 120_000,
    "matches": 2,
    "alerts": 1,
    "alerts_a_day": 0.14,
    "hours": [_HOUR],
    "examples": [],
    "correlation": True,
    "rules": [_RULE],
    "raised": [_ALERT],
    "undecided": 0,
    "notes": [],
}


class RuleTestRequest(BaseModel):
    """A rule to be tried on stored events: one that is there, or a text."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"rule": _ID}]})

    rule: Annotated[str | None, Field(max_length=200, description="Id of a rule.")] = None
    text: Annotated[
        str | None,
        Field(
            max_length=LONGEST_TEXT,
            description="YAML of a rule; or of a correlation, with those rules that it names which are not there, or "
            "are to be otherwise, as further documents.",
        ),
    ] = None
    start: AwareDatetime | None = Field(None, description="From then on; a week ago when not given.")
    end: AwareDatetime | None = Field(None, description="Before then.")


class RuleExample(BaseModel):
    """An event that a rule finds."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID = Field(description="The event's id.")
    at: datetime = Field(description="When it happened.")
    source: str = Field(description="Its source.")
    operation: str = Field(description="Its operation.")
    actor: str | None = Field(None, description="Who did it.")
    matched: list[RuleMatched] = Field(description="The values by which it matches.")


class RuleHour(BaseModel):
    """Matches of one hour."""

    model_config = ConfigDict(json_schema_extra={"examples": [_HOUR]})

    start: datetime = Field(description="When the hour begins.")
    matches: int = Field(description="Events that match; of a correlation, that are in its alerts.")
    alerts: int = Field(0, description="Alerts that would have been raised in it.")


class RuleCounted(BaseModel):
    """A rule that a correlation counts, or a correlation, directly or by others."""

    model_config = ConfigDict(json_schema_extra={"examples": [_RULE]})

    id: str = Field(description="Its id.")
    title: str = Field(description="What it finds.")
    correlation: bool = Field(description="Whether it is a correlation; its matches are its windows.")
    matches: int = Field(description="Events that match, twins once.")
    group_by: list[str] = Field(description="Fields by which its matches are grouped, as it spells them.")
    uncounted: int = Field(
        description="Those of them that have nothing in one of these fields, or no time: no correlation counts them."
    )
    alerts: int = Field(description="Alerts of its own, which it has with `generate: true`.")
    hours: list[RuleHour] = Field(description="Hours with matches.")


class RuleAlert(BaseModel):
    """An alert that a correlation would have raised."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ALERT]})

    at: datetime = Field(description="When what it tells of was complete; what is missing, when its time was over.")
    first_at: datetime = Field(description="When its first event happened.")
    last_at: datetime = Field(description="When its last one did.")
    common: list[RuleMatched] = Field(description="What the events that made it have in common, by `group-by`.")
    group: list[RuleMatched] = Field(description="By what it is told apart from other alerts.")
    count: int = Field(description="How many events it would have.")
    events: list[RuleExample] = Field(description="Those that made it, the last 20 of them.")


class RuleTest(BaseModel):
    """What a rule would have found."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TEST]})

    start: datetime = Field(description="The stretch that was searched; later than asked for where it is not complete.")
    end: datetime = Field(description="Its end; earlier than asked for where there was no time to look at all matches.")
    complete: bool = Field(description="False: not all of what was asked for was looked at; `stopped` says why.")
    stopped: Stopped | None = Field(
        None,
        description="Why it went no further back, or on: `events`, `time`, `hits` (matches that are counted) or "
        "`first-uses` (look-ups of them) are bounded.",
    )
    events: int = Field(description="Events that were tried.")
    matches: int = Field(description="Events that match, twins once; of a correlation, events that are in its alerts.")
    alerts: int = Field(description="Alerts that they would have been, by the rule's grouping.")
    alerts_a_day: float = Field(description="The same for a day.")
    hours: list[RuleHour] = Field(description="Hours with matches or alerts.")
    examples: list[RuleExample] = Field(description="Up to 20 of the events; none of a correlation.")
    correlation: bool = Field(default=False, description="Whether it is a correlation: it has what follows.")
    rules: list[RuleCounted] = Field(default_factory=list, description="What it counts.")
    raised: list[RuleAlert] = Field(default_factory=list, description="Up to 20 of its alerts, the newest first.")
    undecided: int = Field(
        0, description="Windows that hold so far and were not over at the end: what they miss may still come."
    )
    notes: list[str] = Field(default_factory=list, description="What its author should know beside.")

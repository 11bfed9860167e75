"""A route: where people are told of alerts, of which, and when. Pure.

Secrets are references in it (`env:NAME`, `file:PATH`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from aoc_alerter.notifying.templates import BODY, DIGEST_TITLE, TITLE, check_template
from aoc_common.contracts.alert import Severity  # pydantic looks at it
from aoc_common.contracts.notifications import ROUTE_PATTERN
from aoc_common.contracts.subjects import TENANT_PATTERN
from aoc_common.errors import BadConfiguration
from aoc_common.outbound import named_file

if TYPE_CHECKING:
    from pathlib import Path

SETTING: Final = "AOC_NOTIFICATIONS_FILE"
MOST_ROUTES: Final = 100
_FROZEN: Final = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

_Tenant = Annotated[str, Field(pattern=TENANT_PATTERN)]
_Text = Annotated[str, Field(min_length=1, max_length=200)]
_Texts = Annotated[tuple[_Text, ...], Field(max_length=1_000)]
_Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]

type Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Criteria(BaseModel):
    """Which alerts: those for which every list that is given has what they are."""

    model_config = _FROZEN

    severities: tuple[Severity, ...] = ()
    tenants: Annotated[tuple[_Tenant, ...], Field(max_length=10_000)] = ()
    groups: _Texts = ()
    rules: _Texts = Field((), description="Ids of rules.")
    tags: _Texts = Field((), description="Tags of rules; `*` stands for anything: attack.t1098*.")

    @property
    def empty(self) -> bool:
        """Whether nothing is asked for."""
        return not any((self.severities, self.tenants, self.groups, self.rules, self.tags))


class Hours(BaseModel):
    """When a route is open: from `since` to `until` on these days, in a zone; or at all other times."""

    model_config = _FROZEN

    zone: str
    days: Annotated[tuple[Day, ...], Field(min_length=1)] = DAYS
    since: _Clock = "00:00"
    until: _Clock = Field("00:00", description="00:00: midnight. Earlier than `since`: on the next day.")
    outside: bool = Field(False, description="Open at all other times.")
    otherwise: Literal["wait", "skip"] = Field(
        "wait", description="What comes while it is closed waits until it opens, or does not go this way."
    )

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{zone[:60]!r} is no time zone; one is Europe/Amsterdam") from None
        return zone


class Digest(BaseModel):
    """Alerts that are told together, at most every so many minutes."""

    model_config = _FROZEN

    severities: Annotated[tuple[Severity, ...], Field(min_length=1)] = ("informational", "low")
    every_m: float = Field(60, gt=0, le=24 * 60)


class Route(BaseModel):
    """All that is set of a route."""

    model_config = _FROZEN

    name: Annotated[str, Field(pattern=ROUTE_PATTERN)]
    kind: Literal["apprise", "webhook"] = "apprise"
    options: Mapping[str, Any] = Field(description="How the destination is reached.")
    include: Criteria = Criteria()
    exclude: Annotated[tuple[Criteria, ...], Field(max_length=100)] = ()
    hours: Hours | None = None
    digest: Digest | None = None
    retrospective: bool = Field(False, description="Whether alerts about the past go too.")
    raised: bool = Field(True, description="Whether an alert that becomes more severe is told again.")
    resolved: bool = Field(False, description="Whether it is told, too, that an alert is over that was told.")
    together_from: int = Field(
        20, ge=2, le=1_000, description="From so many alerts that wait on, they are told in one message."
    )
    title: str = Field(TITLE, max_length=500)
    body: str = Field(BODY, max_length=5_000)
    digest_title: str = Field(DIGEST_TITLE, max_length=500)
    paused: bool = Field(False, description="Whether nothing is sent now; what comes waits.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if any(one.empty for one in self.exclude):
            raise ValueError("exclude: one of the entries asks for nothing")
        for name in ("title", "body", "digest_title"):
            check_template(getattr(self, name), name, digest=name == "digest_title")
        return self


def shown(route: Route) -> dict[str, Any]:
    """A route as it is shown: without what is as by default."""
    return {"name": route.name, "kind": route.kind} | route.model_dump(mode="json", exclude_defaults=True)


def read_file(file: Path) -> list[Route]:
    """The routes of a file. Blocks. Raises `BadConfiguration` with one line that names route and field."""
    where = f"{SETTING}: {file}"
    return read_text(named_file.content(file, where), where)


def read_text(text: bytes, where: str) -> list[Route]:
    """The routes of a text. Raises as `read_file`."""
    return named_file.entries(text, where, "route", MOST_ROUTES, _read)


def _read(entry: object, where: str) -> Route:
    try:
        return Route.model_validate(entry)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        words = first["msg"].removeprefix("Value error, ")
        raise BadConfiguration(f"{where}{', ' if field else ''}{field}: {words}") from None

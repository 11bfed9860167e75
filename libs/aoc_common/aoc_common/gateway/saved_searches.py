"""What the gateway takes and answers about saved searches."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from aoc_common.contracts.query import grammar, values

if TYPE_CHECKING:
    from aoc_common.store.saved_searches import SavedSearch

_PARAMETERS: Final[dict[str, Any]] = {"service": "exchange", "q": "inbox rule -dana"}
_REQUEST: Final[dict[str, Any]] = {"name": "Inbox rules", "shared": True, "parameters": _PARAMETERS}
_VIEW: Final[dict[str, Any]] = _REQUEST | {
    "id": "0b1c5e0f7a4d4c4c9c1c5d1f7e6a3b21",
    "tenant": "contoso",
    "owner": "00000000-0000-0000-0000-000000000000/11111111-1111-1111-1111-111111111111",
    "owner_name": "Dana Reyes",
    "yours": True,
    "created_at": "2026-11-23T08:00:00Z",
    "changed_at": "2026-11-23T08:00:00Z",
}

SavedName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
_Text = Annotated[str | None, StringConstraints(min_length=1, max_length=grammar.LONGEST)]


def _example(example: dict[str, Any], *, extra: Literal["allow", "forbid", "ignore"] = "forbid") -> ConfigDict:
    return ConfigDict(extra=extra, json_schema_extra={"examples": [example]})


class SearchParameters(BaseModel):
    """Parameters of `/api/events`, as one would send them; the same hold everywhere where events are filtered."""

    model_config = _example(_PARAMETERS)

    source: _Text = Field(None, description="Feed.")
    service: _Text = Field(None, description="Service.")
    operation: _Text = Field(None, description="Operation.")
    result: Annotated[_Text, StringConstraints(pattern=values.RESULT_LIST)] = Field(None, description="How it ended.")
    actor: _Text = Field(None, description="Who did it.")
    ip: _Text = Field(None, description="Address or network.")
    correlation_id: _Text = Field(None, description="Microsoft's correlation id.")
    tag: _Text = Field(None, description="Tag.")
    q: _Text = Field(None, description="A query.")
    twins: Literal["in", "out"] | None = Field(None, description="`out` leaves out events that are second.")
    understood: Literal["any", "no"] | None = Field(None, description="`no`: shapes that no mapper knows.")
    start: datetime | None = Field(None, description="From this time on; UTC when it names no zone.")
    end: datetime | None = Field(None, description="Before this time.")


class SavedSearchRequest(BaseModel):
    """A search to keep."""

    model_config = _example(_REQUEST)

    name: SavedName = Field(description="What you call it.")
    shared: bool = Field(
        False, description="Whether others who read the tenant's events see it, but those from whom more is hidden."
    )
    parameters: SearchParameters = Field(description="What it looks for.")


class SavedSearchChange(BaseModel):
    """What to change of a saved search; what is not named stays."""

    model_config = _example({"name": "Inbox rules of managers"})

    name: SavedName | None = Field(None, description="What you call it.")
    shared: bool | None = Field(None, description="Whether others see it.")
    parameters: SearchParameters | None = Field(None, description="All that it looks for.")


class SavedSearchView(BaseModel):
    """A saved search."""

    model_config = _example(_VIEW)

    id: str = Field(description="Its id.")
    tenant: str = Field(description="Whose events it is about.")
    owner: str = Field(description="Id of who keeps it: a person, an application or an API key.")
    owner_name: str = Field(description="What people call the owner.")
    yours: bool = Field(description="Whether you keep it.")
    name: str
    shared: bool = Field(description="Whether others see it.")
    parameters: SearchParameters
    created_at: datetime
    changed_at: datetime

    @staticmethod
    def of(search: SavedSearch, reader: str) -> SavedSearchView:
        """As this principal sees it."""
        return SavedSearchView(
            id=search.id,
            tenant=search.tenant,
            owner=search.owner,
            owner_name=search.owner_name,
            yours=search.owner == reader,
            name=search.name,
            shared=search.shared,
            parameters=SearchParameters.model_validate(dict(search.parameters)),
            created_at=search.created_at,
            changed_at=search.changed_at,
        )


class SavedSearchList(BaseModel):
    """Saved searches."""

    model_config = _example({"items": [_VIEW], "next_after": "0b1c5e0f7a4d4c4c9c1c5d1f7e6a3b21"})

    items: list[SavedSearchView] = Field(description="First your own, then those that others share.")
    next_after: str | None = Field(description="There may be more that others share: ask for them with `after`.")

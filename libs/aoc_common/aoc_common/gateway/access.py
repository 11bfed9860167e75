"""What the gateway answers about grants and break-glass."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from aoc_common.contracts.access import Grant, Role
from aoc_common.contracts.subjects import TENANT_PATTERN

if TYPE_CHECKING:
    from aoc_common.store.break_glass import Lift
    from aoc_common.store.grants import StoredGrant

Name = Annotated[str, StringConstraints(pattern=TENANT_PATTERN)]
_GRANTEE = "00000000-0000-0000-0000-000000000000/11111111-1111-1111-1111-111111111111"
_REQUEST: dict[str, Any] = {
    "kind": "group",
    "grantee": _GRANTEE,
    "name": "Security team",
    "role": "analyst",
    "tenants": ["contoso"],
    "groups": ["retail"],
    "everything": False,
    "until": "2027-11-23T00:00:00Z",
    "reason": "On duty from Monday",
}
_GRANT: dict[str, Any] = _REQUEST | {
    "id": "0b1c5e0f7a4d4c4c9c1c5d1f7e6a3b21",
    "given_by": _GRANTEE,
    "given_by_name": "Dana Reyes",
    "given_at": "2026-11-23T08:00:00Z",
    "in_force": True,
}
_LIFT: dict[str, Any] = {
    "id": "0b1c5e0f7a4d4c4c9c1c5d1f7e6a3b21",
    "tenant": "contoso",
    "principal": _GRANTEE,
    "principal_name": "Dana Reyes",
    "reason": "Case 4711: who read the leaked mail",
    "began_at": "2026-11-23T08:00:00Z",
    "ends_at": "2026-11-23T09:00:00Z",
    "ended_at": "2026-11-23T08:40:00Z",
    "ended_by": _GRANTEE,
    "in_force": False,
}


def _example(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [example]})


class GrantRequest(BaseModel):
    """A role to give: to whom, over what, until when."""

    model_config = _example(_REQUEST)

    kind: Literal["person", "group", "api-key"] = Field(
        description="`person`: somebody, or an application; `group`: all of an Entra group."
    )
    grantee: str = Field(
        max_length=100,
        description="Of a person, an application or a group: directory id, a slash, object id. Of a key: key/ID.",
    )
    name: str | None = Field(None, min_length=1, max_length=100, description="What people call it.")
    role: Role = Field(description="The role.")
    tenants: list[Name] = Field(default_factory=list, max_length=1_000, description="Over these tenants.")
    groups: list[Name] = Field(
        default_factory=list, max_length=100, description="Over all tenants of these groups of tenants."
    )
    everything: bool = Field(False, description="Over all tenants there are and will be.")
    until: datetime | None = Field(None, description="When it ends; UTC when it names no zone. Null: not by itself.")
    reason: str | None = Field(None, min_length=1, max_length=500, description="Why, for those who look later.")

    @model_validator(mode="after")
    def _over_something(self) -> Self:
        if self.everything == bool(self.tenants or self.groups):
            raise ValueError("name tenants or groups, or everything, and not both")
        return self


class GrantView(GrantRequest):
    """A grant."""

    model_config = _example(_GRANT)

    id: str = Field(description="By which it is taken back.")
    given_by: str = Field(description="Who gave it.")
    given_by_name: str = Field(description="What people call him.")
    given_at: datetime = Field(description="When.")
    in_force: bool = Field(description="Whether it counts now.")

    @classmethod
    def of(cls, stored: StoredGrant, now: datetime) -> Self:
        """As it is answered."""
        grant = stored.grant
        return cls(
            kind=stored.grantee.kind,
            grantee=stored.grantee.id,
            name=stored.name,
            role=grant.role,
            tenants=sorted(grant.tenants),
            groups=sorted(grant.groups),
            everything=grant.everything,
            until=grant.until,
            reason=stored.reason,
            id=stored.id,
            given_by=stored.given_by,
            given_by_name=stored.given_by_name,
            given_at=stored.given_at,
            in_force=_counts(grant, now),
        )


class GrantList(BaseModel):
    """Grants, in the order of their ids."""

    model_config = _example({"items": [_GRANT], "next_after": "0b1c5e0f7a4d4c4c9c1c5d1f7e6a3b21"})

    items: list[GrantView] = Field(description="Those that you may take back.")
    next_after: str | None = Field(description="Pass as `after` to get those that follow; null after the last.")


class LiftRequest(BaseModel):
    """Why and for how long a tenant's privacy rules shall not apply to you."""

    model_config = _example({"tenant": "contoso", "reason": "Case 4711: who read the leaked mail", "minutes": 60})

    tenant: str | None = Field(
        None, pattern=TENANT_PATTERN, description="Over which tenant; AOC_API__DEFAULT_TENANT when not given."
    )
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=500)] = Field(
        description="Why; it is recorded, and shown to the tenant's administrators."
    )
    minutes: int = Field(60, ge=1, le=72 * 60, description="For how long; at most AOC_API__BREAK_GLASS_H.")


class LiftView(BaseModel):
    """Privacy rules that somebody has lifted for himself."""

    model_config = _example(_LIFT)

    id: str = Field(description="By which it is ended.")
    tenant: str = Field(description="Over which tenant.")
    principal: str = Field(description="Who.")
    principal_name: str = Field(description="What people call him.")
    reason: str = Field(description="Why.")
    began_at: datetime = Field(description="From when on.")
    ends_at: datetime = Field(description="Until when, unless it was ended before.")
    ended_at: datetime | None = Field(description="When it was ended.")
    ended_by: str | None = Field(description="By whom.")
    in_force: bool = Field(description="Whether it counts now.")

    @classmethod
    def of(cls, lift: Lift, now: datetime) -> Self:
        """As it is answered."""
        return cls(
            id=lift.id,
            tenant=lift.tenant,
            principal=lift.principal,
            principal_name=lift.principal_name,
            reason=lift.reason,
            began_at=lift.began_at,
            ends_at=lift.ends_at,
            ended_at=lift.ended_at,
            ended_by=lift.ended_by,
            in_force=lift.holds(now),
        )


class LiftList(BaseModel):
    """The newest first."""

    model_config = _example({"items": [_LIFT]})

    items: list[LiftView] = Field(description="All of the tenant for its administrators, else your own.")


def _counts(grant: Grant, now: datetime) -> bool:
    return grant.until is None or now < grant.until

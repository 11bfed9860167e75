"""What the gateway takes and gives of tenants."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from aoc_common.tenants.file import PUBLIC, document

if TYPE_CHECKING:
    from pydantic.config import JsonDict

    from aoc_common.licence.terms import Terms
    from aoc_common.tenants.records import TenantRecord
    from aoc_common.tenants.tenant import Tenant

_SETTINGS: JsonDict = {
    "name": "contoso",
    "tenant_id": "00000000-0000-0000-0000-000000000000",
    "client_id": "00000000-0000-0000-0000-000000000000",
    "client_secret": "file:/run/secrets/contoso",
    "time_zone": "Europe/Amsterdam",
}


_LICENCE: JsonDict = {
    "state": "valid",
    "plan": "team",
    "ends_at": "2027-11-23T00:00:00Z",
    "max_tenants": 25,
    "tenants": 3,
}
_CHANGE: JsonDict = {
    "revision": 3,
    "at": "2026-11-23T08:00:00Z",
    "by": "00000000-0000-0000-0000-000000000000/00000000-0000-0000-0000-000000000001",
    "what": "changed",
    "fields": ["time_zone"],
    "check": "",
}


class TenantSettings(BaseModel):
    """The settings of a tenant: an entry of a tenants file (docs/reference/tenants.md has all fields)."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_SETTINGS]})


class TenantChangeView(BaseModel):
    """A change of a tenant."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CHANGE]})

    revision: int = Field(description="The revision that it made.")
    at: datetime = Field(description="When.")
    by: str = Field(description="Who.")
    what: str = Field(description="`added`, `changed`, `paused`, `resumed`, `deleting` or `deleted`.")
    fields: list[str] = Field(description="Settings that it changed.")
    check: str = Field(description="What the check of the settings found before they were saved.")


class TenantView(BaseModel):
    """A tenant as its reader may see it: credential references, hosts and sources for administrators only."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "contoso",
                    "state": "active",
                    "origin": "registry",
                    "revision": 3,
                    "settings": _SETTINGS,
                    "history": [],
                }
            ]
        }
    )

    name: str = Field(description="Its short name.")
    state: Literal["active", "paused", "deleting", "deleted"] = Field(description="What becomes of it.")
    origin: Literal["registry", "file"] = Field(description="`file`: it is changed in the tenants file only.")
    revision: int | None = Field(description="Of the registry; also the ETag. null for a tenant of the file.")
    settings: dict[str, Any] = Field(description="Its settings, without those that are as by default.")
    history: list[TenantChangeView] = Field(description="The newest changes, the newest first; for administrators.")
    proof: dict[str, Any] | None = Field(
        None, description="Of a deletion: documents and messages by where they were, before and after."
    )

    @classmethod
    def of_record(cls, record: TenantRecord, *, everything: bool) -> Self:
        """Of the registry. `everything`: for administrators."""
        paused = record.state == "active" and record.settings.get("paused")
        return cls(
            name=record.name,
            state="paused" if paused else record.state,
            origin="registry",
            revision=record.revision,
            settings=_seen(dict(record.settings), everything=everything),
            history=[TenantChangeView.model_validate(change, from_attributes=True) for change in record.own_history]
            if everything
            else [],
            proof=dict(record.proof) or None,
        )

    @classmethod
    def of_file(cls, tenant: Tenant, *, everything: bool) -> Self:
        """Of the tenants file."""
        return cls(
            name=tenant.name,
            state="paused" if tenant.paused else "active",
            origin="file",
            revision=None,
            settings=_seen(document(tenant), everything=everything),
            history=[],
            proof=None,
        )


def _seen(settings: dict[str, Any], *, everything: bool) -> dict[str, Any]:
    return settings if everything else {name: value for name, value in settings.items() if name in PUBLIC}


class LicenceView(BaseModel):
    """What the licence allows."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LICENCE]})

    state: str = Field(description="`none`, `valid`, `ending`, `ended`, `not-yet` or `unreadable`.")
    plan: str | None = Field(None, description="Of the licence that counts.")
    ends_at: datetime | None = Field(None, description="When it ends.")
    max_tenants: int = Field(
        description="So many tenants there may be; those of a simulator on this machine do not count."
    )
    tenants: int = Field(description="So many there are that count.")
    advice: str | None = Field(None, description="What to do, if anything.")

    @classmethod
    def of(cls, terms: Terms, counted: int) -> Self:
        """Of the terms now."""
        licence = terms.licence
        return cls(
            state=terms.state,
            plan=licence.plan if licence else None,
            ends_at=licence.ends_at if licence else None,
            max_tenants=terms.max_tenants,
            tenants=counted,
            advice=terms.advice,
        )


class TenantList(BaseModel):
    """The tenants that one may see."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [], "licence": _LICENCE}]})

    items: list[TenantView]
    licence: LicenceView | None = Field(description="For who reads all tenants; null for others.")

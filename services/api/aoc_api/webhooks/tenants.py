"""The app registrations whose rich notifications the gateway believes.

They are read from a tenants file, of which the gateway needs less than the collector: other members are passed over,
and no secret is looked up.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from aoc_common.contracts.subjects import TENANT_PATTERN
from aoc_common.errors import BadConfiguration

_SETTING: Final = "AOC_WEBHOOKS__TENANTS_FILE"
_COMMERCIAL: Final = "https://login.microsoftonline.com"
_GOVERNMENT: Final = "https://login.microsoftonline.us"
#: Cloud -> authority (graph-docs, deployments.md).
_AUTHORITIES: Final = {
    "commercial": _COMMERCIAL,
    "gcc": _COMMERCIAL,
    "gcc-high": _GOVERNMENT,
    "dod": _GOVERNMENT,
}

Guid = Annotated[str, AfterValidator(lambda value: str(UUID(value)))]


class _Entry(BaseModel):
    """A tenant of the file."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(pattern=TENANT_PATTERN)
    tenant_id: Guid
    client_id: Guid
    cloud: Literal["commercial", "gcc", "gcc-high", "dod"] = "commercial"
    authority: str | None = Field(None, pattern=r"^https://|^http://(127\.0\.0\.1|localhost)[:/]")


class Registration(BaseModel):
    """An app in a tenant, and who vouches for it."""

    model_config = ConfigDict(frozen=True)

    tenant_id: str
    client_id: str
    authority: str

    @property
    def issuers(self) -> tuple[str, str]:
        """As tokens of version 1 and 2 name this tenant."""
        return f"https://sts.windows.net/{self.tenant_id}/", f"{self.authority}/{self.tenant_id}/v2.0"


_FILE: Final = TypeAdapter(list[_Entry])


def read_registrations(file: Path | None) -> list[Registration]:
    """The registrations in a file; none without one. Raises `BadConfiguration`."""
    if file is None:
        return []
    try:
        entries = _FILE.validate_json(file.read_bytes())
    except OSError as error:
        raise BadConfiguration(f"{_SETTING}: {file}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadConfiguration(f"{_SETTING}: {file}: {place}: {first['msg']}") from None
    return [
        Registration(
            tenant_id=entry.tenant_id,
            client_id=entry.client_id,
            authority=(entry.authority or _AUTHORITIES[entry.cloud]).rstrip("/"),
        )
        for entry in entries
    ]

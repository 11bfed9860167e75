"""The tenants to collect from: read once, at start, from a JSON file.

```json
[{"name": "contoso", "tenant_id": "…", "client_id": "…", "client_secret": "file:/run/secrets/contoso"}]
```
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, model_validator

from aoc_common.contracts.subjects import TENANT_PATTERN
from aoc_common.errors import BadConfiguration
from aoc_common.settings import Frozen, SecretRef

if TYPE_CHECKING:
    from collections.abc import Collection

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class Hosts(NamedTuple):
    """Where the three services of a cloud are."""

    authority: str
    graph: str
    management: str


#: Microsoft's clouds (graph-docs, deployments.md; office-365-management-activity-api-reference.md).
CLOUDS = {
    "commercial": Hosts(
        "https://login.microsoftonline.com", "https://graph.microsoft.com", "https://manage.office.com"
    ),
    "gcc": Hosts("https://login.microsoftonline.com", "https://graph.microsoft.com", "https://manage-gcc.office.com"),
    "gcc-high": Hosts("https://login.microsoftonline.us", "https://graph.microsoft.us", "https://manage.office365.us"),
    "dod": Hosts(
        "https://login.microsoftonline.us", "https://dod-graph.microsoft.us", "https://manage.protection.apps.mil"
    ),
}


def _base(value: str) -> str:
    parts = urlsplit(value)
    if not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("must be a base address like https://graph.microsoft.com")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError("must be https (http only on this machine): tokens travel to it")
    return value.rstrip("/")


BaseUrl = Annotated[str, AfterValidator(_base)]
Guid = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]


class Tenant(Frozen):
    """A tenant, and the app registration that reads its records."""

    name: str = Field(pattern=TENANT_PATTERN, description="Short name; part of subjects and of every event.")
    tenant_id: Guid = Field(description="Directory (tenant) id.")
    client_id: Guid = Field(description="Application (client) id.")
    client_secret: SecretRef | None = Field(None, description="Reference to the client secret.")
    client_certificate: Path | None = Field(
        None, description="PEM file with the app's certificate and its unencrypted private key, instead of a secret."
    )
    cloud: Literal["commercial", "gcc", "gcc-high", "dod"] = Field("commercial", description="Microsoft's cloud.")
    authority: BaseUrl | None = Field(None, description="Another address for tokens.")
    graph: BaseUrl | None = Field(None, description="Another address for Microsoft Graph.")
    management: BaseUrl | None = Field(None, description="Another address for the Management Activity API.")
    sources: tuple[str, ...] | None = Field(None, description="Sources to collect; all when left out.")

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if (self.client_secret is None) == (self.client_certificate is None):
            raise ValueError("needs client_secret or client_certificate, and not both")
        return self

    @property
    def hosts(self) -> Hosts:
        """Where this tenant's services are."""
        cloud = CLOUDS[self.cloud]
        return Hosts(self.authority or cloud.authority, self.graph or cloud.graph, self.management or cloud.management)

    @property
    def resources(self) -> Hosts:
        """What tokens are asked for: a cloud's own names, wherever the service is reached."""
        return CLOUDS[self.cloud]


def read_tenants(file: Path | None, known_sources: Collection[str]) -> tuple[Tenant, ...]:
    """The tenants of `file`. Raises `BadConfiguration`, naming entry and field, for the first thing that is wrong."""
    if file is None:
        return ()
    where = f"AOC_TENANTS_FILE: {file}"
    try:
        entries: Any = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise BadConfiguration(f"{where}: {error.strerror}") from None
    except ValueError as error:
        raise BadConfiguration(f"{where}: no JSON ({error})") from None
    if not isinstance(entries, list):
        raise BadConfiguration(f"{where}: expected a list of tenants")
    tenants = tuple(_tenant(f"{where}: {_label(number, entry)}", entry) for number, entry in enumerate(entries, 1))
    seen: set[str] = set()
    for tenant in tenants:
        if tenant.name in seen:
            raise BadConfiguration(f"{where}: two tenants have the name {tenant.name}")
        seen.add(tenant.name)
        if strangers := sorted(set(tenant.sources or ()) - set(known_sources)):
            known = ", ".join(known_sources)
            raise BadConfiguration(f"{where}: tenant {tenant.name}, sources: no {strangers[0]!r}; known are {known}")
    return tenants


def _label(number: int, entry: Any) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return f"tenant {name if isinstance(name, str) else number}"


def _tenant(where: str, entry: Any) -> Tenant:
    try:
        return Tenant.model_validate(entry)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadConfiguration(f"{where}{', ' if field else ''}{field}: {first['msg']}") from None

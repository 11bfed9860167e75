"""Exports that are made in the background: what was asked for, by whom, and how far it is.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from aoc_common.contracts.access import Hidden

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aoc_common.store.sessions import SignedIn

type ExportState = Literal["waiting", "running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class ExportOwner:
    """Who asked for an export.

    `kind`, `id`, `name`: as of a principal. `person`: what was verified when somebody of a directory signed in, by
    which what he may do now is found; None for an API key. `address`: where the request came from.
    """

    kind: Literal["person", "application", "api-key"]
    id: str
    name: str
    person: SignedIn | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class ExportJob:
    """An export.

    `parameters`: of the search, as they are sent. `form`, `fields`: as `format` and `fields` of GET /api/events/export.
    `attempt`: which begin of it the numbers are of; each writes a file of its own. `events`, `size`, `sha256`: of the
    file, or of as much as there is. `hidden`: what was hidden from its owner when this file was made.
    `reason`: why it failed. `expires_at`: when it, and its file, are gone.
    """

    id: str
    tenant: str
    owner: ExportOwner
    parameters: Mapping[str, str]
    form: str
    fields: str | None
    made_at: datetime
    expires_at: datetime
    state: ExportState = "waiting"
    attempt: int = 0
    changed_at: datetime | None = None
    events: int = 0
    size: int = 0
    sha256: str = ""
    hidden: Hidden = field(default_factory=Hidden)
    reason: str = ""


class ExportJobStore(Protocol):
    """The jobs of their owners."""

    async def add(self, job: ExportJob, most: int) -> bool:
        """Keep a new one. False, and it is not kept, where its owner would have more than `most`, of all tenants."""
        ...

    async def get(self, tenant: str, owner: str, job_id: str, now: datetime) -> ExportJob | None:
        """One of an owner's that has not expired."""
        ...

    async def listed(self, tenant: str, owner: str, now: datetime) -> list[ExportJob]:
        """Those of an owner about a tenant that have not expired, the newest first; 1,000 at most."""
        ...

    async def bytes_of(self, owner: str, now: datetime) -> int:
        """Bytes of all files of an owner, of whichever tenants."""
        ...

    async def remove(self, tenant: str, owner: str, job_id: str) -> bool:
        """Remove one of an owner's; False where there is none. Whoever works on it is told by `ExportWork.keep`."""
        ...

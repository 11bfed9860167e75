"""Changes to who may see what, as they are put on record.

Every one is recorded before it takes effect, by what `Services.record_change` holds (see `aoc_api.audit.changes`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from aoc_api.access.principal import Principal

type AccessEvent = Literal["grant.added", "grant.removed", "glass.broken", "glass.mended"]


@dataclass(frozen=True, slots=True)
class AccessChange:
    """What somebody is about to change.

    `tenant`: whom the entry is for, whose administrators read it: nothing of other tenants may be in it. None: for who
    administers all of them. `details`: plain JSON. `address`, `request_id`: as of a `Note`.
    """

    event: AccessEvent
    by: Principal
    tenant: str | None
    details: Mapping[str, Any] = field(default_factory=dict)
    address: str = ""
    request_id: str = ""


type RecordChange = Callable[[AccessChange], Awaitable[None]]
"""Puts a change on record; what raises must not take effect."""

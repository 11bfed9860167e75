"""Changes to who may see what, as they are put on record.

Every one is recorded before it takes effect, by a function that `Services.record_change` holds. Until AOC has an audit
trail of its own, the record is the gateway's log; the audit trail takes the place of `log_change`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from aoc_api.access.principal import Principal

_log = logs.get(__name__)

type AccessEvent = Literal["grant.added", "grant.removed", "glass.broken", "glass.mended"]


@dataclass(frozen=True, slots=True)
class AccessChange:
    """What somebody is about to change. `tenants`: those that it is about; none: all. `details`: plain JSON."""

    event: AccessEvent
    by: Principal
    tenants: tuple[str, ...]
    details: Mapping[str, Any] = field(default_factory=dict)


type RecordChange = Callable[[AccessChange], Awaitable[None]]
"""Puts a change on record; what raises must not take effect."""


async def log_change(change: AccessChange) -> None:
    """The record in the log."""
    _log.warning(change.event, by=change.by.id, tenants=list(change.tenants), **change.details)

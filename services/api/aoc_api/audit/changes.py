"""Changes to who may see what, noted before they take effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from aoc_api.audit.acts import Act, Action, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_api.access.recording import AccessChange, AccessEvent, RecordChange
    from aoc_api.audit.trail import AuditTrail
    from aoc_common.clock import Clock

_KINDS: Final[Mapping[AccessEvent, Kind]] = {
    "grant.added": "create",
    "grant.removed": "delete",
    "glass.broken": "change",
    "glass.mended": "change",
}
_DONE: Final = 200


def change_recorder(trail: AuditTrail, clock: Clock) -> RecordChange:
    """Notes changes in this trail, about each tenant that they are about. Raises `SpoolFull`: then nothing changes."""

    async def record(change: AccessChange) -> None:
        for tenant in change.tenants or (None,):
            trail.note(
                Act(
                    action=Action(change.event, _KINDS[change.event]),
                    at=clock.now(),
                    status=_DONE,
                    request_id="",
                    tenant=tenant,
                    principal=change.by,
                    about=orjson.dumps(change.details, default=str).decode(),
                )
            )

    return record

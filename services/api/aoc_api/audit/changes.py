"""Changes to who may see what, noted before they take effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from aoc_api.audit.acts import Act, Action, Kind
from aoc_api.audit.full import cannot_note
from aoc_api.audit.spool import SpoolFull

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
    """Notes changes in this trail. Raises a problem when there is no room: then nothing changes."""

    async def record(change: AccessChange) -> None:
        act = Act(
            action=Action(change.event, _KINDS[change.event]),
            at=clock.now(),
            status=_DONE,
            request_id=change.request_id,
            tenant=change.tenant,
            principal=change.by,
            address=change.address,
            about=orjson.dumps(change.details, default=str).decode(),
        )
        try:
            trail.note(act)
        except SpoolFull:
            raise cannot_note() from None

    return record

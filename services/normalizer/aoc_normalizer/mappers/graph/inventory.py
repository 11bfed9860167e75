"""Objects of Graph that are no events: devices, applications, summaries. Exports of an inventory lie beside audit logs.

They have most often no time of their own but the last at which somebody heard of them.
"""

from __future__ import annotations

import re
from typing import Final

from aoc_normalizer.draft import Draft, Party
from aoc_normalizer.fields import times, values
from aoc_normalizer.mappers.base import Mapper, Record
from aoc_normalizer.ocsf_classes import ENTITY_MANAGEMENT

_PREFIX: Final = "#microsoft.graph."
_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_READ: Final = 2
_NAMES: Final = ("deviceName", "displayName", "settingName", "name", "userPrincipalName")
_TIMES: Final = (
    "lastSyncDateTime",
    "lastModifiedDateTime",
    "lastUpdateDateTime",
    "enrolledDateTime",
    "createdDateTime",
)
_SEARCHED: Final = ("serialNumber", "publisher", "manufacturer")
#: What stands of an object.
_STATES: Final = ("complianceState", "managementState", "state", "status", "version")


def recognises(record: Record) -> bool:
    """An object that says its type, and neither what happened nor who did it."""
    sort = record.get("@odata.type")
    return (
        isinstance(sort, str)
        and sort.startswith(_PREFIX)
        and "id" in record
        and "activityDateTime" not in record
        and "eventDateTime" not in record
    )


def fill(record: Record, draft: Draft) -> None:
    """What it is, whose, and how it stands."""
    kind = _WORDS.sub(" ", (values.text(record.get("@odata.type")) or "").rpartition(".")[2]).lower() or "object"
    draft.used |= {"@odata.type", "id", *_NAMES, *_TIMES}
    draft.product, draft.service, draft.log_name = "Microsoft Graph", "graph", "Inventory"
    draft.record_id = values.text(record.get("id"))
    draft.original_time = values.first(record, *_TIMES)
    draft.time_ms = times.parse_ms(draft.original_time)
    draft.operation = f"Inventory {kind}"
    draft.class_uid, draft.activity_id = ENTITY_MANAGEMENT, _READ
    draft.result = "success"
    owner = values.first(record, "userPrincipalName", "emailAddress")
    draft.actor = Party(values.text(record.get("userDisplayName")), owner and owner.lower(), kind="user")
    draft.targets = [Party(values.first(record, *_NAMES), uid=draft.record_id, kind=kind)]
    state = values.first(record, *_STATES)
    draft.search = [text for name in _SEARCHED if (text := values.text(record.get(name)))]
    draft.sentence = lambda done: (
        f"{kind.capitalize()} {done.targets[0].spoken}"
        + (f" of {done.actor.spoken}" if done.actor.known else "")
        + (f": {state}" if state else "")
    )


MAPPER: Final = Mapper("inventory", 1, recognises, fill)

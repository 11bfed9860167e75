"""Records whose names a tool or a store has spelt in its own way, mapped under Microsoft's.

PowerShell's Graph SDK and the module AzureAD begin every name with a capital (`CreatedDateTime`), Python's SDK writes
`created_date_time`, Athena and Hive know small letters only. The record inside is the same, and so is its id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.fields import values
from aoc_normalizer.fields.duplicate_keys import renamed
from aoc_normalizer.fields.spellings import GRAPH, INTUNE, ROWS, UNIFIED, letters, respelt
from aoc_normalizer.mappers import azure_activity, message_trace
from aoc_normalizer.mappers.base import Mapper, Record
from aoc_normalizer.mappers.envelopes import diagnostics, wrapped
from aoc_normalizer.mappers.graph import activity, alerts, directory, intune, provisioning, risk, role_requests, signins
from aoc_normalizer.mappers.unified import audit_log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_normalizer.draft import Draft

#: Names that a record must have, as letters, to be looked at as one of Graph's or of an envelope of Azure Monitor.
_OF_GRAPH: Final = frozenset(
    {"activitydatetime", "createddatetime", "operationname", "risklevel", "requestmethod", "severity", "eventtimestamp",
     "senderaddress", "roledefinitionid"}
)  # fmt: skip
_OF_UNIFIED: Final = frozenset({"creationtime", "operation"})
_OF_USERS: Final = _OF_UNIFIED | {"userid"}
_HOLDERS: Final = frozenset({"auditdata", "raweventdata"})
#: Properties of an envelope that are Intune's.
_OF_INTUNE: Final = frozenset({"auditeventid", "intunedeviceid", "intuneaccountid"})
_MAPPERS: Final = (
    azure_activity.MAPPER,
    diagnostics.MAPPER,
    signins.MAPPER,
    directory.MAPPER,
    intune.MAPPER,
    alerts.MAPPER,
    risk.MAPPER,
    message_trace.MAPPER,
    provisioning.MAPPER,
    role_requests.MAPPER,
    activity.MAPPER,
)
#: Names of a record that are looked at: Microsoft's have less than a hundred.
_MOST_NAMES: Final = 500


def recognises(record: Record) -> bool:
    """Whether it is a record of a known shape but for how its names are spelt."""
    return _mapper(record) is not None


def misspells_user(record: Record) -> bool:
    """Whether a unified record has `UserID` or `User_Id` in place of `UserId`, and so, perhaps, other names.

    Who selects columns writes their names by heart.
    """
    if "Operation" not in record or "UserId" in record or len(record) > _MOST_NAMES:
        return False
    return {letters(name) for name in record} >= _OF_USERS


def fill(record: Record, draft: Draft) -> None:
    """Map it under Microsoft's names; what its mapper used is noted under the record's own."""
    found = _mapper(record)
    if found is None:
        raise ValueError("no record of a known shape")
    mapper, spelling, names = found
    theirs = renamed(record, names)
    if mapper is diagnostics.MAPPER:
        theirs["properties"] = _properties(values.mapping(theirs["properties"]))
    elif mapper is not wrapped.MAPPER:
        theirs = {name: respelt(value, spelling) for name, value in theirs.items()}
    mapper.fill(theirs, draft)
    draft.used = {name for name, as_microsoft in names.items() if as_microsoft in draft.used}
    if mapper is not wrapped.MAPPER:
        # What a mapper left of a record inside stands in the record itself.
        draft.rest = {}


def _properties(inside: Mapping[str, Any]) -> Record:
    """The record in an envelope: Graph's, or Intune's own."""
    intune_s = not _OF_INTUNE.isdisjoint(map(letters, inside))
    made: Record = respelt(dict(inside), INTUNE if intune_s else GRAPH)
    return made


def _mapper(record: Record) -> tuple[Mapper, Mapping[str, str], dict[str, str]] | None:
    """The mapper, the spelling that it reads, and the record's names in that spelling."""
    if len(record) > _MOST_NAMES:
        return None
    keys = {letters(name) for name in record}
    if keys >= _OF_UNIFIED:
        names = _names(record, UNIFIED)
        if audit_log.MAPPER.recognises(dict.fromkeys(names.values())):
            return audit_log.MAPPER, UNIFIED, names
    if not keys.isdisjoint(_HOLDERS):
        names = _names(record, ROWS)
        shallow = {names[name]: value for name, value in record.items()}
        return (wrapped.MAPPER, ROWS, names) if wrapped.MAPPER.recognises(shallow) else None
    if keys.isdisjoint(_OF_GRAPH):
        return None
    names = _names(record, GRAPH)
    shallow = {names[name]: value for name, value in record.items()}
    mapper = next((one for one in _MAPPERS if one.recognises(shallow)), None)
    return None if mapper is None else (mapper, GRAPH, names)


def _names(record: Record, spelling: Mapping[str, str]) -> dict[str, str]:
    return {name: spelling.get(letters(name), name) for name in record}


MAPPER: Final = Mapper("respelt", 6, recognises, fill)
#: The same for records that another mapper would take, and would find nobody in.
MISSPELT: Final = Mapper("respelt", 6, misspells_user, fill)

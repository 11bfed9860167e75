"""Records that carry a unified record inside: AuditLogSearch results, rows of exports, and Defender's CloudAppEvents.

What is around the record inside tells the same once more, in columns of its own. Where they contradict it, neither is
believed in silence: the event says so, both can be searched for, and it is as severe as the more severe of them. A
record that is one by itself is no wrapper, whatever it carries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aoc_common.contracts import spelling
from aoc_normalizer import operations
from aoc_normalizer.draft import Draft, Fact
from aoc_normalizer.fields import times, values
from aoc_normalizer.mappers import message_trace
from aoc_normalizer.mappers.base import Mapper, Record
from aoc_normalizer.mappers.graph import alerts, directory, intune, provisioning, risk, signins
from aoc_normalizer.mappers.unified import audit_log

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Tag of an event whose wrapper says otherwise than the record inside.
CONTRADICTS: Final = "wrapper-contradicts"
_HOLDERS: Final = ("auditData", "AuditData", "RawEventData")
#: Columns that only a search at Graph has; its records have an id and an operation, those of the record inside.
_OF_SEARCH: Final = ("auditLogRecordType", "AuditLogRecordType")
#: Fields that only a unified record itself has; rows have `CreationDate`.
_OF_UNIFIED: Final = ("CreationTime", "Workload")
#: Columns that tell the id, operation, user and time of the record inside. `Identity` is a row's own.
_IDS: Final = ("RecordId", "Id", "id")
_OPERATIONS: Final = ("Operation", "Operations", "operation", "ActionType")
_USERS: Final = ("UserIds", "userPrincipalName", "UserPrincipalName")
_TIMES: Final = ("CreationDate", "createdDateTime", "CreatedDateTime")
_SECOND_MS: Final = 1000
_MINUTE_MS: Final = 60_000
#: Shapes of records that are no unified ones, and that have an id of their own.
_OTHERS: Final = (directory, signins, intune, alerts, risk, provisioning, message_trace)


class Contradiction(NamedTuple):
    """What a wrapper says otherwise: of which attribute of the event, what it says, and what the record inside says."""

    about: str
    outside: str
    inside: str


def inner(record: Record) -> Record | None:
    """The unified record inside, if there is one, and what is around it is no record by itself."""
    found = _holder(record)
    return None if found is None else found[1]


def is_own(record: Mapping[str, Any], inside: Mapping[str, Any]) -> bool:
    """Whether what is around a record is one by itself: it has an id and an operation of its own."""
    uid, operation = values.first(record, "Id", "id"), values.first(record, "Operation", "operation")
    if uid is None:
        return False
    if operation is None:
        return any(other.recognises(dict(record)) for other in _OTHERS)
    if any(name in record for name in _OF_UNIFIED):
        return True
    if any(name in record for name in _OF_SEARCH):
        return False
    return not (_same_id(uid, inside) and _same_operation(operation, inside))


def contradictions(around: Mapping[str, Any], inside: Mapping[str, Any]) -> Iterator[Contradiction]:
    """What a wrapper says otherwise than the record inside. Silence contradicts nothing."""
    uid, own = values.first(around, *_IDS), values.text(inside.get("Id"))
    if uid and own and not _same_id(uid, inside):
        yield Contradiction("metadata.uid", uid, own)
    report = values.text(around.get("ReportId"))  # of Defender, which puts the id at its end
    if report and own and not uid and not report.casefold().endswith(own.casefold()):
        yield Contradiction("metadata.uid", report, own)
    operation, own_operation = values.first(around, *_OPERATIONS), values.text(inside.get("Operation"))
    if operation and own_operation and not _same_operation(operation, inside):
        yield Contradiction("metadata.event_code", operation, own_operation)
    # A row's `UserId` is the record's; a search's is its `UserKey`.
    user = values.first(around, *_USERS) or (values.text(around.get("UserId")) if "RecordId" in around else None)
    who = values.text(inside.get("UserId"))
    if user and who and _plain(user) != _plain(who):
        yield Contradiction("actor.user", user, who)
    time, at = values.first(around, *_TIMES), values.text(inside.get("CreationTime"))
    if time and at and not _same_time(time, at):
        yield Contradiction("time", time, at)


def recognises(record: Record) -> bool:
    """The inner record is what counts: its Id is the identity that every way of delivery shares."""
    return (
        "auditData" in record or "AuditData" in record or "RawEventData" in record or "properties" in record
    ) and inner(record) is not None


def fill(record: Record, draft: Draft) -> None:
    """Map the inner record; the wrapper's own fields have another meaning (its `userId` is the inner UserKey)."""
    holding = _holder(record)
    if holding is None:
        raise ValueError("no unified record inside")
    around, found = holding
    draft.content = found
    audit_log.MAPPER.fill(found, draft)
    draft.rest = {name: value for name, value in found.items() if name not in draft.used}
    draft.used |= {*_HOLDERS, "properties"}
    draft.organisation = draft.organisation or values.first(around, "organizationId", "OrganizationId")
    for one in contradictions(around, found):
        _note(one, around, draft)


def _note(one: Contradiction, around: Mapping[str, Any], draft: Draft) -> None:
    if CONTRADICTS not in draft.tags:
        draft.tags.append(CONTRADICTS)
    draft.facts.append(Fact(one.about, one.inside, "wrapper", {"told": one.outside}))
    draft.search.append(one.outside)
    if one.about == "metadata.event_code":
        draft.severity = max(draft.severity, operations.meaning(operations.shown(one.outside)).severity)
    elif one.about == "metadata.uid" and draft.record_id and values.first(around, *_OPERATIONS):
        # Two that carry the same record under ids of their own must not be one.
        draft.record_id = f"{draft.record_id}|{one.outside}"


def _holder(record: Record) -> tuple[Mapping[str, Any], Record] | None:
    """What is around a unified record, and that."""
    for around in (record, values.mapping(record.get("properties"))):
        for name in _HOLDERS:
            if name in around:
                found = dict(values.mapping(around[name]))
                if audit_log.MAPPER.recognises(found):
                    return None if is_own(around, found) else (around, found)
    return None


def _plain(text: str) -> str:
    return spelling.folded(text).strip().casefold()


def _same_id(uid: str, inside: Mapping[str, Any]) -> bool:
    return _plain(uid) == _plain(values.text(inside.get("Id")) or "")


def _same_operation(operation: str, inside: Mapping[str, Any]) -> bool:
    return operations.key(operation) == operations.key(values.text(inside.get("Operation")) or "")


def _same_time(outside: str, inside: str) -> bool:
    """Whether two times are one, as exactly as the outer one is told. What cannot be read contradicts nothing.

    Of `5/6/2021` nobody knows which is the month. Excel saves what it shows, and shows no seconds.
    """
    first, second = times.parse_ms(outside), times.parse_ms(inside)
    if first is None or second is None:
        return True
    if outside.count(":") == 1:
        second -= second % _MINUTE_MS
    if abs(first - second) < _SECOND_MS:
        return True
    month, slash, rest = outside.partition("/")
    day, slash_too, year = rest.partition("/")
    turned = times.parse_ms(f"{day}/{month}/{year}") if slash and slash_too else None
    return turned is not None and abs(turned - second) < _SECOND_MS


MAPPER: Final = Mapper("wrapped", 5, recognises, fill)

"""Records that no other mapper knows: still time, actor, operation, result, target and address, wherever they are."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from aoc_normalizer import bounds
from aoc_normalizer.draft import Draft, Party
from aoc_normalizer.fields import addresses, times, values
from aoc_normalizer.mappers.base import Mapper, Record, apply_operation, named_party
from aoc_normalizer.ocsf_classes import API_ACTIVITY, OTHER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Fields of a record whose own fields are looked at.
_MAX_FIELDS: Final = 200
IDS: Final = ("id", "Id", "ID", "eventId", "EventId", "recordId", "ReportId", "uid", "_id")
TIMES: Final = (
    "activityDateTime", "createdDateTime", "CreationTime", "eventDateTime", "detectedDateTime", "TimeGenerated",
    "TimeGenerated [UTC]", "Timestamp", "timestamp", "eventTimestamp", "time", "Time",
    "StartTime", "created_time_utc", "lastSyncDateTime",
    "riskLastUpdatedDateTime", "lastUpdateDateTime", "lastModifiedDateTime", "Received", "@timestamp", "Date",
)  # fmt: skip
_OPERATIONS: Final = (
    "operation", "Operation",
    "operationName", "OperationName", "activityDisplayName", "activity", "Activity", "ActionType",
    "action", "Action", "eventName", "EventName", "@odata.type", "type", "Type", "category", "Category",
)  # fmt: skip
_ACTORS: Final = (
    "userPrincipalName",
    "UserPrincipalName", "userId", "UserId", "user", "User", "AccountUpn", "AccountName", "caller",
    "Caller", "actor", "Actor", "identity", "Identity", "userDisplayName",
)  # fmt: skip
_ADDRESSES: Final = (
    "ipAddress", "IPAddress", "IpAddress", "ClientIP", "clientIp", "ClientIPAddress", "callerIpAddress",
    "CallerIpAddress",
    "ActorIpAddress", "RemoteIP", "FromIP", "sourceIp", "src_ip", "clientIP", "client_ip",
    "sourceIPAddress", "ip",
)  # fmt: skip
_TARGETS: Final = (
    "target",
    "Target",
    "ObjectId",
    "objectId",
    "resourceId",
    "ResourceId",
    "displayName",
    "DeviceName",
    "deviceName",
)
_RESULTS: Final = (
    "result",
    "Result",
    "ResultStatus",
    "resultType",
    "ResultType",
    "status",
    "Status",
    "resultSignature",
)
_GOOD: Final = frozenset(
    {"success", "succeeded", "successful", "true", "ok", "0", "200", "201", "204", "started", "accepted"}
)
_BAD: Final = frozenset({"failure", "failed", "false", "error", "denied", "blocked", "timeout"})


def _find(
    record: Record, names: tuple[str, ...], used: set[str], read: Callable[[str], object | None] = str
) -> str | None:
    """The first of these fields with something in it that can be read, here or one level down."""
    for name in names:
        found = _text_of(record.get(name))
        if found is not None and read(found) is not None:
            used.add(name)
            return found
    for inner in islice(record.values(), _MAX_FIELDS):
        if isinstance(inner, dict):
            for name in names:
                found = values.text(inner.get(name))
                if found is not None and read(found) is not None:
                    return found
    return None


def _text_of(value: object) -> str | None:
    """A text, also as Azure's activity log has it: `{"value": ..., "localizedValue": ...}`."""
    return values.text(value.get("value") if isinstance(value, dict) else value)


def fill(record: Record, draft: Draft) -> None:
    """Find what can be found."""
    used = draft.used
    draft.record_id = values.first(record, *IDS)
    draft.original_time = _find(record, TIMES, used, times.parse_ms)
    draft.time_ms = times.parse_ms(draft.original_time)
    apply_operation(draft, _find(record, _OPERATIONS, used))
    if draft.class_uid != API_ACTIVITY:
        draft.class_uid, draft.activity_id = API_ACTIVITY, OTHER
    draft.actor = named_party(_find(record, _ACTORS, used))
    draft.address = addresses.parse(_find(record, _ADDRESSES, used, addresses.parse))
    target = _find(record, _TARGETS, used)
    if target is not None:
        draft.targets = [Party(name=target, kind="object")]
    outcome = (_find(record, _RESULTS, used) or "").casefold()
    draft.result = "success" if outcome in _GOOD else "failure" if outcome in _BAD else "unknown"
    draft.correlation_id = values.first(record, "correlationId", "CorrelationId")
    draft.phrase = draft.otherwise = None
    draft.search += islice(_words(record), bounds.FOUND)


def _words(record: Record) -> Iterator[str]:
    """Texts and numbers of a record, what stands on its first level first: nobody knows which of them tell something.

    Not times, which are searched for as such. At most `bounds.LEAVES` values are looked at.
    """
    level: list[object] = [record]
    left = bounds.LEAVES
    while level and left > 0:
        below: list[object] = []
        for value in level:
            inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,)
            for one in islice(inner, left):
                left -= 1
                if isinstance(one, (dict, list)):
                    below.append(one)
                elif isinstance(one, (str, int)) and not isinstance(one, bool):
                    # Cut without a tag: the value itself stays whole, in `unmapped`.
                    text = str(one[: bounds.TEXT] if isinstance(one, str) else one)
                    if times.parse_ms(text) is None:
                        yield text
        level = below


MAPPER: Final = Mapper("generic", 2, lambda _record: True, fill)

"""Records that carry a unified record inside: AuditLogSearch results and Defender's CloudAppEvents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_normalizer.fields import values
from aoc_normalizer.mappers import unified
from aoc_normalizer.mappers.base import Mapper, Record

if TYPE_CHECKING:
    from aoc_normalizer.draft import Draft


def inner(record: Record) -> Record | None:
    """The unified record inside, if there is one."""
    for holder in (record, values.mapping(record.get("properties"))):
        for name in ("auditData", "AuditData", "RawEventData"):
            if name in holder:
                found = values.mapping(holder[name])
                if unified.MAPPER.recognises(dict(found)):
                    return dict(found)
    return None


def recognises(record: Record) -> bool:
    """The inner record is what counts: its Id is the identity that every way of delivery shares."""
    return (
        "auditData" in record or "AuditData" in record or "RawEventData" in record or "properties" in record
    ) and inner(record) is not None


def fill(record: Record, draft: Draft) -> None:
    """Map the inner record; the wrapper's own fields have another meaning (its `userId` is the inner UserKey)."""
    found = inner(record)
    if found is None:
        raise ValueError("no unified record inside")
    draft.content = found
    unified.MAPPER.fill(found, draft)
    draft.rest = {name: value for name, value in found.items() if name not in draft.used}
    draft.used |= {"auditData", "AuditData", "RawEventData", "properties"}


MAPPER: Final = Mapper("wrapped", 2, recognises, fill)

"""What is known of a user, application, device, group or address: from the directory, and from events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from aoc_api import counting, time_buckets
from aoc_common.contracts import ids
from aoc_common.contracts.directory import key
from aoc_common.contracts.query import values
from aoc_common.contracts.query.filters import Clause
from aoc_common.errors import TimedOut
from aoc_common.gateway.entities import Activity, KnownEntity
from aoc_common.store.searches import FieldValues

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from aoc_common.contracts import directory
    from aoc_common.contracts.access import Hidden
    from aoc_common.contracts.periods import History
    from aoc_common.contracts.query.filters import Field, Value
    from aoc_common.gateway.entities import EntityKind, Part
    from aoc_common.gateway.histogram import Size
    from aoc_common.store.directory_histories import DirectoryHistories
    from aoc_common.store.event_counts import EventCounts
    from aoc_common.store.pace import Pace
    from aoc_common.store.searches import EventQuery

#: How the directory calls a kind; addresses stand in none.
_IN_DIRECTORY: Final[Mapping[EntityKind, directory.EntityKind]] = {
    "user": "user", "application": "service principal", "device": "device", "group": "group",
}  # fmt: skip
#: The parts that a kind plays in events, and the field by which these are found.
_PARTS: Final[Mapping[EntityKind, tuple[tuple[Part, Field], ...]]] = {
    "user": (("actor", "actor"), ("target", "target")),
    "application": (("actor", "actor"), ("target", "target")),
    "group": (("target", "target"),),
    "device": (("named", "text"),),
    "address": (("address", "ip"),),
}
#: Counted of an event -> the member of an answer.
_COUNTED: Final = {
    "source": "sources", "service": "services", "operation": "operations", "result": "results", "actor": "actors",
    "ip": "addresses",
}  # fmt: skip
#: Names of one object by which events are looked for: it can have had many.
_MOST_NAMES: Final = 8
#: Events of a part that are counted at most, the newest.
_MOST_EVENTS: Final = 5_000
_TOP: Final = 10
_BUCKETS: Final = 60
_MOST_BUCKETS: Final = 500


@dataclass(frozen=True, slots=True)
class Known:
    """What a directory says of an object, and the names and ids by which events know it."""

    entity: KnownEntity | None
    names: tuple[str, ...]


def hides(kind: EntityKind, hidden: Hidden) -> bool:
    """Whether everything of a kind is hidden from a reader: it is then as if there were none."""
    return kind in hidden.fields


async def known(histories: DirectoryHistories, tenant: str, kind: EntityKind, text: str) -> Known:
    """What the directory says of an id, user name or application id; the text alone where it says nothing."""
    if kind not in _IN_DIRECTORY:
        return Known(None, (text,))
    remembered = await histories.remembered(tenant, [key(text)])
    of_kind = [
        history
        for history in remembered.histories.get(key(text), ())
        if history.periods[-1].entity.kind == _IN_DIRECTORY[kind]
    ]
    if not of_kind:
        return Known(None, (text,))
    # Its own id before a name that others had, too; of these who is there, and had it last.
    best = max(of_kind, key=lambda one: (one.own_key == key(text), not one.periods[-1].deleted, one.periods[-1].since))
    last = best.periods[-1]
    entity = last.entity
    shown = KnownEntity(
        id=entity.id,
        name=entity.name,
        user_name=entity.upn,
        app_id=entity.app_id,
        enabled=entity.enabled,
        guest=entity.guest,
        department=entity.department,
        service_account=entity.service_account,
        roles=list(entity.roles),
        privileged=entity.privileged,
        deleted=last.deleted,
        others=len(of_kind) - 1,
    )
    return Known(shown, _names(kind, text, best))


def _names(kind: EntityKind, text: str, history: History) -> tuple[str, ...]:
    """Names and ids of an object, the newest first. A display name is none of a user: others may have the same."""
    named: list[str | None] = [text, history.id]
    for period in reversed(history.periods):
        named += [period.entity.upn, period.entity.app_id]
        named += [period.entity.name] if kind in {"application", "device", "group"} else []
    distinct: dict[str, str] = {}
    for name in filter(None, named):
        distinct.setdefault(name.casefold(), name)
    return tuple(distinct.values())[:_MOST_NAMES]


def parts(kind: EntityKind, names: Sequence[str]) -> list[tuple[Part, Clause]]:
    """What finds the events in which it plays each of its parts; none where no name can be looked for.

    Raises `Unsearchable` for what is no address.
    """
    if kind == "address":
        return [("address", values.clause("ip", names[0]))]
    found = ((part, _served(field, names)) for part, field in _PARTS[kind])
    return [(part, clause) for part, clause in found if clause is not None]


def _served(field: Field, names: Sequence[str]) -> Clause | None:
    wanted: dict[Value, None] = {}
    for name in names:
        try:
            value = values.exactly(field, name)
        except values.Unsearchable:
            continue
        if value.needs:  # what no index serves would read all events
            wanted[value] = None
    return Clause(field, tuple(wanted)) if wanted else None


async def activity(
    counts: EventCounts, query: EventQuery, part: Part, where: Clause, zone: ZoneInfo, pace: Pace, *, first: bool
) -> Activity:
    """The events of one part. Raises `TimedOut` for the first part only: others may find the time used up."""
    try:
        found = await counts.field_values(replace(query, where=(where,)), list(_COUNTED), _MOST_EVENTS, pace)
    except TimedOut:
        if first:
            raise
        found = FieldValues([], complete=False)
    size, limits = _limits(found, zone)
    return Activity(
        part=part,
        events=len(found.rows),
        complete=found.complete,
        counted_back_to=counting.counted_back_to(found),
        first_seen=ids.from_ms(found.rows[-1].time_ms) if found.rows else None,
        last_seen=ids.from_ms(found.rows[0].time_ms) if found.rows else None,
        bucket=size,
        timeline=counting.over_time(found, limits, ()) if limits else [],
        **{
            member: dict(counting.most_frequent((row.values[position] for row in found.rows), _TOP))
            for position, member in enumerate(_COUNTED.values())
        },
    )


def _limits(found: FieldValues, zone: ZoneInfo) -> tuple[Size, list[datetime]]:
    """Of the buckets from the first to the last event: their size, and when they begin and end."""
    if not found.rows:
        return "1d", []
    start, end = ids.from_ms(found.rows[-1].time_ms), ids.just_after(ids.from_ms(found.rows[0].time_ms))
    size = time_buckets.fitting(start, end, _BUCKETS)
    return size, time_buckets.limits(start, end, size, zone, _MOST_BUCKETS)

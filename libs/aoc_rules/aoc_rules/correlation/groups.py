"""Hits of a correlation that have the same in common. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.alert import FieldValue, group_key
from aoc_common.contracts.ids import EPOCH, event_id, to_ms
from aoc_common.store.counted_hits import CountedHit
from aoc_rules.correlation.windows import Seen
from aoc_rules.grouping import Found, Placed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aoc_common.contracts.alert import AlertEvent
    from aoc_rules.correlation.plan import Correlation

#: A hit outlives the windows that it can be part of by so much: for what comes late.
_LATE: Final = timedelta(days=7)
#: Events of a window that correlations of correlations know.
MOST_EVENTS: Final = 20


@dataclass(frozen=True, slots=True)
class Group:
    """What events of a correlation have in common. `tenant`: of the events; of one of them where it is across tenants.

    `keys`: by which its hits are found, one for each rule.
    """

    plan: Correlation
    tenant: str
    values: tuple[str, ...]
    keys: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        scope = "" if self.plan.across else self.tenant
        keys = tuple(
            group_key(scope, slot.rule, [FieldValue(*pair) for pair in zip(slot.group, self.values, strict=True)])
            for slot in self.plan.slots
        )
        object.__setattr__(self, "keys", keys)

    @property
    def field_values(self) -> tuple[FieldValue, ...]:
        """As an alert tells it."""
        return tuple(FieldValue(*pair) for pair in zip(self.plan.group_by, self.values, strict=True))


@dataclass(frozen=True, slots=True)
class Counted:
    """A hit, and the groups that it is of."""

    hit: CountedHit
    groups: tuple[Group, ...]


type Read = Callable[[str], tuple[str, ...]]
"""The values that an event has in a field."""


def counted(
    hit: CountedHit, naming: Iterable[tuple[Correlation, int]], read: Read, joined: Callable[[tuple[str, ...]], str]
) -> Counted | None:
    """A hit with what correlations need of it; None where it has nothing in a field that they group by.

    `hit`: without keys, values and how long it is kept.
    """
    groups: list[Group] = []
    keys: list[str] = []
    values: dict[str, tuple[str, ...]] = {}
    keep = timedelta()
    for plan, number in naming:
        slot = plan.slots[number]
        common = tuple(joined(read(name)) for name in slot.group)
        if not all(common):
            continue
        group = Group(plan, hit.tenant, common)
        groups.append(group)
        keys.append(group.keys[number])
        keep = max(keep, plan.span)
        if slot.field is not None:
            values[slot.field] = tuple(sorted({value.casefold() for value in read(slot.field)}))
    if not groups:
        return None
    made = replace(hit, keys=tuple(dict.fromkeys(keys)), values=values, keep=2 * keep + _LATE)
    return Counted(made, tuple(groups))


def seen_of(plan: Correlation, hit: CountedHit) -> Seen:
    """A hit as windows see it."""
    number = plan.slot_of[hit.rule]
    name = plan.slots[number].field
    return Seen(number, hit.event, to_ms(hit.at), hit.values.get(name, ()) if name is not None else ())


def found_of(group: Group, hits: Sequence[CountedHit], home: str | None) -> list[Found]:
    """The events of a window, to be given to the alert of their group. `home`: has the alerts across tenants."""
    plan = group.plan
    tenant = home if plan.across and home is not None else group.tenant
    last = hits[-1].events[-1]
    values = dict(zip(plan.group_by, group.values, strict=True))
    own = {"actor": last.actor, "service": last.service, "operation": last.operation, "source": last.source}
    named = tuple(FieldValue(name, values.get(name) or own.get(name) or "") for name in plan.alert_group)
    alert_group = named if any(one.value for one in named) else group.field_values
    return [
        Found(
            plan,
            Placed(tenant, plan.id, alert_group, event.id, event.at, plan.window, plan.suppress),
            _for_alert(plan, hit, event),
        )
        for hit in hits
        for event in hit.events
    ]


def _for_alert(plan: Correlation, hit: CountedHit, event: AlertEvent) -> AlertEvent:
    """An event as the alert tells it: across tenants with its own."""
    return replace(event, matched=(*event.matched, FieldValue("tenant", hit.tenant))) if plan.across else event


def child_hit(group: Group, end: int, hits: Sequence[CountedHit], naming: Iterable[tuple[Correlation, int]]) -> Counted:
    """A window of a correlation as a hit of it, for the correlations that name it: the same, whoever makes it."""
    plan = group.plan
    values = dict(zip(plan.group_by, group.values, strict=True))
    events = {event.id: event for hit in hits for event in hit.events}
    hit = CountedHit(
        group.tenant,
        plan.id,
        event_id(group.tenant, "correlation", f"{'/'.join(group.keys)}/{plan.id}", end),
        EPOCH + timedelta(milliseconds=end),
        (),
        tuple(sorted(events.values(), key=lambda event: event.at)[-MOST_EVENTS:]),
        timedelta(),
    )
    made = counted(hit, naming, lambda name: (values[name],), lambda several: several[0])
    if made is None:
        raise AssertionError(f"{plan.id}: a group without values")
    return made

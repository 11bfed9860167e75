"""When a rule is at work: in a stretch of time, at times of the week, by the tenant's clock. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Final, get_args

from aoc_common.tenants.tenant import Weekday, WorkingHours

if TYPE_CHECKING:
    from datetime import tzinfo

    from aoc_rules.circumstances.values import Setting

_WEEK: Final[tuple[Weekday, ...]] = get_args(Weekday.__value__)
_KNOWN: Final = ("from", "until", "days", "start", "end")
_ALL_DAY: Final = WorkingHours(days=_WEEK, start=time(), end=time())


@dataclass(frozen=True, slots=True)
class Schedule:
    """`since` inclusive, `until` exclusive, without a zone: by the tenant's clock. `hours`: at times of the week."""

    since: datetime | None = None
    until: datetime | None = None
    hours: WorkingHours = _ALL_DAY

    def includes(self, moment: datetime, zone: tzinfo) -> bool:
        """Whether a moment (with a zone) lies within, where clocks are set by this zone."""
        if self.since is not None and moment < _moment(self.since, zone):
            return False
        return not self.is_over(moment, zone) and self.hours.include(moment.astimezone(zone))

    def is_over(self, moment: datetime, zone: tzinfo) -> bool:
        """Whether it is never at work again from this moment on."""
        return self.until is not None and moment >= _moment(self.until, zone)


def schedule_of(setting: Setting) -> Schedule:
    """The schedule that a rule names. Raises `RuleRefused`."""
    members = setting.members(_KNOWN)
    bounds = {name: _local(members[name]) for name in ("from", "until") if name in members}
    since, until = bounds.get("from"), bounds.get("until")
    if since is not None and until is not None and until <= since:
        raise members["until"].refused("must be after aoc.schedule.from")
    named = members["days"].names(_WEEK) if "days" in members else _WEEK
    times = {name: _time(members[name]) for name in ("start", "end") if name in members}
    if len(times) == 1:
        (only,) = times
        raise members[only].refused("needs the other one of start and end, too")
    hours = WorkingHours(
        days=tuple(day for day in _WEEK if day in named),
        start=times.get("start", time()),
        end=times.get("end", time()),
    )
    return Schedule(since, until, hours)


def _moment(local: datetime, zone: tzinfo) -> datetime:
    # In UTC: of two moments of one zone Python compares what clocks show.
    return local.replace(tzinfo=zone).astimezone(UTC)


def _local(setting: Setting) -> datetime:
    value = setting.value
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        elif isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time())
    except ValueError:
        value = None
    if not isinstance(value, datetime) or value.tzinfo is not None:
        raise setting.refused("expected a day or a time of the tenant's clock, like 2026-12-24 or 2026-12-24 18:00")
    return value


def _time(setting: Setting) -> time:
    value = setting.value
    # YAML takes 22:00 without quotes for a number.
    if not isinstance(value, str):
        raise setting.refused('expected a time of day in quotes, like "22:00"')
    try:
        return datetime.strptime(value, "%H:%M").time()  # noqa: DTZ007  # a time of day of the tenant's zone
    except ValueError:
        raise setting.refused(f'{value[:20]!r} is no time of day like "22:00"') from None

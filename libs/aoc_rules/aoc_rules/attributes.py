"""What a rule says to AOC beside what Sigma knows: the map `aoc` of its YAML. Pure.

aoc:
group_by: [actor, ip]   # events that have these in common are one alert
window: 1h              # so long after one another
enabled: false          # shipped, and for who wants it
across_tenants: true    # of a correlation: events of all tenants are looked at together
runbook: name           # what to look at and what to do
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from aoc_rules.sigma.faults import Fault, RuleRefused

if TYPE_CHECKING:
    from collections.abc import Mapping


#: What events have in common, and how long after one another, where a rule says nothing.
DEFAULT_GROUP_BY: Final = ("actor",)
DEFAULT_WINDOW: Final = timedelta(hours=1)
LONGEST_WINDOW: Final = timedelta(days=30)
MOST_FIELDS: Final = 5
_KNOWN: Final = ("group_by", "window", "enabled", "across_tenants", "runbook")
_DURATION: Final = re.compile(r"(\d{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which events are one alert: those that have the same in `fields`, at most `window` after one another.

    `by_default`: the rule names no fields.
    """

    fields: tuple[str, ...] = DEFAULT_GROUP_BY
    window: timedelta = DEFAULT_WINDOW
    by_default: bool = True


@dataclass(frozen=True, slots=True)
class Attributes:
    """All of it."""

    grouping: Grouping = Grouping()
    enabled: bool = True
    across_tenants: bool = False


def attributes_of(title: str, attributes: Mapping[str, Any]) -> Attributes:
    """What a rule says. `attributes`: keys that Sigma does not know. Raises `RuleRefused`, which says why."""
    held = attributes.get("aoc", {})
    if not isinstance(held, dict):
        raise _refused(title, "aoc", "expected a map")
    for name in held:
        if name not in _KNOWN:
            raise _refused(title, f"aoc.{str(name)[:60]}", f"there is no such attribute; there are {', '.join(_KNOWN)}")
    switches = {}
    for name, otherwise in (("enabled", True), ("across_tenants", False)):
        switches[name] = held.get(name, otherwise)
        if not isinstance(switches[name], bool):
            raise _refused(title, f"aoc.{name}", "expected true or false")
    grouping = Grouping(_fields(title, held), _window(title, held), "group_by" not in held)
    return Attributes(grouping, switches["enabled"], switches["across_tenants"])


def _fields(title: str, held: Mapping[str, Any]) -> tuple[str, ...]:
    named = held.get("group_by", DEFAULT_GROUP_BY)
    fields = [named] if isinstance(named, str) else named
    if not isinstance(fields, list | tuple) or not all(isinstance(one, str) and one.strip() for one in fields):
        raise _refused(title, "aoc.group_by", "expected a list of fields")
    if len(fields) > MOST_FIELDS:
        raise _refused(title, "aoc.group_by", f"{len(fields)} fields; at most {MOST_FIELDS} are taken")
    return tuple(dict.fromkeys(one.strip() for one in fields))


def _window(title: str, held: Mapping[str, Any]) -> timedelta:
    named = held.get("window")
    if named is None:
        return DEFAULT_WINDOW
    match = _DURATION.fullmatch(named.strip()) if isinstance(named, str) else None
    window = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None
    if window is None or window > LONGEST_WINDOW:
        raise _refused(title, "aoc.window", "expected a time like 30s, 15m, 1h or 7d, at most 30d")
    return window


def _refused(title: str, place: str, reason: str) -> RuleRefused:
    return RuleRefused([Fault(title, place, reason)])

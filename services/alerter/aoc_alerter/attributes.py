"""What a rule says to AOC beside what Sigma knows: the map `aoc` of its YAML. Pure.

aoc:
group_by: [actor, ip]   # events that have these in common are one alert
window: 1h              # so long after one another
enabled: false          # shipped, and for who wants it
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from aoc_alerter.sigma.faults import Fault, RuleRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_alerter.sigma.rule import CompiledRule

#: What events have in common, and how long after one another, where a rule says nothing.
DEFAULT_GROUP_BY: Final = ("actor",)
DEFAULT_WINDOW: Final = timedelta(hours=1)
LONGEST_WINDOW: Final = timedelta(days=30)
MOST_FIELDS: Final = 5
_DURATION: Final = re.compile(r"(\d{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which events are one alert: those that have the same in `fields`, at most `window` after one another."""

    fields: tuple[str, ...] = DEFAULT_GROUP_BY
    window: timedelta = DEFAULT_WINDOW


@dataclass(frozen=True, slots=True)
class Attributes:
    """All of it."""

    grouping: Grouping = Grouping()
    enabled: bool = True


def attributes_of(rule: CompiledRule) -> Attributes:
    """What a rule says. Raises `RuleRefused`, which names what cannot be understood."""
    held = rule.attributes.get("aoc", {})
    if not isinstance(held, dict):
        raise _refused(rule, "aoc", "expected a map")
    enabled = held.get("enabled", True)
    if not isinstance(enabled, bool):
        raise _refused(rule, "aoc.enabled", "expected true or false")
    return Attributes(Grouping(_fields(rule, held), _window(rule, held)), enabled)


def _fields(rule: CompiledRule, held: Mapping[str, Any]) -> tuple[str, ...]:
    named = held.get("group_by", DEFAULT_GROUP_BY)
    fields = [named] if isinstance(named, str) else named
    if not isinstance(fields, list | tuple) or not all(isinstance(one, str) and one.strip() for one in fields):
        raise _refused(rule, "aoc.group_by", "expected a list of fields")
    if len(fields) > MOST_FIELDS:
        raise _refused(rule, "aoc.group_by", f"{len(fields)} fields; at most {MOST_FIELDS} are taken")
    return tuple(dict.fromkeys(one.strip() for one in fields))


def _window(rule: CompiledRule, held: Mapping[str, Any]) -> timedelta:
    named = held.get("window")
    if named is None:
        return DEFAULT_WINDOW
    match = _DURATION.fullmatch(named.strip()) if isinstance(named, str) else None
    window = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None
    if window is None or window > LONGEST_WINDOW:
        raise _refused(rule, "aoc.window", "expected a time like 30s, 15m, 1h or 7d, at most 30d")
    return window


def _refused(rule: CompiledRule, place: str, reason: str) -> RuleRefused:
    return RuleRefused([Fault(rule.title, place, reason)])

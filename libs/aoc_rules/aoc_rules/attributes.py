"""What a rule says to AOC beside what Sigma knows: the map `aoc` of its YAML. Pure.

aoc:
group_by: [actor, ip]   # events that have these in common are one alert
window: 1h              # so long after one another
suppress: 7d            # no new alert for so long after one with the same in common was a false positive
enabled: false          # shipped, and for who wants it
across_tenants: true    # of a correlation: events of all tenants are looked at together
runbook: name           # what to look at and what to do
severity: [{actor: [privileged], raise: 1}]

first_seen: {of: operation, within: 30d}   # only what its actor does for the first time

and under which circumstances it finds anything: `circumstances.reading` has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from aoc_rules.circumstances import reading
from aoc_rules.circumstances.conditions import ALWAYS, Circumstances
from aoc_rules.circumstances.first_seen import FirstSeen, first_seen_of
from aoc_rules.circumstances.severities import SeverityChange, severities_of
from aoc_rules.circumstances.values import Setting

if TYPE_CHECKING:
    from collections.abc import Mapping


#: What events have in common, and how long after one another, where a rule says nothing.
DEFAULT_GROUP_BY: Final = ("actor",)
DEFAULT_WINDOW: Final = timedelta(hours=1)
LONGEST_WINDOW: Final = timedelta(days=30)
MOST_FIELDS: Final = 5
_SHORTEST: Final = timedelta(seconds=1)
#: What is for a single rule, and not for a correlation: the rules that it names have it.
OF_A_RULE: Final = (*reading.KNOWN, "severity", "first_seen")
_KNOWN: Final = ("group_by", "window", "suppress", "enabled", "across_tenants", "runbook", *OF_A_RULE)


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which events are one alert: those that have the same in `fields`, at most `window` after one another.

    `by_default`: the rule names no fields. `suppress`: for so long after an alert was resolved as a false positive,
    what has the same in common belongs to it.
    """

    fields: tuple[str, ...] = DEFAULT_GROUP_BY
    window: timedelta = DEFAULT_WINDOW
    by_default: bool = True
    suppress: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Attributes:
    """All of it."""

    grouping: Grouping = Grouping()
    enabled: bool = True
    across_tenants: bool = False
    circumstances: Circumstances = ALWAYS
    severities: tuple[SeverityChange, ...] = ()
    first_seen: FirstSeen | None = None


def attributes_of(title: str, attributes: Mapping[str, Any]) -> Attributes:
    """What a rule says. `attributes`: keys that Sigma does not know. Raises `RuleRefused`, which says why."""
    members = _members(Setting(title, "aoc", attributes.get("aoc", {})))
    switches = {"enabled": True, "across_tenants": False}
    for name in switches:
        if name in members:
            switches[name] = _switch(members[name])
    if "runbook" in members and not isinstance(members["runbook"].value, str):
        raise members["runbook"].refused("expected a name")
    return Attributes(
        _grouping(members),
        switches["enabled"],
        switches["across_tenants"],
        reading.circumstances_of(members),
        severities_of(members["severity"]) if "severity" in members else (),
        first_seen_of(members["first_seen"]) if "first_seen" in members else None,
    )


def _members(setting: Setting) -> dict[str, Setting]:
    return setting.members(_KNOWN) if setting.value != {} else {}


def _switch(setting: Setting) -> bool:
    if not isinstance(setting.value, bool):
        raise setting.refused("expected true or false")
    return setting.value


def _grouping(members: Mapping[str, Setting]) -> Grouping:
    return Grouping(
        _fields(members["group_by"]) if "group_by" in members else DEFAULT_GROUP_BY,
        members["window"].duration(LONGEST_WINDOW) if "window" in members else DEFAULT_WINDOW,
        "group_by" not in members,
        members["suppress"].duration(LONGEST_WINDOW, _SHORTEST) if "suppress" in members else timedelta(),
    )


def _fields(setting: Setting) -> tuple[str, ...]:
    named = setting.value
    fields = [named] if isinstance(named, str) else named
    if not isinstance(fields, list | tuple) or not all(isinstance(one, str) and one.strip() for one in fields):
        raise setting.refused("expected a list of fields")
    if len(fields) > MOST_FIELDS:
        raise setting.refused(f"{len(fields)} fields; at most {MOST_FIELDS} are taken")
    return tuple(dict.fromkeys(one.strip() for one in fields))

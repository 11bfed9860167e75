"""How grave what a rule finds is, by who did it and where. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.alert import SEVERITIES
from aoc_common.contracts.subjects import TENANT_PATTERN
from aoc_rules.circumstances.conditions import groups_of
from aoc_rules.circumstances.standing import STANDINGS, standings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.contracts.alert import Severity
    from aoc_common.contracts.rows import Row
    from aoc_rules.circumstances.tenants import KnownTenant
    from aoc_rules.circumstances.values import Setting

#: Changes that a rule names.
_MOST: Final = 20
_HOW: Final = ("level", "raise", "lower")
_KNOWN: Final = ("actor", "groups", *_HOW)
_STEPS: Final = len(SEVERITIES) - 1
_GROUP: Final = re.compile(TENANT_PATTERN)


@dataclass(frozen=True, slots=True)
class SeverityChange:
    """Another severity for actors of one of these standings, in tenants of one of these groups; empty: all.

    `level`: that one; None: so many `steps` higher.
    """

    actor: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    level: Severity | None = None
    steps: int = 0

    def of(self, severity: Severity) -> Severity:
        """What becomes of a severity; the lowest and the highest are not left."""
        if self.level is not None:
            return self.level
        return SEVERITIES[min(max(SEVERITIES.index(severity) + self.steps, 0), _STEPS)]


def severity_of(changes: Sequence[SeverityChange], severity: Severity, row: Row, known: KnownTenant) -> Severity:
    """The severity of what a rule has found in an event: by the first change that is for it."""
    if not changes:
        return severity
    standings, groups = standings_of(row.ocsf).maybe, groups_of(known.settings)
    for change in changes:
        if change.actor and change.actor.isdisjoint(standings):
            continue
        if not change.groups or not change.groups.isdisjoint(groups):
            return change.of(severity)
    return severity


def severities_of(setting: Setting) -> tuple[SeverityChange, ...]:
    """The changes that a rule names. Raises `RuleRefused`."""
    if not isinstance(setting.value, list) or not 0 < len(setting.value) <= _MOST:
        raise setting.refused(f"expected a list of 1 to {_MOST} changes, like {{actor: [privileged], raise: 1}}")
    places = (
        type(setting)(setting.rule, f"{setting.place}[{number}]", value)
        for number, value in enumerate(setting.value, 1)
    )
    return tuple(map(_change, places))


def _change(setting: Setting) -> SeverityChange:
    members = setting.members(_KNOWN)
    how = [name for name in _HOW if name in members]
    if len(how) != 1:
        raise setting.refused(f"expected one of {', '.join(_HOW)}")
    if "actor" not in members and "groups" not in members:
        raise setting.refused("names neither actor nor groups: that is the rule's level")
    level: Severity | None = None
    steps = 0
    if "level" in members:
        word = members["level"].one_of(SEVERITIES)
        level = next(one for one in SEVERITIES if one == word)
    else:
        steps = members[how[0]].whole(1, _STEPS) * (1 if how[0] == "raise" else -1)
    return SeverityChange(
        members["actor"].names(STANDINGS) if "actor" in members else frozenset(),
        members["groups"].names(pattern=_GROUP) if "groups" in members else frozenset(),
        level,
        steps,
    )

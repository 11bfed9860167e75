"""The circumstances that a rule names, as its YAML has them. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts.subjects import TENANT_PATTERN
from aoc_rules.circumstances.conditions import SIDES, Choice, Circumstances, Side
from aoc_rules.circumstances.schedule import schedule_of
from aoc_rules.circumstances.standing import STANDINGS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from aoc_rules.circumstances.values import Setting

KNOWN: Final = ("working_hours", "trusted_networks", "actor", "tenants", "groups", "schedule")
_NAME: Final = re.compile(TENANT_PATTERN)


def circumstances_of(members: Mapping[str, Setting]) -> Circumstances:
    """Those among a rule's attributes. Raises `RuleRefused`, which says what is wrong, and where."""
    held: dict[str, Any] = {}
    for name in ("working_hours", "trusted_networks"):
        if name in members:
            held[name] = _side(members[name])
    if "actor" in members:
        held["actor"] = _choice(members["actor"], STANDINGS)
    for name in ("tenants", "groups"):
        if name in members:
            held[name] = _choice(members[name])
    if "schedule" in members:
        held["schedule"] = schedule_of(members["schedule"])
    return Circumstances(**held)


def _side(setting: Setting) -> Side:
    word = setting.one_of(SIDES)
    return next(one for one in SIDES if one == word)


def _choice(setting: Setting, words: Collection[str] | None = None) -> Choice:
    members = setting.members(("only", "except"))
    only, other_than = (
        members[name].names(words, None if words else _NAME) if name in members else frozenset[str]()
        for name in ("only", "except")
    )
    if both := sorted(only & other_than):
        raise setting.refused(f"{both[0]!r} is in only and in except")
    return Choice(only, other_than)

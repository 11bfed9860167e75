"""Values of a rule's attributes, read strictly: what is wrong is named with its place. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from aoc_rules.sigma.faults import Fault, RuleRefused

if TYPE_CHECKING:
    from collections.abc import Collection

#: Names in one list.
MOST_NAMES: Final = 100
_DURATION: Final = re.compile(r"(\d{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Setting:
    """A value, and where it stands. `rule`: its title. Each method raises `RuleRefused`, which says what and where."""

    rule: str
    place: str
    value: Any

    def refused(self, reason: str) -> RuleRefused:
        """Why it cannot be used."""
        return RuleRefused([Fault(self.rule, self.place, reason)])

    def members(self, known: Collection[str]) -> dict[str, Setting]:
        """Of a map, by name."""
        if not isinstance(self.value, dict):
            raise self.refused("expected a map")
        found: dict[str, Setting] = {}
        for name, value in self.value.items():
            member = Setting(self.rule, f"{self.place}.{str(name)[:_SHOWN]}", value)
            if not isinstance(name, str) or name not in known:
                raise member.refused(f"there is no such attribute; there are {', '.join(known)}")
            if value is None:
                raise member.refused("has no value: leave the key out")
            found[name] = member
        if not found:
            raise self.refused(f"is empty; there are {', '.join(known)}")
        return found

    def one_of(self, words: Collection[str]) -> str:
        """One of these words."""
        if not isinstance(self.value, str) or self.value not in words:
            raise self.refused(f"{str(self.value)[:_SHOWN]!r}; expected {' or '.join(words)}")
        return self.value

    def names(self, words: Collection[str] | None = None, pattern: re.Pattern[str] | None = None) -> frozenset[str]:
        """A list of names, or one of them: of these words, or of this form."""
        held = [self.value] if isinstance(self.value, str) else self.value
        if not isinstance(held, list) or not held or not all(isinstance(one, str) for one in held):
            raise self.refused("expected a list of names")
        if len(held) > MOST_NAMES:
            raise self.refused(f"{len(held)} names; at most {MOST_NAMES} are taken")
        for one in held:
            if words is not None and one not in words:
                raise self.refused(f"{one[:_SHOWN]!r}; there are {', '.join(words)}")
            if pattern is not None and not pattern.fullmatch(one):
                raise self.refused(f"{one[:_SHOWN]!r} can be no name")
        return frozenset(held)

    def whole(self, least: int, most: int) -> int:
        """A whole number."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or not least <= self.value <= most:
            raise self.refused(f"expected a whole number from {least} to {most}")
        return self.value

    def duration(self, longest: timedelta, shortest: timedelta = timedelta()) -> timedelta:
        """A time like `30m` or `7d`."""
        match = _DURATION.fullmatch(self.value.strip()) if isinstance(self.value, str) else None
        span = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None
        if span is None or not shortest <= span <= longest:
            raise self.refused(f"expected a time like 30s, 15m, 1h or 7d, at most {longest.days}d")
        return span

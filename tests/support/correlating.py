"""Correlations for tests: as YAML over rules on operations of the unified log, and as plans over hits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import yaml

from alerting import library_builder, rule_text
from aoc_rules.correlation.windows import Seen

if TYPE_CHECKING:
    from aoc_rules.correlation.plan import Correlation
    from aoc_rules.library import Library

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
#: Ids of the rules that are counted, and of the correlation.
RULES = {name: f"{place}0000000-0000-4000-8000-000000000000" for place, name in enumerate("abcd", 1)}
ALL = "99999999-0000-4000-8000-000000000009"


def correlation_text(identity: str = ALL, aoc: Any = None, **said: Any) -> str:
    """A correlation as YAML. `said`: of its section, in place of an event count of three of `a` within 10 minutes."""
    section = {"type": "event_count", "rules": ["a"], "group-by": ["UserId"], "timespan": "10m"} | said
    if section["type"] == "event_count" and "condition" not in section:
        section["condition"] = {"gte": 3}
    made = {"title": "Correlated", "id": identity, "correlation": section, "level": "high"}
    return yaml.safe_dump(made | ({"aoc": aoc} if aoc is not None else {}))


def base_texts() -> list[str]:
    """Rules `a` to `d`, on the operations of their names."""
    return [rule_text(identity, f"Op-{name}", f"Rule {name}", name=name) for name, identity in RULES.items()]


def library_of(*texts: str) -> Library:
    """The rules with these correlations."""
    return library_builder(*base_texts(), *texts).library({}, NOW)


def plan(**said: Any) -> Correlation:
    """The plan of a correlation."""
    library = library_of(correlation_text(**said))
    assert not library.faults, library.faults
    return library.correlations.plans[ALL]


def hit(seconds: float, slot: int = 0, number: int | None = None, *values: str) -> Seen:
    """A hit so many seconds after the beginning. `number`: of its event; None: the second."""
    identity = number if number is not None else round(seconds * 1000) + 1_000_000 * slot
    return Seen(slot, UUID(int=identity), round(seconds * 1000), values)


def ends(found: Any) -> list[float]:
    """Seconds at which windows are anchored."""
    return [window.anchor / 1000 for window in found]


def later(seconds: float) -> datetime:
    """A time."""
    return NOW + timedelta(seconds=seconds)

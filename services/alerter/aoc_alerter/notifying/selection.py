"""Which alerts a route tells, and when it is open. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time, timedelta
from fnmatch import translate
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from aoc_alerter.notifying.route import DAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from aoc_alerter.notifying.route import Criteria, Hours, Route
    from aoc_common.contracts.alert import Severity

type Groups = Mapping[str, frozenset[str]]
"""Tenant -> the groups that it is in."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a route goes by. `tags`: reads the rule's; asked for only where a route names some."""

    tenant: str
    severity: Severity
    rule: str
    tags: Callable[[], Sequence[str]]


class Choice:
    """Which alerts one route tells."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self._include = _Compiled(route.include)
        self._exclude = [_Compiled(one) for one in route.exclude]

    def takes(self, facts: Facts, groups: Groups) -> bool:
        """Whether the route tells this alert."""
        own = groups.get(facts.tenant, frozenset())
        return self._include.matches(facts, own) and not any(one.matches(facts, own) for one in self._exclude)

    def digest_at(self, severity: Severity, now: datetime) -> datetime | None:
        """When it is told with others, in a digest; None: it is told by itself."""
        digest = self.route.digest
        if digest is None or severity not in digest.severities:
            return None
        return now + timedelta(minutes=digest.every_m)


class _Compiled:
    def __init__(self, criteria: Criteria) -> None:
        self._wanted = criteria
        self._tenants = frozenset(criteria.tenants)
        self._rules = frozenset(rule.lower() for rule in criteria.rules)
        patterns = [translate(re.sub(r"([\[?])", r"[\1]", tag)) for tag in criteria.tags]
        self._tags = re.compile("|".join(patterns), re.IGNORECASE) if patterns else None

    def matches(self, facts: Facts, groups: frozenset[str]) -> bool:
        wanted = self._wanted
        return (
            (not wanted.severities or facts.severity in wanted.severities)
            and (not wanted.tenants or facts.tenant in self._tenants)
            and (not wanted.groups or not groups.isdisjoint(wanted.groups))
            and (not wanted.rules or facts.rule.lower() in self._rules)
            and (self._tags is None or any(self._tags.fullmatch(tag) for tag in facts.tags()))
        )


def is_open(hours: Hours | None, now: datetime) -> bool:
    """Whether a route is open at that moment, by the clock of its zone."""
    if hours is None:
        return True
    local = now.astimezone(ZoneInfo(hours.zone))
    since, until, at = time.fromisoformat(hours.since), time.fromisoformat(hours.until), local.time()
    today, yesterday = (DAYS[(local - timedelta(days=ago)).weekday()] in hours.days for ago in (0, 1))
    midnight = time()
    if until == midnight or since < until:
        inside = today and at >= since and (until == midnight or at < until)
    else:
        inside = (today and at >= since) or (yesterday and at < until)
    return inside is not hours.outside

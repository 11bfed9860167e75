"""Findings, and the assessment of permissions, dates and clocks. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from aoc_common.tenants.needs import NEEDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from aoc_common.tenants.needs import Resource

_EXPIRY_WARNING: Final = timedelta(days=30)
#: Entra refuses an assertion whose times are further off; a little is normal.
_SKEW_NOTED: Final = timedelta(seconds=60)
_SKEW_REFUSED: Final = timedelta(minutes=5)
_WRITES: Final = (".ReadWrite", ".Write", ".Manage", ".Send", "FullControl")
_GRANT: Final = "Entra admin centre, App registrations, API permissions: add the application permission"


class Grade(StrEnum):
    """How grave a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of a tenant, or of the system: what was found, and the fix where there is something to do."""

    where: str
    check: str
    grade: Grade
    found: str
    fix: str = ""


def of_roles(where: str, resource: Resource, roles: frozenset[str], readings: Iterable[str]) -> Iterator[Finding]:
    """Assess the roles of a token. `readings`: what is read with it (sources, and `directory/` kinds)."""
    needs = {name: NEEDS[name] for name in readings if name in NEEDS and NEEDS[name].resource == resource}
    check = f"permissions, {resource}"
    if needs and not roles:
        every = sorted({permission for need in needs.values() for permission in need.permissions})
        fix = f"{_GRANT}s {', '.join(every)} of {resource}, and grant admin consent"
        yield Finding(where, check, Grade.FAIL, "the token holds no role at all", fix)
        return
    lacking: dict[str, list[str]] = {}
    for name, need in needs.items():
        for permission in need.missing(roles):
            lacking.setdefault(permission, []).append(name)
    for permission, names in lacking.items():
        fix = f"{_GRANT} {permission} of {resource}, and grant admin consent"
        yield Finding(where, check, Grade.FAIL, f"{permission} is missing, for {', '.join(names)}", fix)
    if excess := sorted(role for role in roles if any(word in role for word in _WRITES)):
        fix = "AOC only reads: take it away from the app"
        yield Finding(where, check, Grade.WARN, f"{', '.join(excess)} can change things", fix)
    if needs and not lacking:
        yield Finding(where, check, Grade.OK, f"all {len(needs)} readings are permitted")


def of_expiry(where: str, what: str, ends: datetime | None, now: datetime, fix: str) -> Finding:
    """When a secret or certificate ends."""
    if ends is None:
        return Finding(where, what, Grade.WARN, "when it expires is not known", "")
    if ends <= now:
        return Finding(where, what, Grade.FAIL, f"expired on {ends:%Y-%m-%d}", fix)
    days_left = (ends - now).days
    grade = Grade.WARN if ends - now < _EXPIRY_WARNING else Grade.OK
    return Finding(
        where, what, grade, f"expires on {ends:%Y-%m-%d}, in {days_left} days", "" if grade is Grade.OK else fix
    )


def of_skew(where: str, theirs: datetime | None, ours: datetime) -> Finding:
    """How far Microsoft's clock and ours differ."""
    if theirs is None:
        return Finding(where, "clock", Grade.WARN, "the answer had no Date")
    off = abs(theirs - ours)
    grade = Grade.FAIL if off > _SKEW_REFUSED else Grade.WARN if off > _SKEW_NOTED else Grade.OK
    fix = "" if grade is Grade.OK else "Set this machine's clock by NTP: tokens and time windows depend on it"
    return Finding(where, "clock", grade, f"differs from Microsoft's by {off.total_seconds():.0f} s", fix)


def gravest(findings: Iterable[Finding]) -> Grade:
    """The gravest grade of all."""
    grades = {finding.grade for finding in findings}
    return next((grade for grade in (Grade.FAIL, Grade.WARN) if grade in grades), Grade.OK)

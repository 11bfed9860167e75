"""A rule that finds only what somebody does for the first time. Pure: `store.first_uses` looks in the stored events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import spelling
from aoc_common.contracts.uses import USE_KINDS, Use, UseKind, used

if TYPE_CHECKING:
    from aoc_common.contracts.rows import Row
    from aoc_rules.circumstances.values import Setting

_LONGEST: Final = timedelta(days=365)
_SHORTEST: Final = timedelta(hours=1)
_KNOWN: Final = ("of", "within", "known_for")


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """`of`: what is used; `within`: how far back an earlier use counts.

    `known_for`: only of actors who did something before so long.
    """

    of: UseKind
    within: timedelta
    known_for: timedelta | None = None


def first_seen_of(setting: Setting) -> FirstSeen:
    """What a rule asks. Raises `RuleRefused`."""
    members = setting.members(_KNOWN)
    for name in ("of", "within"):
        if name not in members:
            raise setting.refused(f"needs {name}")
    word = members["of"].one_of(USE_KINDS)
    known_for = members["known_for"].duration(_LONGEST, _SHORTEST) if "known_for" in members else None
    return FirstSeen(
        next(one for one in USE_KINDS if one == word), members["within"].duration(_LONGEST, _SHORTEST), known_for
    )


def use_of(asked: FirstSeen, row: Row) -> Use | None:
    """What an event's actor used; None where it names no actor, no time, or nothing of the kind."""
    actor, at = spelling.actor(row.actor or ""), row.at
    names = used(asked.of, row.operation, row.ocsf)
    if not actor or at is None or not names:
        return None
    known_since = None if asked.known_for is None else at - asked.known_for
    return Use(asked.of, actor, names, row.id, row.twin_of or row.id, at, at - asked.within, known_since)

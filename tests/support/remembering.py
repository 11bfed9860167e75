"""What a directory remembers, for tests of what is made of it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from aoc_common.contracts.directory import key
from aoc_common.contracts.periods import FAR, History, Period

if TYPE_CHECKING:
    from aoc_common.contracts.directory import Entity


def keys_of(entity: Entity) -> frozenset[str]:
    """By what an entity is found, beside its id."""
    return frozenset(key(one) for one in (entity.upn, entity.app_id) if one)


def always(entity: Entity) -> History:
    """One that has never been otherwise."""
    return History(entity.id, (Period(entity, 0, None, FAR, None, keys_of(entity)),))


def by_key(*histories: History) -> dict[str, tuple[History, ...]]:
    """Key -> the objects that have, or had, it."""
    found: defaultdict[str, tuple[History, ...]] = defaultdict(tuple)
    for one in histories:
        for spelled in {key(one.id), *(spelled for period in one.periods for spelled in period.keys)}:
            found[spelled] = (*found[spelled], one)
    return dict(found)

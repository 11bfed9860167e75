"""Which fields a record can have, by its keys: worked out once for all records with the same ones.

Nearly all records of a source have one of a few sets of keys, and most fields of most rules are in none of them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aoc_rules.sigma.texts import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aoc_rules.sigma.fields import Asked, Field, Path, Place

#: Objects with more keys are not remembered: there are too many kinds of them.
KEYS_REMEMBERED: Final = 64
_SHAPES: Final = 4_096
_PLANS: Final = 4_096

type Keys = tuple[str, ...]


class Lookup(NamedTuple):
    """A place of a field in records of a shape: a key of one of its objects and the way on, or what makes values."""

    computed: Callable[[Asked], Iterable[Any]] | None
    root: int
    key: str
    rest: Path


class Key(NamedTuple):
    """A key of one of a record's objects, and the way on from there."""

    root: int
    name: str
    rest: Path


class Shape:
    """Keys of an event, then those of each of its record's bodies. `kept`: whether it stands for all with the same."""

    __slots__ = ("_folded", "_plans", "kept")

    def __init__(self, keys: tuple[Keys, ...], *, kept: bool) -> None:
        self.kept = kept
        self._folded = [folded_keys(one) if kept else _folded(one) for one in keys]
        self._plans: dict[int, tuple[Lookup, ...]] = {}

    def plan(self, field: Field) -> tuple[Lookup, ...]:
        """Where records of this shape can have a field, in the field's order; empty where they cannot."""
        known = self._plans.get(field.number)
        if known is None:
            if len(self._plans) >= _PLANS:  # rules come and go
                self._plans.clear()
            known = self._plans[field.number] = tuple(self._lookups(field))
        return known

    def key(self, field: Field) -> Key | None:
        """Where nearly all records of this shape have the text of a field; None where it is made of more."""
        plan = self.plan(field)
        return Key(plan[0].root, plan[0].key, plan[0].rest) if plan and plan[0].computed is None else None

    def _lookups(self, field: Field) -> Iterator[Lookup]:
        for place in field.places:
            if place.computed is not None:
                yield Lookup(place.computed, 0, "", ())
                continue
            for root in (0,) if place.of_event else range(1, len(self._folded)):
                found = self._lookup(place, root)
                if found is not None:
                    yield found

    def _lookup(self, place: Place, root: int) -> Lookup | None:
        path, keys = place.path, self._folded[root]
        if path[0][1] in keys:
            return Lookup(None, root, keys[path[0][1]], path[1:])
        whole = ".".join(step[1] for step in path)  # a key may have dots of its own
        return Lookup(None, root, keys[whole], ()) if len(path) > 1 and whole in keys else None


def shape_of(keys: tuple[Keys, ...]) -> Shape:
    """The shape with these keys."""
    if max(map(len, keys)) <= KEYS_REMEMBERED:
        return _remembered(keys)
    return Shape(keys, kept=False)


@lru_cache(_SHAPES)
def _remembered(keys: tuple[Keys, ...]) -> Shape:
    return Shape(keys, kept=True)


@lru_cache(2 * _SHAPES)
def folded_keys(keys: Keys) -> dict[str, str]:
    """Keys by their spelling without case; of two that differ in nothing else the first."""
    return _folded(keys)


def _folded(keys: Keys) -> dict[str, str]:
    return {fold(key): key for key in reversed(keys)}

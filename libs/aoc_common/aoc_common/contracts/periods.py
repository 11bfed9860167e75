"""What a directory object was, from when until when, and what of that is known of one moment. Pure.

A directory is read from time to time. So a change is known to lie between the beginning of the last reading that did
not show it and the moment at which one did; which of two states held in between, nobody knows. Times are ms since 1970.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from aoc_common.contracts import directory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_common.contracts.directory import Entity

type Mark = Literal[
    "at the time",
    "last read",
    "between readings",
    "summed up",
    "learnt later",
    "first known",
    "deleted",
    "no time",
    "ambiguous",
    "not known",
]
"""How what an event says of a directory object was known.

- `at the time`: readings before and after the event showed the same.
- `last read`: as of the last reading (`read`) before the event; what came after that was not known.
- `between readings`: it changed between two readings (`after`, `seen`), and the event lies between them; `or` says what
  else it may have been.
- `summed up`: of a time with so many changes that only their sum was kept (`periods`); roles are all that were held.
- `learnt later`: the object appeared between two readings, and the event lies before the second (`learnt`).
- `first known`: the event lies before all that is known of the object; this is the oldest of it (`learnt`).
- `deleted`: the object was seen to be gone (`deleted`) before the event; this is what it was last.
- `no time`: the record does not say when it happened; this is the newest that is known.
- `ambiguous`: a user name that several (`among`) may have had at the time; nobody is named.
- `not known`: the directory was read, and knows nobody of this id, or of this user name at that time.

`by` is `user name` where the record told no id, and the object is the one that had the name.
"""

#: From so many objects on that had a key in turn, nobody looks who had it when: a store need not tell of more.
MANY: Final = 20
#: Objects of one user name that are named as candidates.
_AMONG: Final = 5
#: What a standing says of two states where they differ.
_COMPARED: Final = ("name", "upn", "roles", "privileged", "guest", "enabled", "service_account", "department")
#: How surely an object had a key at a moment. It had. It may have had, since the change lies between two readings.
#: Nothing is known of then, but it had it when it was first known.
_SURE, _MAYBE, _FIRST = 3, 2, 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: A moment that never comes: the first of what has no known beginning.
FAR: Final = 1 << 52


@dataclass(frozen=True, slots=True)
class Period:
    """One state of an object.

    - `since`: when it was first seen. `after`: when it was not so yet; None where nothing is known of before.
    - `held`: when it was last known to be so. `until`: when it was first seen otherwise; None where it is so still.
    - `keys`: what it was found by then, beside its own id. `deleted`: it ended since the object was deleted.
    - `merged`: of how many states it is the sum. `roles_read`: whether it is known which roles it held.
    """

    entity: Entity
    since: int
    after: int | None
    held: int
    until: int | None
    keys: frozenset[str]
    deleted: bool = False
    merged: int = 1
    roles_read: bool = True


class View(NamedTuple):
    """What is known of an object at one moment. `data`: for an event; `admin`, `service`: even if it is in doubt."""

    entity: Entity | None
    mark: Mark
    data: Mapping[str, Any]
    admin: bool = False
    service: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """The periods of an object, oldest first, at least one. `own_key`: its id as it is looked up."""

    id: str
    periods: tuple[Period, ...]
    own_key: str = field(init=False, repr=False, compare=False)
    _since: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _views: dict[tuple[int, Mark, bool], View] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "own_key", directory.key(self.id))
        object.__setattr__(self, "_since", tuple([period.since for period in self.periods]))

    def at(self, time_ms: int, *, by_name: bool = False) -> View:
        """What is known of this moment."""
        return self.view(*self._place(time_ms), by_name=by_name)

    def newest(self, *, by_name: bool = False) -> View:
        """What is known last."""
        return self.view(len(self.periods) - 1, "no time", by_name=by_name)

    def _place(self, time_ms: int) -> tuple[int, Mark]:
        place = bisect_right(self._since, time_ms) - 1
        if place < 0:
            return 0, "first known" if self.periods[0].after is None else "learnt later"
        period = self.periods[place]
        if time_ms <= period.held:
            return place, "at the time" if period.merged == 1 else "summed up"
        if period.until is None:
            return place, "last read"
        if time_ms < period.until:
            return place, "between readings"
        after = self.periods[place + 1].after if place + 1 < len(self.periods) else None
        if after is not None and time_ms > after:
            return place + 1, "learnt later"
        return place, "deleted"

    def claim(self, key: str, time_ms: int) -> int:
        """How surely this object had a user name or other key at a moment: `_SURE`, `_MAYBE`, `_FIRST`, or 0: not."""
        best = 0
        for place, period in enumerate(self.periods):
            if key not in period.keys:
                continue
            if period.since <= time_ms and (period.until is None or time_ms <= period.held) and period.merged == 1:
                return _SURE
            if (period.after if period.after is not None else period.since) < time_ms < (period.until or time_ms + 1):
                best = _MAYBE
            elif place == 0 and period.after is None and time_ms < period.since:
                best = max(best, _FIRST)
        return best

    def view(self, place: int, mark: Mark, *, by_name: bool = False) -> View:
        """What is known of a period, in a way; made once."""
        cached = self._views.get((place, mark, by_name))
        if cached is None:
            cached = self._views[place, mark, by_name] = self._made(place, mark, by_name=by_name)
        return cached

    def _made(self, place: int, mark: Mark, *, by_name: bool) -> View:
        period = self.periods[place]
        entity = period.entity
        data = _standing(period)
        admin, service = entity.privileged, entity.service_account
        if mark == "between readings":
            if other := self._otherwise(place):
                data |= {"or": other} | _dated("after", period.held) | _dated("seen", period.until)
                maybe = [period.entity for period in self.periods[place : self._next(place) + 1]]
                admin = any(candidate.privileged for candidate in maybe)
                service = any(candidate.service_account for candidate in maybe)
            else:
                # What changed is nothing that an event tells.
                mark = "at the time"
        elif mark == "last read":
            data |= _dated("read", period.held)
        elif mark == "summed up":
            data |= {"periods": period.merged} | _dated("since", period.since) | _dated("until", period.until)
        elif mark in {"learnt later", "first known"}:
            data |= _dated("learnt", period.since)
        elif mark == "deleted":
            data |= _dated("deleted", period.until)
        if by_name:
            data["by"] = "user name"
        return View(entity, mark, data | {"known": mark}, admin, service)

    def _otherwise(self, place: int) -> dict[str, Any]:
        """What the state says otherwise that was there when this one had ended; None for what it says no more."""
        period = self.periods[place]
        if period.deleted or period.until is None:
            return {"deleted": True}
        state, other = _standing(period), _standing(self.periods[self._next(place)])
        return {name: other.get(name) for name in _COMPARED if state.get(name) != other.get(name)}

    def _next(self, place: int) -> int:
        """The period that followed: clocks that contradict each other leave some of no length between."""
        return max(place, bisect_right(self._since, self.periods[place].until or 0) - 1)


def _standing(period: Period) -> dict[str, Any]:
    """What alerts ask of a user, and a name for the others; what is not known is left out."""
    entity = period.entity
    user = entity.kind == "user"
    facts: dict[str, Any] = {"uid": entity.id, "kind": entity.kind, "name": entity.name, "upn": entity.upn}
    if entity.roles or (user and period.roles_read):
        facts |= {"privileged": entity.privileged, "roles": list(entity.roles)}
    if user:
        facts |= {
            "guest": entity.guest,
            "enabled": entity.enabled,
            "service_account": entity.service_account if period.merged == 1 else None,
            "department": entity.department,
        }
    return {name: value for name, value in facts.items() if value is not None}


def find(key: str, holders: Sequence[History], time_ms: int | None) -> View | None:
    """Who a key meant at a moment; without one, now. None where nobody had it.

    The object whose own id it is comes first, at whatever time. For any other key it is the one that had it then; of
    several that may have had it, none.
    """
    for history in holders:
        if history.own_key == key:
            return history.newest() if time_ms is None else history.at(time_ms)
    by_name = "@" in key
    if len(holders) >= MANY:
        return ambiguous(holders)
    if time_ms is None:
        claims = [
            history for history in holders if history.periods[-1].until is None and key in history.periods[-1].keys
        ]
        return claims[0].newest(by_name=by_name) if len(claims) == 1 else ambiguous(claims) if claims else None
    best, matching = _FIRST, []
    for history in holders:
        sure = history.claim(key, time_ms)
        if sure > best:
            best, matching = sure, [history]
        elif sure == best:
            matching.append(history)
    if len(matching) == 1:
        return _holding(matching[0], key, time_ms, by_name=by_name)
    if not matching and len(holders) == 1 and not by_name:
        # An application's or a device's own id, which is given to no other.
        return holders[0].at(time_ms)
    return ambiguous(matching) if matching else None


def ambiguous(among: Sequence[History]) -> View:
    """That several objects are meant, and nobody is named."""
    return View(None, "ambiguous", {"known": "ambiguous", "among": sorted(history.id for history in among)[:_AMONG]})


#: That the directory knows nobody.
UNKNOWN: Final = View(None, "not known", {"known": "not known"})


def _holding(history: History, key: str, time_ms: int, *, by_name: bool) -> View:
    """The state at a moment; where two may have been, the one that had the key."""
    view = history.at(time_ms, by_name=by_name)
    if view.mark != "between readings" or view.entity is None:
        return view
    place = next((n for n, period in enumerate(history.periods) if period.entity is view.entity), 0)
    if (
        key in history.periods[place].keys
        or place + 1 == len(history.periods)
        or key not in history.periods[place + 1].keys
    ):
        return view
    return history.view(place + 1, "learnt later", by_name=by_name)


def spelt(time_ms: int) -> str:
    """A time as text: `2026-11-23T07:30:00Z`, in whole seconds."""
    return f"{_EPOCH + timedelta(seconds=time_ms // 1000):%Y-%m-%dT%H:%M:%SZ}"


def _dated(name: str, time_ms: int | None) -> dict[str, str]:
    return {name: spelt(time_ms)} if time_ms and time_ms < FAR else {}

"""The periods of an entity, as its document in `directory` holds them. Pure.

The document's own fields are the state of now. Beside them: `since`, when that was first seen; `after`, when it was
not so yet; `fresh`, that the state is an object's first, or the first after it came back; `gone`, that it is no more;
`past`, the closed periods, oldest first; `changes`, a number of the document by which writers compare and set. One of
before there were periods has none of these: when its state began is not known.

A closed period has the fields of a state that are not empty, `since` and `after`, `held` (when it was last known to be
so), `until` (when it was first seen otherwise), `gone` (it ended by deletion). Of more than `MOST` the oldest are
summed up, first those that hold the same roles: `merged` says of how many states, `also` the last keys of these,
`roles` all roles that were held in one of them, and what else differs is left out. So however often somebody changes
his name, no role that he held is forgotten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts.directory import key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from aoc_common.store.directories import Observation
    from aoc_common.store.mongo.client import Document

#: Closed periods of an entity.
MOST: Final = 64
#: Keys of a sum of periods.
_ALSO: Final = 8
#: What a state consists of, beside who it is of.
FACTS: Final[Mapping[str, Any]] = {
    "name": None,
    "upn": None,
    "app_id": None,
    "enabled": None,
    "guest": None,
    "department": None,
    "licensed": None,
    "aliases": [],
}
_ROLES: Final = ("roles", "privileged")
#: What a sum says only where all its states agree. Of names it says the last.
_EXCLUSIVE: Final = ("enabled", "guest", "department", "licensed")


def closed(document: Document, seen: Observation, *, deleted: bool = False) -> Document:
    """The fields of a document whose state has ended: `past` and `changes`, with the state among the closed ones.

    What a clock that was ahead has dated later than now is dated now.
    """
    at = _at(seen)
    past = [_not_later(earlier, at) for earlier in document.get("past", ())]
    since = min(document["since"], at) if "since" in document else None
    held = seen.after if seen.after is not None and seen.after <= seen.at else None
    if since is not None and (held is None or held < since):
        held = since
    period = {name: document[name] for name in (*FACTS, *_ROLES) if document.get(name) not in (None, [])}
    bounds = {"since": since, "after": document.get("after"), "held": held, "until": at}
    period |= {name: value for name, value in bounds.items() if value is not None}
    if deleted:
        period["gone"] = True
    past.append(period)
    if len(past) > MOST:
        _sum_up(past)
    return {"past": past, "changes": document.get("changes", 0) + 1}


def opened(seen: Observation) -> Document:
    """The fields of a state that was seen first now."""
    known = seen.after is not None and seen.after <= seen.at
    return {"since": _at(seen)} | ({"after": seen.after} if known else {})


def _at(seen: Observation) -> datetime:
    """When something was seen: not before the last reading began, which did not show it.

    If it seems so, one of the clocks was wrong: then the state before is not known to have held until either.
    """
    return seen.at if seen.after is None else max(seen.at, seen.after)


def keys_of(object_id: str, facts: Mapping[str, Any]) -> list[str]:
    """By what an entity is found in one state."""
    spelled: Iterable[str | None] = (object_id, facts.get("app_id"), facts.get("upn"), *facts.get("aliases", ()))
    return list(dict.fromkeys(key(text) for text in spelled if text)) + list(facts.get("also", ()))


def all_keys(object_id: str, facts: Mapping[str, Any], past: Iterable[Document]) -> list[str]:
    """By what an entity is, or was, found."""
    keys = dict.fromkeys(keys_of(object_id, facts))
    for period in past:
        keys |= dict.fromkeys(keys_of(object_id, period))
    return list(keys)


def _not_later(period: Document, at: datetime) -> Document:
    if period["until"] <= at:
        return period
    return period | {name: min(period[name], at) for name in ("since", "held", "until") if name in period}


def _sum_up(past: list[Document]) -> None:
    """Put two neighbours together: the oldest that hold the same roles, or else the two oldest."""
    pairs = range(len(past) - 1)
    alike = (n for n in pairs if "gone" not in past[n] and past[n].get("roles") == past[n + 1].get("roles"))
    place = next(alike, 0)
    first, second = past[place], past[place + 1]
    both = {**second, "merged": first.get("merged", 1) + second.get("merged", 1)}
    for name in _EXCLUSIVE:
        if first.get(name) != second.get(name):
            both.pop(name, None)
    for name in ("since", "after"):
        both.pop(name, None)
        if name in first:
            both[name] = first[name]
    if roles := sorted({*first.get("roles", ()), *second.get("roles", ())}):
        both["roles"] = roles
    if first.get("privileged"):
        both["privileged"] = True
    others = dict.fromkeys([*first.get("also", ()), *keys_of("", first), *second.get("also", ())])
    if also := [other for other in others if other not in keys_of("", {**second, "also": ()})][-_ALSO:]:
        both["also"] = also
    past[place : place + 2] = [both]

"""What a stored event says of directory objects. Mapping its record again adds to that, and takes nothing away.

The directory goes on: people lose roles, names and accounts. Who reads an event a year later must read of its time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aoc_common.contracts.directory import key
from aoc_common.contracts.periods import spelt
from aoc_normalizer.draft import DIRECTORY, Fact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aoc_common.contracts.periods import View

PROVIDER: Final = "Microsoft Entra ID"
#: What an event says of one object, at most: what it said first, and what was added since.
_MOST: Final = 6
#: What makes knowledge other knowledge.
_COMPARED: Final = (
    "uid", "name", "upn", "roles", "privileged", "guest", "enabled", "service_account", "department", "or",
)  # fmt: skip
_NAMELESS: Final = frozenset({"ambiguous", "not known"})


class PreservedObject(NamedTuple):
    """What an event says of one object: its facts, oldest first; whether one says who it is; what that says."""

    facts: tuple[Fact, ...]
    standing: bool
    uid: str | None
    name: str | None
    upn: str | None
    admin: bool
    service: bool


@dataclass(frozen=True, slots=True)
class Preserved:
    """What an event says: all of it, and by the keys of its objects. `now_ms`: when something may be added."""

    everything: tuple[Fact, ...] = ()
    facts: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict)
    names: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    now_ms: int = 0

    def of(self, one: str) -> PreservedObject:
        """What is said of the object of a key."""
        facts = self.facts.get(one, ())
        first = next((fact.data for fact in facts if fact.data.get("known") not in _NAMELESS), {})
        uid = first.get("uid")
        name, upn = self.names.get(one) or self.names.get(key(uid or "")) or (None, None)
        return PreservedObject(
            facts,
            bool(first),
            uid,
            first.get("name") or name,
            first.get("upn") or upn,
            _has(first, "privileged"),
            _has(first, "service_account"),
        )

    def added(self, about: str, value: str, view: View) -> Fact:
        """A fact that is new, with the day on which it is."""
        return Fact(about, value, DIRECTORY, {**view.data, "added": spelt(self.now_ms)}, PROVIDER)


#: Of a record that is mapped for the first time.
NOT_STORED: Final = Preserved()


def preserved_in(ocsf: Mapping[str, Any], now_ms: int) -> Preserved:
    """What a stored event says."""
    everything: list[Fact] = []
    facts: dict[str, tuple[Fact, ...]] = {}
    for one in ocsf.get("enrichments", ()):
        if one.get("type") == DIRECTORY:
            fact = Fact(one["name"], one["value"], DIRECTORY, one["data"], one.get("provider"))
            everything.append(fact)
            for spelled in _keys(fact):
                facts[spelled] = (*facts.get(spelled, ()), fact)
    names: dict[str, tuple[str | None, str | None]] = {}
    for one in _objects(ocsf):
        uid, upn, name = one.get("uid"), one.get("email_addr"), one.get("name")
        if uid and (name or upn):
            names.setdefault(key(uid), (None if name == upn else name, upn))
    return Preserved(tuple(everything), facts, names, now_ms)


def further_names(fact: Fact) -> list[str]:
    """What else an object was called, beside how the event shows it: its other state's names, or those added later."""
    other = fact.data.get("or")
    states: list[Mapping[str, Any]] = [other] if isinstance(other, dict) else []
    if "added" in fact.data:
        states.append(fact.data)
    return [name for data in states for what in ("name", "upn") if (name := data.get(what))]


def is_news(view: View, earlier: PreservedObject, *, named: bool) -> bool:
    """Whether what is known now is not in the event yet. `named`: the record itself says a name."""
    if view.entity is None or len(earlier.facts) >= _MOST:
        return False
    if not earlier.facts:
        renamed = not named and view.entity.name not in {None, earlier.name}
        return view.entity.kind == "user" or bool(view.entity.roles) or renamed
    return all(not _same(view.data, fact.data, earlier, named=named) for fact in earlier.facts)


def _same(now: Mapping[str, Any], then: Mapping[str, Any], earlier: PreservedObject, *, named: bool) -> bool:
    if then.get("known") in _NAMELESS:
        return False
    # Older versions of AOC had no name in their enrichments.
    before = {"name": earlier.name, "upn": earlier.upn, **then} if "known" not in then else then
    left = {"name"} if named and "known" not in then else set()
    return all(now.get(name) == before.get(name) for name in _COMPARED if name not in left)


def _keys(fact: Fact) -> set[str]:
    """By what the party of a fact is looked up: its id, or what the record has in its place.

    A user name that a fact shows of somebody who was known by his id may be another one's by now.
    """
    value, uid = key(fact.value), fact.data.get("uid")
    if uid is None:
        return {value}
    by_value = "by" in fact.data or "@" not in value or "known" not in fact.data
    return {key(uid), value} if by_value else {key(uid)}


def _has(data: Mapping[str, Any], what: str) -> bool:
    other = data.get("or")
    return bool(data.get(what)) or (isinstance(other, dict) and bool(other.get(what)))


def _objects(ocsf: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The parts of an event that say who or what somebody is."""
    actor = ocsf.get("actor", {})
    several: Sequence[Mapping[str, Any]] = ocsf.get("resources", ())
    yield from (actor.get("user", {}), ocsf.get("user", {}), ocsf.get("group", {}), ocsf.get("entity", {}), *several)
    yield {"uid": actor.get("app_uid"), "name": actor.get("app_name")}

"""Where a field of a rule stands in an event: an ordered list of places, of which the first that is there counts."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Protocol
from weakref import WeakValueDictionary

from aoc_rules.sigma.texts import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

#: Steps from the record to a value, each as it is usually spelt and without case.
type Path = tuple[tuple[str, str], ...]
#: What marks a place in the normalised event rather than in the original record.
OCSF: Final = "ocsf:"
_ENVELOPE_PREFIX: Final = "properties."
_numbers = count(1)


class Asked(Protocol):
    """What a computed place may ask of a record (`record.Record`)."""

    #: The OCSF event, and the original record: what an envelope holds first.
    event: Mapping[str, Any]
    bodies: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Place:
    """One place where a field can stand. `of_event`: in the OCSF event; `computed`: made of the event instead."""

    path: Path = ()
    of_event: bool = False
    computed: Callable[[Asked], Iterable[Any]] | None = None


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Field:
    """A field as one log source has it: where it can stand. `number` tells it from any other."""

    places: tuple[Place, ...]
    number: int


@dataclass(frozen=True, slots=True, eq=False)
class FieldTable:
    """How fields are found in the records of one log source.

    `aliases`: other places of a field, by its name without case. A text is a path in the record, with `ocsf:` one in
    the normalised event; a function makes the values. `.` is the field's own name, which comes last where it is not
    listed. `of_event`: fields are those of the normalised event.
    """

    aliases: Mapping[str, tuple[str | Callable[[Asked], Iterable[Any]], ...]] = dataclasses.field(default_factory=dict)
    of_event: bool = False
    _known: WeakValueDictionary[str, Field] = dataclasses.field(default_factory=WeakValueDictionary, repr=False)

    def field(self, name: str) -> Field:
        """A field by its name in any case: the same one for all rules, so that an event's values are looked up once."""
        folded = fold(name)
        known = self._known.get(folded)
        if known is None:
            known = self._known[folded] = Field(self.places(name), next(_numbers))
        return known

    def places(self, name: str) -> tuple[Place, ...]:
        """Where a field can stand, in the order in which it is looked for."""
        if self.of_event:
            return (Place(steps(name), of_event=True),)
        bare = without_envelope(name)
        own = (*([Place(steps(name))] if bare != name else []), Place(steps(bare)))
        aliases = self._aliases_of(bare)
        made = [part for alias in aliases for part in (own if alias == "." else (_place(alias),))]
        return tuple(made) if "." in aliases else (*made, *own)

    def _aliases_of(self, name: str) -> tuple[str | Callable[[Asked], Iterable[Any]], ...]:
        """Other places of a field: its own, else those of what it lies in, as `ModifiedProperties.State`."""
        whole, inner = name, ""
        while whole:
            aliases = self.aliases.get(fold(whole))
            if aliases is not None:
                return aliases if not inner else tuple(_inside(aliases, inner))
            whole, _, step = whole.rpartition(".")
            inner = f"{step}.{inner}" if inner else step
        return ()


def _inside(aliases: Iterable[object], inner: str) -> Iterable[str]:
    return (alias if alias == "." else f"{alias}.{inner}" for alias in aliases if isinstance(alias, str))


def without_envelope(name: str) -> str:
    """A field's name without the `properties.` of Azure Monitor's envelope, which not every interface has."""
    return name[len(_ENVELOPE_PREFIX) :] if fold(name).startswith(_ENVELOPE_PREFIX) else name


def steps(path: str) -> Path:
    """A dotted path, step by step."""
    return tuple((step, fold(step)) for step in path.split("."))


def _place(alias: str | Callable[[Asked], Iterable[Any]]) -> Place:
    if callable(alias):
        return Place(computed=alias)
    if alias.startswith(OCSF):
        return Place(steps(alias[len(OCSF) :]), of_event=True)
    return Place(steps(alias))

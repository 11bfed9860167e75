"""Modified properties, in every shape they come in, as names with old and new values."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.draft import Change
from aoc_normalizer.fields import values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Properties of one record, and leaves of one property.
MAX_PROPERTIES: Final = 200
_MAX_LEAVES: Final = 100
_MAX_ITEMS: Final = 50
_INT64: Final = 1 << 63
#: What only lists the names of the other properties.
_ECHO: Final = "included updated properties"
#: Properties that name what a sentence needs; the first of two counts.
_NAMING: Final = {
    "role.displayname": "role",
    "role.templatename": "role",
    "group.displayname": "group",
    "approle.value": "permission",
    "delegatedpermissiongrant.scope": "permission",
    "serviceprincipal.displayname": "client",
}


def changes(properties: Any) -> list[Change]:
    """`{displayName, oldValue, newValue}`, `{Name, OldValue, NewValue}`, or bare names.

    Values are decoded from JSON in strings, and left as text when they are none. An object is told by those of its
    leaves that differ (`conditions.users.include`); a list of one is its item.
    """
    found: list[Change] = []
    for item in islice(values.sequence(properties), MAX_PROPERTIES):
        if isinstance(item, str):
            found.append(Change(item, None, None))
        elif isinstance(item, dict):
            name = values.first(item, "Name", "displayName", "DisplayName", "name")
            if name is not None and name.casefold() != _ECHO:
                old = value_of(item.get("OldValue", item.get("oldValue")))
                new = value_of(item.get("NewValue", item.get("newValue", item.get("Value"))))
                found += _differences(name, old, new)
    return found


def names_in(listed: Sequence[Change]) -> dict[str, str]:
    """Names for a sentence: the role or group of a membership, the permission of a grant and the client it is for."""
    found: dict[str, str] = {}
    for change in listed:
        if (kind := _NAMING.get(change.name.casefold())) is not None:
            said = change.new or change.old
            if isinstance(said, str):
                found.setdefault(kind, said)
    return found


def value_of(value: Any) -> Any:
    """A value as it was meant: JSON in a string decoded, nothing for what says nothing."""
    if isinstance(value, str):
        value = values.decoded(value.strip())
    if isinstance(value, list):
        items = [item for entry in value[:_MAX_ITEMS] if (item := value_of(entry)) is not None]
        return items[0] if len(items) == 1 else items or None
    if isinstance(value, dict):
        return value or None
    if isinstance(value, bool | float):
        return value
    if isinstance(value, int) and -_INT64 <= value < _INT64:
        return value
    return values.text(value)


def _differences(name: str, old: Any, new: Any) -> Iterator[Change]:
    if not (_nested(old) or _nested(new)):
        yield Change(name, old, new)
        return
    before, after = dict(_leaves(name, old)), dict(_leaves(name, new))
    for place in islice(dict.fromkeys([*after, *before]), _MAX_LEAVES):
        if before.get(place) != after.get(place):
            yield Change(place, before.get(place), after.get(place))


def _nested(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict | list) for item in value))


def _leaves(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Scalars and lists of scalars, with their paths. Values were bounded in depth when they were decoded."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(f"{place}.{name}", value_of(item))
    elif isinstance(value, list) and _nested(value):
        for number, item in enumerate(value):
            yield from _leaves(f"{place}[{number}]", item)
    elif value is not None:
        yield place, value

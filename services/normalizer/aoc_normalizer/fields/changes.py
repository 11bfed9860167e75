"""Modified properties, in every shape they come in, as names with old and new values."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts.built_in_roles import PRIVILEGED
from aoc_normalizer import bounds
from aoc_normalizer.draft import Change
from aoc_normalizer.fields import values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Properties of one record.
MAX_PROPERTIES: Final = bounds.ITEMS
#: Leaves of one property that are shown.
_MAX_LEAVES: Final = 100
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
_TEMPLATE: Final = "role.templateid"


def changes(properties: Any, room: int = MAX_PROPERTIES) -> list[Change]:
    """`{displayName, oldValue, newValue}`, `{Name, OldValue, NewValue}`, or bare names.

    Values are decoded from JSON in strings, and left as text when they are none. An object is shown by those of its
    leaves that differ (`conditions.users.include`); a list of one is its item. At most `room` of them.
    """
    found: list[Change] = []
    for item in values.sequence(properties):
        if len(found) >= room:
            bounds.cuts.note("truncated")
            break
        if isinstance(item, str):
            found.append(Change(bounds.name(item), None, None))
        elif isinstance(item, dict):
            name = values.first(item, "Name", "displayName", "DisplayName", "name")
            if name is not None and name.casefold() != _ECHO:
                old = value_of(item.get("OldValue", item.get("oldValue")))
                new = value_of(item.get("NewValue", item.get("newValue", item.get("Value"))))
                found += _differences(bounds.name(name), old, new)
    return found[:room]


def names_in(listed: Sequence[Change]) -> dict[str, str]:
    """Names for a sentence: the role or group of a membership, the permission of a grant and the client it is for."""
    found: dict[str, str] = {}
    for change in listed:
        if (kind := _NAMING.get(change.name.casefold())) is not None:
            value = change.new or change.old
            if isinstance(value, str):
                found.setdefault(kind, value)
    if "role" not in found and (role := _built_in_role(listed)) is not None:
        found["role"] = role
    return found


def _built_in_role(listed: Sequence[Change]) -> str | None:
    """The name of a role that a record calls by its template's id alone."""
    for change in listed:
        value = change.new or change.old
        if change.name.casefold() == _TEMPLATE and isinstance(value, str):
            return PRIVILEGED.get(value.casefold())
    return None


def value_of(value: Any, strings: int = bounds.STRINGS) -> Any:
    """A value as it was meant: JSON in a string decoded, nothing for what says nothing.

    `strings`: how many strings within one another are decoded.
    """
    if isinstance(value, str) and strings:
        value = values.decoded(value.strip())
        strings -= 1
    if isinstance(value, str):
        return values.text(value)
    if isinstance(value, list):
        listed = bounds.listed(value, bounds.VALUES)
        items = [item for entry in listed if (item := value_of(entry, strings)) is not None]
        return items[0] if len(items) == 1 else items or None
    if isinstance(value, dict):
        return value or None
    if isinstance(value, (bool, float)):
        return value
    if isinstance(value, int) and -_INT64 <= value < _INT64:
        return value
    return values.text(value)


def _differences(name: str, old: Any, new: Any) -> Iterator[Change]:
    if not (_nested(old) or _nested(new)):
        yield Change(name, old, new)
        return
    before, after = _some_leaves(name, old), _some_leaves(name, new)
    differing = [place for place in dict.fromkeys([*after, *before]) if before.get(place) != after.get(place)]
    for place in bounds.listed(differing, _MAX_LEAVES):
        yield Change(place, before.get(place), after.get(place))


def _some_leaves(name: str, value: Any) -> dict[str, Any]:
    leaves = dict(islice(_leaves(name, value), bounds.LEAVES + 1))
    if len(leaves) > bounds.LEAVES:
        bounds.cuts.note("truncated")
    return leaves


def _nested(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value)
    )


def _leaves(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Scalars and lists of scalars, with their paths. Values were bounded in depth when they were decoded."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(bounds.name(f"{place}.{name}"), value_of(item))
    elif isinstance(value, list) and _nested(value):
        for number, item in enumerate(value):
            yield from _leaves(bounds.name(f"{place}[{number}]"), item)
    elif value is not None:
        yield place, value

"""Where the fields of a record go: found out by trial, not by values that look alike.

Each field is given another value of its kind, and the record is mapped again: what differs in the event then depends on
that field. What follows a field only when it is missing altogether is found by leaving it out. Nothing is traced inside
of the mappers, so this costs nothing where records are mapped for good, and it cannot be wrong about a mapper.
"""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aoc_normalizer.reading.records import RecordContext

#: Fields of one record that are tried; each takes some mappings of the record.
MOST_FIELDS: Final = 400
#: Levels of JSON in strings that are opened, and the longest string that is.
_INSIDE: Final = 4
_LONGEST_JSON: Final = 200_000
#: Places that repeat others: they are named last.
_ECHOES: Final = ("message", "observables", "metadata.event_code", "activity_name", "type_uid", "search terms")
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ADDRESS_AND_PORT: Final = re.compile(r"\[?([0-9a-fA-F:.]{3,45}?)\]?(:[0-9]{1,5})?")
_NEXT_DIGITS: Final = str.maketrans("0123456789", "1234567890")
_OPPOSITES: Final[Mapping[str, str]] = {
    "success": "Failure", "succeeded": "Failed", "true": "False", "failure": "Success", "failed": "Succeeded",
    "false": "True", "yes": "No", "no": "Yes", "0": "50126",
}  # fmt: skip


class _Json:
    """In a path: the string there is JSON, and the path goes on inside of it."""


class _LeftOut:
    """In place of a value: the field is not there."""


type _Step = str | int | type[_Json]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record, and the places of the event that follow it, those first that tell most.

    `unmapped`: it stands among what is not mapped, maybe beside that. `tried`: False of a field beyond `MOST_FIELDS`.
    """

    name: str
    value: Any
    places: tuple[str, ...] = ()
    unmapped: bool = False
    tried: bool = True


def destinations(raw: str, context: RecordContext) -> list[Field]:
    """Every field of a record with where it goes, in the record's order. Raises `ValueError` for what is no JSON."""
    record = json.loads(raw)
    base = _outcome(record, context)
    fields: list[Field] = []
    for number, (path, value) in enumerate(_leaves(record, ())):
        name = _name(path)
        if number >= MOST_FIELDS or base is None or not path:
            fields.append(Field(name, value, tried=False))
            continue
        differing = _differing(record, path, value, base, context)
        places = sorted(
            {_shown(place) for place in differing if not place.startswith("unmapped.")},
            key=lambda place: (place.startswith(_ECHOES), place == "event id", place),
        )
        unmapped = any(place.startswith("unmapped.") for place in differing)
        fields.append(Field(name, value, tuple(_telling_first(places, value, base)), unmapped))
    return fields


def _differing(
    record: Any, path: Sequence[_Step], value: Any, base: Mapping[str, Any], context: RecordContext
) -> set[str]:
    """Places of the event that are not as they were when the field is another."""
    changes: list[Any] = [*_others(value), _LeftOut]
    for change in changes:
        after = _outcome(_changed(record, path, change), context)
        if after is None:
            continue
        differing = {
            place for place in base.keys() | after.keys() if base.get(place, _LeftOut) != after.get(place, _LeftOut)
        }
        if after["mapper"] != base["mapper"]:
            return {"mapper"}  # all of the event follows from that
        if any(not place.startswith("unmapped.") for place in differing) or (differing and change is _LeftOut):
            return differing
    return set()


def _outcome(record: Any, context: RecordContext) -> dict[str, Any] | None:
    """The event of a record as place -> value; None when it is none."""
    event = normalise(json.dumps(record).encode(), context)
    if not isinstance(event, Event):
        return None
    places: dict[str, Any] = {_name(path): value for path, value in _leaves(event.ocsf, (), inside=0)}
    places |= {_name(("unmapped", *path)): value for path, value in _leaves(event.unmapped, (), inside=0)}
    return places | {"event id": event.id, "mapper": event.mapper, "search terms": frozenset(event.terms)}


def _leaves(value: Any, path: tuple[_Step, ...], inside: int = _INSIDE) -> Iterator[tuple[tuple[_Step, ...], Any]]:
    """What has no parts, with the path to it. `inside`: levels of JSON in strings that count as parts."""
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _leaves(item, (*path, name), inside)
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from _leaves(item, (*path, number), inside)
    elif inside and isinstance(value, str) and (parts := _json_in(value)):
        yield from _leaves(parts, (*path, _Json), inside - 1)
    else:
        yield path, value


def _json_in(text: str) -> Any:
    """The object or list in a string; None when it holds none."""
    if text[:1] not in {"{", "["} or len(text) > _LONGEST_JSON:
        return None
    try:
        parts = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parts if isinstance(parts, (dict, list)) else None


def _changed(value: Any, path: Sequence[_Step], change: Any) -> Any:
    """A copy of `value` in which the place at `path` holds something else, or is not there."""
    if not path:
        return change
    step, *rest = path
    if step is _Json:
        return json.dumps(_changed(json.loads(value), rest, change))
    copy = value.copy()
    if not rest and change is _LeftOut:
        del copy[step]
    else:
        inner = _changed(value[step], rest, change)
        if inner is _LeftOut:
            del copy[step]
        else:
            copy[step] = inner
    return copy


def _others(value: Any) -> list[Any]:
    """Other values of the same kind: what tells one of this kind tells the other."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, (int, float)):
        return [value + 1, 0] if value else [1, 50126]
    if not isinstance(value, str) or not value.strip():
        return []
    return [_other_text(value), f"{value}x"]


def _other_text(text: str) -> str:
    stripped = text.strip()
    for other_of in (_opposite, _other_guid, _other_address, _other_moment, _next_number):
        if (other := other_of(stripped)) is not None:
            return other
    return f"other.{stripped}" if "@" in stripped else f"Other {stripped}"


def _opposite(text: str) -> str | None:
    return _OPPOSITES.get(text.casefold())


def _other_guid(text: str) -> str | None:
    return text.translate(_NEXT_DIGITS) if _GUID.fullmatch(text) else None


def _other_address(text: str) -> str | None:
    match = _ADDRESS_AND_PORT.fullmatch(text)
    try:
        version = ipaddress.ip_address(match[1]).version if match else None
    except ValueError:
        version = None
    if match is None or version is None:
        return None
    return text.replace(match[1], "198.51.100.77" if version == 4 else "2001:db8::77", 1)  # noqa: PLR2004


def _other_moment(text: str) -> str | None:
    try:
        return (datetime.fromisoformat(text) + timedelta(hours=1, seconds=1)).isoformat()
    except (ValueError, OverflowError):
        return None


def _next_number(text: str) -> str | None:
    return str(int(text[:18]) + 1) if text.isascii() and text.isdigit() else None


def _telling_first(places: Sequence[str], value: Any, base: Mapping[str, Any]) -> list[str]:
    """Those first that hold the value itself."""
    text = str(value).strip().casefold()
    return sorted(places, key=lambda place: (place.startswith(_ECHOES), str(base.get(place, "")).casefold() != text))


def _shown(place: str) -> str:
    """Observables and remarks are named as a whole: what is where in them is no matter."""
    for name in ("observables", "metadata.labels"):
        if place.startswith(f"{name}["):
            return name
    return place


def _name(path: Sequence[_Step]) -> str:
    """`Parameters[0].Value`, also for what is inside of JSON in a string."""
    name = ""
    for step in path:
        if isinstance(step, int):
            name += f"[{step}]"
        elif isinstance(step, str):
            name += f".{step}" if name else step
    return name

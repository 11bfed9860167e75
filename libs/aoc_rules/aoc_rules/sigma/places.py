"""At which line of a rule's YAML something stands that a fault names by its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aoc_rules.sigma.faults import Fault

_NUMBER: Final = re.compile(r"\[(\d+)\]")


def told(text: str, faults: Iterable[Fault]) -> str:
    """Faults in words, each with its line where it has one. `text`: YAML that could be read."""
    return "; ".join(_told(text, fault) for fault in faults)


def line_of(text: str, place: str) -> int | None:
    """The line of a place, from 1 on; None where nothing of it is found. In the first document that has it."""
    try:
        for document in yaml.compose_all(text, yaml.SafeLoader):
            if (line := _line(document, place)) is not None:
                return line
    except (yaml.YAMLError, RecursionError):
        return None
    return None


def _told(text: str, fault: Fault) -> str:
    line = line_of(text, fault.place) if fault.place else None
    where = ", ".join(part for part in (f"line {line}" if line else "", fault.place) if part)
    return f"{where}: {fault.reason}" if where else fault.reason


def _line(node: Any, place: str) -> int | None:
    """As far as a place leads: its last step that is there."""
    line: int | None = None
    while place:
        if isinstance(node, yaml.MappingNode):
            keys = {key.value: (key, value) for key, value in node.value if isinstance(key.value, str)}
            # A field has dots of its own: the longest key that the rest of the place begins with.
            found = [key for key in keys if place == key or place.startswith((f"{key}.", f"{key}["))]
            if not found:
                return line
            name = max(found, key=len)
            key, node = keys[name]
            line, place = key.start_mark.line + 1, place[len(name) :].removeprefix(".")
        elif isinstance(node, yaml.SequenceNode) and (match := _NUMBER.match(place)):
            number = int(match[1])
            if number >= len(node.value):
                return line
            node, place = node.value[number], place[match.end() :].removeprefix(".")
            line = node.start_mark.line + 1
        else:
            return line
    return line

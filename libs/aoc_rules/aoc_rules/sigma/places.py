"""At which line of a rule's YAML something stands that a fault names by its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aoc_rules.sigma.faults import Fault

_NUMBER: Final = re.compile(r"\[(\d+)\]")
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Faults that are told; of more it is said how many. A rule can have one in each of its values.
_MOST_SHOWN: Final = 20


def in_words(text: str, faults: Sequence[Fault]) -> str:
    """Faults in words, each with its line where it has one: the first 20. `text`: YAML that could be read."""
    shown = faults[:_MOST_SHOWN]
    composed = _composed(text) if any(fault.place for fault in shown) else ()
    words = [_fault_in_words(composed, fault) for fault in shown]
    if len(faults) > len(shown):
        words.append(f"and {len(faults) - len(shown):,} more")
    return "; ".join(words)


def _composed(text: str) -> tuple[Any, ...]:
    """The documents of a text, as nodes with their lines: made once, since it takes long for a large one."""
    try:
        return tuple(yaml.compose_all(text, _LOADER))  # a safe one
    except (yaml.YAMLError, RecursionError):
        return ()


def _fault_in_words(composed: Iterable[Any], fault: Fault) -> str:
    """In the first document that has the place."""
    lines = (_line(document, fault.place) for document in composed if fault.place)
    line = next((one for one in lines if one is not None), None)
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

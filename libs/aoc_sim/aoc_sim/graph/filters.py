"""`$filter`: the part of OData that the audit collections accept.

    filter    = clause *( " and " clause )            also in brackets
    clause    = field op literal | startswith(field,'text') | signInEventTypes/any(x: x eq 'kind' [or ...])
    op        = eq | ge | gt | le | lt
    literal   = datetime, unquoted | 'text' | number | true | false | null

Times compare in microseconds; the seventh decimal that Microsoft writes is dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aoc_sim.clock import to_us
from aoc_sim.graph.errors import bad_request

if TYPE_CHECKING:
    from aoc_sim.records.base import Json

_FAR = 2**62
_OPERATORS = frozenset({"eq", "ge", "gt", "le", "lt"})
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?")
_CLAUSE = re.compile(r"([A-Za-z][\w/]*)\s+(\w+)\s+('(?:[^']|'')*'|[^\s'()]+)")
_STARTS = re.compile(r"startswith\(\s*([A-Za-z][\w/]*)\s*,\s*'((?:[^']|'')*)'\s*\)", re.IGNORECASE)
_ANY = re.compile(r"signInEventTypes/any\(\s*(\w+)\s*:\s*(.+?)\s*\)", re.IGNORECASE)
_KIND = re.compile(r"(\w+)\s+eq\s+'(\w+)'")


@dataclass(frozen=True, slots=True)
class Fields:
    """What a collection can be filtered and ordered by."""

    times: tuple[str, ...]
    """Time fields; the first is the one that records are kept by."""
    texts: frozenset[str]
    """Other fields: eq and startswith."""
    numbers: frozenset[str] = frozenset()
    """Numeric fields: eq."""
    bounded: bool = True
    """Whether times take more than eq."""


@dataclass(slots=True)
class Filter:
    """A parsed filter: inclusive bounds per time field, tests on other fields, kinds of sign-in."""

    bounds: dict[str, tuple[int, int]] = field(default_factory=dict)
    tests: list[tuple[str, str, Any]] = field(default_factory=list)
    kinds: tuple[str, ...] = ()

    def matches(self, record: Json) -> bool:
        """Whether a record passes the tests (not the bounds)."""
        return all(_passes(_value(record, name), operator, operand) for name, operator, operand in self.tests)


def parse_filter(text: str | None, fields: Fields, *, kinds_allowed: bool = False) -> Filter:
    """The filter; raises GraphError 400 for what the service does not accept."""
    result = Filter()
    if not text or not text.strip():
        return result
    for clause in _split(text):
        if match := _STARTS.fullmatch(clause):
            name = _known(match[1], fields)
            if name in fields.times or name in fields.numbers:
                raise bad_request(f"Invalid filter clause: startswith does not apply to '{name}'.")
            result.tests.append((name, "startswith", match[2].replace("''", "'")))
        elif match := _ANY.fullmatch(clause):
            if not kinds_allowed:
                raise bad_request("Invalid filter clause: 'signInEventTypes' is not a property of this version's type.")
            result.kinds = _parse_kinds(match[1], match[2])
        elif match := _CLAUSE.fullmatch(clause):
            _add_comparison(result, fields, match[1], match[2].lower(), match[3])
        else:
            raise bad_request(f"Invalid filter clause: cannot read '{clause}'.")
    return result


def parse_time(text: str) -> int | None:
    """Microseconds since 1970 of an OData datetime, cut after the sixth decimal; None if it is none."""
    match = _TIME.fullmatch(text)
    if not match:
        return None
    year, month, day, hour, minute, second, decimals, zone = match.groups()
    micros = int((decimals or "").ljust(6, "0")[:6])
    parts = (int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
    try:
        at = datetime(*parts, micros, tzinfo=UTC)
        if zone and zone != "Z":
            at = datetime.fromisoformat(at.strftime("%Y-%m-%dT%H:%M:%S.%f") + zone)
    except ValueError:
        return None
    return to_us(at)


def _split(text: str) -> list[str]:
    """The clauses between top-level `and`s, outer brackets taken off."""
    text = text.strip()
    while text.startswith("(") and _closes_at_end(text):
        text = text[1:-1].strip()
    clauses, depth, quoted, start = [], 0, False, 0
    for index, char in enumerate(text):
        if char == "'":
            quoted = not quoted
        elif not quoted:
            depth += (char == "(") - (char == ")")
            if depth == 0 and text[index : index + 5].lower() == " and ":
                clauses.append(text[start:index].strip())
                start = index + 5
            elif depth == 0 and text[index : index + 4].lower() == " or ":
                raise bad_request("Invalid filter clause: 'or' is not supported here.")
    if depth or quoted:
        raise bad_request("Invalid filter clause: a bracket or a quote is not closed.")
    clauses.append(text[start:].strip())
    return [part for clause in clauses for part in (_split(clause) if clause.startswith("(") else [clause])]


def _closes_at_end(text: str) -> bool:
    depth, quoted = 0, False
    for index, char in enumerate(text):
        quoted ^= char == "'"
        if not quoted:
            depth += (char == "(") - (char == ")")
            if depth == 0:
                return index == len(text) - 1
    return False


def _known(name: str, fields: Fields) -> str:
    if name in fields.times or name in fields.texts or name in fields.numbers:
        return name
    raise bad_request(f"Invalid filter clause: '{name}' cannot be filtered on here.")


def _parse_kinds(variable: str, body: str) -> tuple[str, ...]:
    kinds = []
    for part in re.split(r"\s+or\s+", body):
        match = _KIND.fullmatch(part.strip())
        if not match or match[1] != variable:
            raise bad_request("Invalid filter clause: signInEventTypes takes eq, joined by or.")
        kinds.append(match[2])
    return tuple(kinds)


def _add_comparison(result: Filter, fields: Fields, name: str, operator: str, literal: str) -> None:
    if operator not in _OPERATORS:
        raise bad_request(f"Invalid filter clause: operator '{operator}' is not supported.")
    name = _known(name, fields)
    if name not in fields.times:
        if operator != "eq":
            raise bad_request(f"Invalid filter clause: '{name}' takes eq and startswith.")
        result.tests.append((name, "eq", _literal(literal)))
        return
    if operator != "eq" and not fields.bounded:
        raise bad_request(f"Invalid filter clause: '{name}' takes eq only.")
    at = parse_time(literal)
    if at is None:
        raise bad_request(f"Invalid filter clause: '{literal}' is not a time; write it without quotes.")
    low, high = result.bounds.get(name, (-_FAR, _FAR))
    if operator in {"eq", "ge", "gt"}:
        low = max(low, at + (operator == "gt"))
    if operator in {"eq", "le", "lt"}:
        high = min(high, at - (operator == "lt"))
    result.bounds[name] = (low, high)


def _literal(text: str) -> Any:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    if text in {"true", "false", "null"}:
        return {"true": True, "false": False, "null": None}[text]
    try:
        return int(text)
    except ValueError:
        raise bad_request(f"Invalid filter clause: cannot read the value '{text}'.") from None


def _value(record: Json, path: str) -> Any:
    value: Any = record
    for part in path.split("/"):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _passes(value: Any, operator: str, operand: Any) -> bool:
    if isinstance(value, str) and isinstance(operand, str):
        # text compares without regard to case
        lower, prefix = value.lower(), operand.lower()
        return lower.startswith(prefix) if operator == "startswith" else lower == prefix
    same_kind = isinstance(value, bool) == isinstance(operand, bool)
    return operator == "eq" and same_kind and bool(value == operand)

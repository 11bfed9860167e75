"""The columns of a Parquet file of OCSF events, the same for all classes, and an event as a row of them. Pure.

A value that is not of its column's kind, and everything that has no column, is text: `unmapped` has the whole of what
has no column, as JSON, so nothing is left out. `aoc` says what the event's body does not: whose it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class List:
    """Values of one type."""

    of: Type


type Scalar = Literal["text", "int", "long", "float", "bool"]
type Type = Scalar | List | dict[str, Type]

_NAMED: Final[dict[str, Type]] = {"name": "text", "uid": "text", "type": "text", "type_id": "int"}
_USER: Final[dict[str, Type]] = {**_NAMED, "email_addr": "text"}
_PLACE: Final[dict[str, Type]] = {"city": "text", "region": "text", "country": "text", "lat": "float", "long": "float"}
_ENDPOINT: Final[dict[str, Type]] = {
    "ip": "text",
    "port": "int",
    "name": "text",
    "uid": "text",
    "location": _PLACE,
    "autonomous_system": {"number": "int", "name": "text"},
    "os": {"name": "text", "type": "text", "type_id": "int"},
}
_METADATA: Final[dict[str, Type]] = {
    "version": "text",
    "uid": "text",
    "product": {"name": "text", "vendor_name": "text", "version": "text"},
    "profiles": List("text"),
    "labels": List("text"),
    "event_code": "text",
    "log_name": "text",
    "logged_time": "long",
    "processed_time": "long",
    "original_time": "text",
    "correlation_uid": "text",
    "tenant_uid": "text",
    "sequence": "long",
    "is_truncated": "bool",
    "untruncated_size": "long",
}
#: Column -> type, in their order.
COLUMNS: Final[dict[str, Type]] = {
    "time": "long",
    "class_uid": "int",
    "class_name": "text",
    "category_uid": "int",
    "category_name": "text",
    "activity_id": "int",
    "activity_name": "text",
    "type_uid": "long",
    "severity_id": "int",
    "severity": "text",
    "status_id": "int",
    "status": "text",
    "status_code": "text",
    "status_detail": "text",
    "message": "text",
    "metadata": _METADATA,
    "cloud": {"provider": "text", "region": "text"},
    "actor": {"user": _USER, "app_name": "text", "app_uid": "text", "session": {"uid": "text"}},
    "user": _USER,
    "src_endpoint": _ENDPOINT,
    "dst_endpoint": _ENDPOINT,
    "http_request": {"user_agent": "text"},
    "api": {"operation": "text", "service": {"name": "text"}, "request": {"uid": "text"}},
    "service": {"name": "text", "uid": "text"},
    "group": _NAMED,
    "file": {**_NAMED, "path": "text"},
    "is_mfa": "bool",
    "is_remote": "bool",
    "observables": List({"name": "text", "type": "text", "type_id": "int", "value": "text"}),
    "raw_data": "text",
    "raw_data_size": "long",
    "unmapped": "text",
    "aoc": "text",
}
#: Those that are filled from the event's own members.
_OF_EVENTS: Final = {name: type_ for name, type_ in COLUMNS.items() if name not in {"unmapped", "aoc"}}
_INT: Final = 2**31
_LONG: Final = 2**63


def shaped(event: Mapping[str, Any], mark: bytes) -> dict[str, Any]:
    """An event as a row. `mark`: what goes into the column `aoc`."""
    rest: dict[str, Any] = {}
    row = _object({name: value for name, value in event.items() if name != "unmapped"}, _OF_EVENTS, rest)
    if "unmapped" in event:
        rest["unmapped"] = event["unmapped"]
    row["unmapped"] = orjson.dumps(rest).decode() if rest else None
    row["aoc"] = mark.decode()
    return row


def _object(value: Mapping[str, Any], types: Mapping[str, Type], rest: dict[str, Any]) -> dict[str, Any]:
    """The members that have a column; the others are put into `rest`, where they stood."""
    made: dict[str, Any] = {}
    for name, item in value.items():
        left: dict[str, Any] = {}
        type_ = types.get(name)
        if type_ is None:
            rest[name] = item
        elif isinstance(type_, dict) and isinstance(item, dict):
            made[name] = _object(item, type_, left)
            if left:
                rest[name] = left
        elif (held := _value(item, type_)) is not None or item is None:
            made[name] = held
        else:
            rest[name] = item
    return made


def _value(value: Any, type_: Type) -> Any:
    """The value as its column has it; None where it cannot hold it."""
    if isinstance(type_, List):
        return _listed(value, type_.of)
    if isinstance(value, bool):
        return value if type_ == "bool" else None
    match type_:
        case "text":
            return value if isinstance(value, str) else None
        case "int" | "long":
            most = _INT if type_ == "int" else _LONG
            return value if isinstance(value, int) and -most <= value < most else None
        case "float":
            return float(value) if isinstance(value, int | float) else None
    return None


def _listed(values: Any, type_: Type) -> list[Any] | None:
    """All of a list, or None when one of its values would not be held whole."""
    if not isinstance(values, list):
        return None
    held: list[Any] = []
    for value in values:
        left: dict[str, Any] = {}
        if isinstance(type_, dict):
            made: Any = _object(value, type_, left) if isinstance(value, dict) else None
        else:
            made = _value(value, type_)
        if made is None or left:
            return None
        held.append(made)
    return held

"""Events that are larger than a message may be travel in a shorter form; the whole is in MongoDB. Pure.

A shorter form has the same subject and headers and one header more, `Aoc-Truncated: 1`. Its body is a valid OCSF event
of the same class that says `metadata.is_truncated`, with the size of the whole (`metadata.untruncated_size`, in
kilobytes). What is left out, until it fits: the record's own text (`raw_data`; `raw_data_size` stays), then what has no
home in OCSF (`unmapped`), then all but the attributes that every event of its class has, these shortened too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_common.bus.publish import Outgoing
from aoc_common.errors import TooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: On every message whose body is not the whole event.
HEADER: Final = "Aoc-Truncated"
#: What is left of an event when nothing else fits: required by one of the classes in use, or telling at a glance.
_CORE: Final = frozenset({
    "activity_id", "activity_name", "category_uid", "category_name", "class_uid", "class_name", "type_uid",
    "severity_id", "severity", "time", "status_id", "status", "status_code", "message", "metadata", "cloud",
    "raw_data_size", "actor",
    "api", "src_endpoint", "dst_endpoint", "service", "user", "entity", "group", "file", "finding_info", "privileges",
})  # fmt: skip
#: Longest text and list of the core, one attempt after the other. No shorter: a text may have to have its form.
_CUTS: Final = ((1024, 50), (256, 5), (64, 1))
#: Inside of the core, what holds the record's own names and values.
_HOLDS_MUCH: Final = frozenset({"request", "data"})


def fit(message: Outgoing, limit: int) -> Outgoing:
    """`message` itself, or the longest of its shorter forms that `limit` bytes hold, headers included.

    Raises `TooLarge` when even the shortest does not fit: the limit is a mistake then.
    """
    if message.size <= limit:
        return message
    event: dict[str, Any] = orjson.loads(message.body)
    headers = {**message.headers, HEADER: "1"}
    for shorter in _shorter(event, len(message.body)):
        made = Outgoing(message.subject, orjson.dumps(shorter), headers)
        if made.size <= limit:
            return made
    raise TooLarge(f"{message.subject}: {limit} bytes hold no event at all")


def _shorter(event: Mapping[str, Any], size: int) -> Iterator[dict[str, Any]]:
    """Ever shorter forms of an event."""
    said = {"is_truncated": True, "untruncated_size": -(-size // 1024)}
    raw = event.get("raw_data", "")
    form = {name: value for name, value in event.items() if name != "raw_data"}
    form |= {"metadata": {**event["metadata"], **said}, "raw_data_size": len(raw.encode())}
    yield form
    form.pop("unmapped", None)
    yield form
    core = {name: value for name, value in form.items() if name in _CORE}
    for text, items in _CUTS:
        yield {name: _cut(value, text, items) for name, value in core.items()}


def _cut(value: Any, text: int, items: int) -> Any:
    """The same with shorter texts and lists, and without what holds values of the record's own."""
    if isinstance(value, str):
        return value[:text]
    if isinstance(value, list):
        return [_cut(item, text, items) for item in value[:items]]
    if isinstance(value, dict):
        return {name: _cut(item, text, items) for name, item in value.items() if name not in _HOLDS_MUCH}
    return value

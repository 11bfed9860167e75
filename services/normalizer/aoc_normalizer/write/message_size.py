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
from aoc_common.contracts.event_message import TRUNCATED_HEADER
from aoc_common.errors import TooLarge
from aoc_normalizer.render.event_size import HOLDS_MUCH, STEPS, cut

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: On every message whose body is not the whole event.
HEADER: Final = TRUNCATED_HEADER
#: What is left of an event when nothing else fits: required by one of the classes in use, or telling at a glance.
_CORE: Final = frozenset({
    "activity_id", "activity_name", "category_uid", "category_name", "class_uid", "class_name", "type_uid",
    "severity_id", "severity", "time", "status_id", "status", "status_code", "message", "metadata", "cloud",
    "raw_data_size", "actor",
    "api", "src_endpoint", "dst_endpoint", "service", "user", "entity", "group", "file", "finding_info", "privileges",
})  # fmt: skip


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
    truncation = {"is_truncated": True, "untruncated_size": -(-size // 1024)}
    raw = event.get("raw_data", "")
    form = {name: value for name, value in event.items() if name != "raw_data"}
    form |= {"metadata": {**event["metadata"], **truncation}, "raw_data_size": len(raw.encode())}
    yield form
    form.pop("unmapped", None)
    yield form
    core = {name: value for name, value in form.items() if name in _CORE}
    for text, items in STEPS:
        yield {name: cut(value, text, items, HOLDS_MUCH) for name, value in core.items()}

"""Ever shorter forms of an event, for whoever takes no more than so many bytes. Pure; rare.

Each form is a valid OCSF event of the same class. What is left out, until it fits: the record's own text (`raw_data`;
`raw_data_size` stays), then what has no home in OCSF (`unmapped`), then all but the attributes that every event of its
class has, these shortened too. `metadata.is_truncated` says so, with the size of the whole
(`metadata.untruncated_size`, in kilobytes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Longest text and list, one attempt after the other. No shorter: a text may have to have its form.
STEPS: Final = ((1024, 50), (256, 20), (256, 5), (64, 1))
#: What holds the record's own names and values, and goes when short texts and lists are not enough.
HOLDS_MUCH: Final = frozenset({"request", "data", "enrichments"})
#: What is left of an event when nothing else fits: required by one of the classes in use, or telling at a glance.
_CORE: Final = frozenset({
    "activity_id", "activity_name", "category_uid", "category_name", "class_uid", "class_name", "type_uid",
    "severity_id", "severity", "time", "status_id", "status", "status_code", "message", "metadata", "cloud",
    "raw_data_size", "actor",
    "api", "src_endpoint", "dst_endpoint", "service", "user", "entity", "group", "file", "finding_info", "privileges",
})  # fmt: skip


def shorter_forms(event: Mapping[str, Any], size: int) -> Iterator[dict[str, Any]]:
    """Ever shorter forms of an event. `size`: bytes that it has; one that is a shorter form says what the whole had."""
    form = {name: value for name, value in event.items() if name != "raw_data"}
    form["metadata"] = {"untruncated_size": -(-size // 1024), **event["metadata"], "is_truncated": True}
    if "raw_data" in event:
        form["raw_data_size"] = len(event["raw_data"].encode())
    yield form
    form.pop("unmapped", None)
    yield form
    core = {name: value for name, value in form.items() if name in _CORE}
    for text, items in STEPS:
        yield {name: cut(value, text, items, HOLDS_MUCH) for name, value in core.items()}


def cut(value: Any, text: int, items: int, without: frozenset[str] = frozenset()) -> Any:
    """The same with shorter texts and lists, and without some members."""
    if isinstance(value, str):
        return value[:text]
    if isinstance(value, list):
        return [cut(item, text, items, without) for item in value[:items]]
    if isinstance(value, dict):
        return {name: cut(item, text, items, without) for name, item in value.items() if name not in without}
    return value

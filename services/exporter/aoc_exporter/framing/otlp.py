"""The request of OTLP/HTTP for logs, in JSON (protobuf's JSON mapping: 64-bit numbers are strings). Pure.

One resource a tenant. An entry is a log record whose body is the encoded entry as text; its identity is in attributes.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

import orjson

from aoc_exporter.framing.members import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aoc_exporter.item import Item

_START: Final = b'{"resourceLogs":['
_END: Final = b"]}"


def body(items: Iterable[Item]) -> bytes:
    """The whole request; items that follow each other and are of one tenant share a resource."""
    resources = (
        b"".join((
            b'{"resource":', _resource(tenant), b',"scopeLogs":[{"scope":{"name":"aoc"},"logRecords":[',
            b",".join(map(record, group)), b"]}]}",
        ))
        for tenant, group in groupby(items, key=lambda item: item.entry.tenant)
    )  # fmt: skip
    return _START + b",".join(resources) + _END


def record(item: Item) -> bytes:
    """One log record."""
    entry = item.entry
    attributes = [
        _text("event.id", entry.id),
        {"key": "event.revision", "value": {"intValue": str(entry.revision)}},
        _text("event.name", entry.operation),
        _text("aoc.kind", entry.kind.value),
        _text("aoc.source", entry.source),
        _text("aoc.format", item.format.name),
    ]
    if item.cut or entry.truncated:
        attributes.append({"key": "aoc.truncated", "value": {"boolValue": True}})
    if entry.retrospective:
        attributes.append({"key": "aoc.retrospective", "value": {"boolValue": True}})
    attributes += [_text(f"aoc.labels.{name}", text) for name, text in entry.labels]
    return b"".join((
        b'{"timeUnixNano":"%d000000","severityNumber":9,"attributes":' % entry.time_ms if entry.time_ms
        else b'{"severityNumber":9,"attributes":',
        orjson.dumps(attributes), b',"body":{"stringValue":', quoted(item.data), b"}}",
    ))  # fmt: skip


def _resource(tenant: str) -> bytes:
    return orjson.dumps({"attributes": [_text("service.name", "aoc"), _text("aoc.tenant", tenant)]})


def _text(key: str, value: str) -> dict[str, object]:
    return {"key": key, "value": {"stringValue": value}}

"""The request of OTLP/HTTP for logs, in JSON (protobuf's JSON mapping: 64-bit numbers are strings) or protobuf. Pure.

One resource a tenant. An entry is a log record whose body is the encoded entry as text; its identity is in attributes.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber

from aoc_exporter.framing.members import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aoc_exporter.item import Item

type _Attribute = dict[str, Any]

_SCOPE: Final = "aoc"
_INFO: Final = SeverityNumber.SEVERITY_NUMBER_INFO
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


def packed(items: Iterable[Item]) -> bytes:
    """The same in protobuf."""
    request = ExportLogsServiceRequest()
    for tenant, group in groupby(items, key=lambda item: item.entry.tenant):
        resource = request.resource_logs.add()
        resource.resource.attributes.extend(map(_value, _of_resource(tenant)))
        scope = resource.scope_logs.add()
        scope.scope.name = _SCOPE
        for item in group:
            one = scope.log_records.add(severity_number=_INFO, time_unix_nano=_nanoseconds(item))
            one.attributes.extend(map(_value, _attributes(item)))
            one.body.string_value = item.data.decode("utf-8", "replace")
    return bytes(request.SerializeToString())


def record(item: Item) -> bytes:
    """One log record."""
    when, attributes = _nanoseconds(item), _attributes(item)
    return b"".join((
        b'{"timeUnixNano":"%d","severityNumber":9,"attributes":' % when if when
        else b'{"severityNumber":9,"attributes":',
        orjson.dumps(attributes), b',"body":{"stringValue":', quoted(item.data), b"}}",
    ))  # fmt: skip


def _nanoseconds(item: Item) -> int:
    """When it happened, in ns since 1970; 0, which stands for unknown, for what the protocol's 64 bits cannot say."""
    when = item.entry.time_ms * 1_000_000
    return when if 0 < when < 2**64 else 0


def _attributes(item: Item) -> list[_Attribute]:
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
    return attributes


def _resource(tenant: str) -> bytes:
    return orjson.dumps({"attributes": _of_resource(tenant)})


def _of_resource(tenant: str) -> list[_Attribute]:
    return [_text("service.name", "aoc"), _text("aoc.tenant", tenant)]


def _text(key: str, value: str) -> _Attribute:
    return {"key": key, "value": {"stringValue": value}}


def _value(attribute: _Attribute) -> KeyValue:
    """An attribute of JSON in protobuf."""
    [(kind, value)] = attribute["value"].items()
    held = {
        "stringValue": lambda: AnyValue(string_value=str(value).encode("utf-8", "replace").decode()),
        "intValue": lambda: AnyValue(int_value=int(value)),
        "boolValue": lambda: AnyValue(bool_value=bool(value)),
    }[kind]()
    return KeyValue(key=attribute["key"], value=held)

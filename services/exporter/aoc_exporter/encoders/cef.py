r"""CEF, ArcSight's Common Event Format, version 0, in UTF-8.

The header escapes `\` and `|`, and has no line breaks; the extension escapes `\` and `=`, and a line's end is `\n`.
Texts are no longer than the dictionary of CEF lets its keys be; one that is cut ends with an ellipsis. `src` takes
IPv4 alone, so an IPv6 address is `c6a2`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_exporter.encoders.facts import number, observed, outcome, part, person, text
from aoc_exporter.encoders.lines import plain
from aoc_exporter.item import Format, Shape

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from aoc_exporter.entry import Entry

_DEVICE: Final = "CEF:0|AOC|Admin Operations Center|0.1"
#: OCSF `severity_id` -> 0 to 10.
_SEVERITIES: Final = {1: "1", 2: "3", 3: "5", 4: "8", 5: "10", 6: "10"}
#: Longest texts: of the header's fields, and of keys by ArcSight's dictionary; of all others `_LONG`.
_HEADER: Final = 512
_LONG: Final = 1023
_LONGEST: Final = {"act": 63, "outcome": 63, "externalId": 128, "deviceExternalId": 255, "cs4": 4000}
_RESOURCE: Final = 10
_ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"


def encode(entry: Entry) -> bytes:
    """The entry as one line of CEF. Raises `Malformed` for a body that is no JSON object."""
    event = entry.event
    operation = text(part(event, "api"), "operation") or entry.operation
    name = text(event, "message") or operation or text(event, "class_name")
    severity = _SEVERITIES.get(number(event, "severity_id"), "0")
    header = f"{_DEVICE}|{_header(operation or 'unknown')}|{_header(name or 'event')}|{severity}|"
    said = [f"{key}={_value(key, value)}" for key, value in _extension(entry, event, operation) if value]
    return (header + " ".join(said)).encode()


def _extension(entry: Entry, event: Mapping[str, Any], operation: str) -> list[tuple[str, str]]:
    """Key, value; empty values are left out later."""
    metadata, api, actor = part(event, "metadata"), part(event, "api"), part(event, "actor")
    address, name, uid = person(part(actor, "user"))
    file, when = part(event, "file"), str(entry.time_ms) if entry.time_ms else ""
    return [
        ("rt", text(metadata, "logged_time") or when),
        ("start", when),
        ("externalId", entry.id),
        ("cat", text(event, "class_name")),
        ("act", operation),
        ("outcome", outcome(event)),
        ("reason", text(event, "status_detail") or text(event, "status_code")),
        ("suser", address or name),
        ("suid", uid),
        ("sourceServiceName", text(actor, "app_name")),
        *_source(part(event, "src_endpoint")),
        *_target(part(event, "user"), uid),
        ("destinationServiceName", text(part(event, "service"), "name") or text(part(api, "service"), "name")),
        ("fname", text(file, "name")),
        ("filePath", text(file, "path")),
        ("requestClientApplication", text(part(event, "http_request"), "user_agent")),
        ("msg", text(event, "message")),
        *_labelled("cs1", "Tenant", entry.tenant),
        *_labelled("cs2", "Source", entry.source),
        *_labelled("cs3", "Correlation", text(metadata, "correlation_uid")),
        *_labelled("cs4", "Targets", ", ".join(observed(event, _RESOURCE))),
        *_labelled("cs5", "Group", text(part(event, "group"), "name") or text(part(event, "group"), "uid")),
        *_labelled("cn1", "Revision", str(entry.revision)),
    ]


def _source(endpoint: Mapping[str, Any]) -> list[tuple[str, str]]:
    address, name = text(endpoint, "ip"), text(endpoint, "name")
    by = _labelled("c6a2", "Source IPv6 Address", address) if ":" in address else (("src", address),)
    return [
        *by,
        ("spt", text(endpoint, "port")),
        ("shost", "" if name == "Unknown" else name),  # what OCSF has where a required attribute is not known
        ("deviceExternalId", text(endpoint, "uid")),
    ]


def _target(user: Mapping[str, Any], actor: str) -> tuple[tuple[str, str], ...]:
    address, name, uid = person(user)
    return () if uid and uid == actor else (("duser", address or name), ("duid", uid))


def _labelled(key: str, label: str, value: str) -> tuple[tuple[str, str], ...]:
    return ((key, value), (f"{key}Label", label)) if value else ()


def _header(value: str) -> str:
    value = _cut(value, _HEADER)
    if not value.isprintable():
        value = plain(value).replace("\n", " ").replace("\t", " ")
    if "\\" in value or "|" in value:
        value = value.replace("\\", "\\\\").replace("|", "\\|")
    return value.strip()


def _value(key: str, value: str) -> str:
    value = _cut(value, _LONGEST.get(key, _LONG))
    if not value.isprintable():
        value = plain(value).replace("\t", " ")
    value = value.strip()
    if "\\" in value or "=" in value:
        value = value.replace("\\", "\\\\").replace("=", "\\=")
    return value.replace("\n", "\\n")


def _cut(value: str, longest: int) -> str:
    return value if len(value) <= longest else value[: longest - 1] + _ELLIPSIS


CEF: Final = Format("cef", Shape.TEXT, encode)

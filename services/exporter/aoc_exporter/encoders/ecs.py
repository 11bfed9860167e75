"""ECS, the Elastic Common Schema, version 8.17.

What ECS has no field for stays in the record's own text, `event.original`. Empty values are left out. The schema has a
list of allowed values for `event.kind`, `event.category` and `event.type`; those of each OCSF class are in `_CLASSES`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_exporter.encoders.facts import number, observed, outcome, part, person, text
from aoc_exporter.entry import Kind
from aoc_exporter.item import Format, Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_exporter.entry import Entry

_VERSIONED: Final = {"version": "8.17.0"}
#: OCSF `activity_id` -> `event.type`, in classes whose activities are create, read, update and delete.
_CRUD: Final = {1: "creation", 2: "access", 3: "change", 4: "deletion"}
_ACCOUNT: Final = {1: "creation", 2: "change", 3: "change", 4: "change", 5: "change", 6: "deletion"}
_LOGON: Final = {1: "start", 2: "end"}
#: Upload, download, update, delete, rename, copy, move, restore, preview, lock, unlock, share, unshare, open.
_FILES: Final = _CRUD | {6: "creation", 9: "access", 14: "access"} | dict.fromkeys((5, 7, 8, 10, 11, 12, 13), "change")
#: OCSF class -> categories, a type that all its events have, and types by activity; of all others as of an API call.
_CLASSES: Final[Mapping[int, tuple[list[str], str | None, Mapping[int, str]]]] = {
    2004: (["intrusion_detection"], "info", {}),
    3001: (["iam"], "user", _ACCOUNT),
    3002: (["authentication"], None, _LOGON),
    3004: (["configuration"], None, _CRUD),
    3005: (["iam"], "user", {}),
    3006: (["iam"], "group", {}),
    6003: (["api"], None, _CRUD),
    6005: (["database"], None, {1: "access", 2: "change", 3: "access"}),
    6006: (["file"], None, _FILES),
}
#: Types of OCSF observables: host name, IP address, user name.
_HOST, _IP, _USER = 1, 2, 4


def encode(entry: Entry) -> bytes:
    """The entry as an ECS document, `@timestamp` first. Raises `Malformed` for a body that is no JSON object."""
    event = entry.event
    metadata, endpoint, api = part(event, "metadata"), part(event, "src_endpoint"), part(event, "api")
    file, group = part(event, "file"), part(event, "group")
    document = {
        "@timestamp": entry.dated,
        "ecs": _VERSIONED,
        "message": text(event, "message"),
        "event": _event(entry, event, metadata, api),
        "organization": {"name": entry.tenant},
        "user": _user(event),
        "source": _source(endpoint),
        "device": _filled({"id": text(endpoint, "uid")}),
        "user_agent": _filled({"original": text(part(event, "http_request"), "user_agent")}),
        "service": _filled({"name": text(part(api, "service"), "name") or text(part(event, "service"), "name")}),
        "file": _filled({"name": text(file, "name"), "path": text(file, "path")}),
        "group": _filled({"id": text(group, "uid"), "name": text(group, "name")}),
        "error": _error(event),
        "transaction": _filled({"id": text(metadata, "correlation_uid")}),
        "related": _filled({
            "hosts": observed(event, _HOST), "ip": observed(event, _IP), "user": observed(event, _USER),
        }),
        "tags": _labels(metadata),
    }  # fmt: skip
    return orjson.dumps(_filled(document))


def _event(
    entry: Entry, event: Mapping[str, Any], metadata: Mapping[str, Any], api: Mapping[str, Any]
) -> dict[str, Any]:
    categories, always, by_activity = _CLASSES.get(entry.class_uid, _CLASSES[6003])
    activity = by_activity.get(number(event, "activity_id"), None if always else "info")
    return _filled(
        {
            "id": entry.id,
            "kind": "alert" if entry.kind is Kind.ALERT else "event",
            "category": categories,
            "type": [kind for kind in (always, activity) if kind],
            "outcome": outcome(event),
            "action": text(api, "operation") or entry.operation,
            "code": text(metadata, "event_code"),
            "provider": text(part(metadata, "product"), "name"),
            "module": "aoc",
            "dataset": f"aoc.{entry.source}",
            "severity": number(event, "severity_id"),
            "reason": text(event, "status_detail"),
            "created": number(metadata, "logged_time"),
            "original": text(event, "raw_data"),
        }
    )


def _user(event: Mapping[str, Any]) -> dict[str, Any]:
    user = _named(part(event, "actor", "user"))
    target = _named(part(event, "user"))
    if target and not ("id" in target and target["id"] == user.get("id")):
        user["target"] = target
    return user


def _named(user: Mapping[str, Any]) -> dict[str, Any]:
    address, name, uid = person(user)
    return _filled({
        "id": uid, "name": address or name, "email": address if "@" in address else "", "full_name": name,
    })  # fmt: skip


def _source(endpoint: Mapping[str, Any]) -> dict[str, Any]:
    return _filled(
        {
            "ip": text(endpoint, "ip"),
            "port": number(endpoint, "port"),
            "geo": _geo(part(endpoint, "location")),
            "as": _network(part(endpoint, "autonomous_system")),
        }
    )


def _geo(location: Mapping[str, Any]) -> dict[str, Any]:
    if not location:
        return {}
    latitude, longitude = location.get("lat"), location.get("long")
    return _filled(
        {
            "city_name": text(location, "city"),
            "region_name": text(location, "region"),
            "country_iso_code": text(location, "country"),
            "location": {"lat": latitude, "lon": longitude} if _is_number(latitude) and _is_number(longitude) else {},
        }
    )


def _network(system: Mapping[str, Any]) -> dict[str, Any]:
    name = text(system, "name")
    return _filled({"number": number(system, "number"), "organization": {"name": name} if name else {}})


def _is_number(value: Any) -> bool:
    return type(value) is int or type(value) is float


def _error(event: Mapping[str, Any]) -> dict[str, Any]:
    if outcome(event) != "failure":
        return {}
    return _filled({"code": text(event, "status_code"), "message": text(event, "status_detail")})


def _labels(metadata: Mapping[str, Any]) -> list[str]:
    labels = metadata.get("labels")
    return [label for label in labels if isinstance(label, str)] if isinstance(labels, list) else []


def _filled(value: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty."""
    return {name: item for name, item in value.items() if item}


ECS: Final = Format("ecs", Shape.OBJECT, encode, dated=True)

"""Renders a draft as an OCSF 1.8 event that validates against the official schema. The one place that knows its shape.

Source of classes, activities and required attributes: schema.ocsf.io, version 1.8.0.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts.event import OCSF_VERSION
from aoc_common.contracts.ids import to_ms
from aoc_normalizer.bounds import ITEMS
from aoc_normalizer.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    CLASS_NAMES,
    DETECTION_FINDING,
    ENTITY_MANAGEMENT,
    FILE_HOSTING,
    GROUP_MANAGEMENT,
    OTHER,
    SEVERITY_NAMES,
    USER_ACCESS,
)
from aoc_normalizer.render import ocsf_enums

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aoc_normalizer.draft import Draft, Fact, Party

_CATEGORIES: Final[Mapping[int, str]] = {
    2: "Findings",
    3: "Identity & Access Management",
    6: "Application Activity",
}
_STATUS: Final[Mapping[str, tuple[int, str]]] = {
    "success": (1, "Success"),
    "failure": (2, "Failure"),
    "partial": (99, "Partial"),
    "unknown": (0, "Unknown"),
}
_USER_TYPES: Final[Mapping[int, str]] = {0: "Unknown", 1: "User", 2: "Admin", 3: "System", 4: "Service", 99: "Other"}
#: The official schema's pattern of an address: `app@sharepoint` and anonymised names are none.
_EMAIL: Final = re.compile(r"^[a-zA-Z0-9!#$%&'*+-/=?^_`{|}~.]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9-.]+$")


def render(draft: Draft, message: str, logged: datetime) -> dict[str, Any]:
    """The OCSF event without `raw_data` and `unmapped`."""
    status_id, status = _STATUS[draft.result]
    severity = draft.severity
    event: dict[str, Any] = {
        "activity_id": draft.activity_id,
        "category_uid": draft.class_uid // 1000,
        "category_name": _CATEGORIES[draft.class_uid // 1000],
        "class_uid": draft.class_uid,
        "class_name": CLASS_NAMES[draft.class_uid],
        "type_uid": draft.class_uid * 100 + draft.activity_id,
        "severity_id": severity,
        "severity": SEVERITY_NAMES[severity],
        "time": draft.time_ms,
        "status_id": status_id,
        "status": status,
        "message": message,
        "metadata": _metadata(draft, logged),
        "cloud": _cloud(draft),
        "observables": _observables(draft),
    }
    if draft.activity_id == OTHER:
        event["activity_name"] = draft.operation or "Other"
    if draft.status_code:
        event["status_code"] = draft.status_code
    if draft.status_detail:
        event["status_detail"] = draft.status_detail
    _BY_CLASS[draft.class_uid](event, draft)
    if draft.changes or draft.parameters:
        _request_of(event, draft)
    if draft.facts:
        event["enrichments"] = [_enrichment(fact) for fact in draft.facts]
    return event


def _request_of(event: dict[str, Any], draft: Draft) -> None:
    """What was asked for: parameters, and properties with their old and new values."""
    data: dict[str, Any] = {}
    if draft.parameters:
        data["parameters"] = [{"name": name, "value": value} for name, value in draft.parameters[:ITEMS]]
    if draft.changes:
        data["changes"] = [
            {"name": change.name, "old": change.old, "new": change.new} for change in draft.changes[:ITEMS]
        ]
    api = event.setdefault("api", {"operation": draft.operation or "Unknown", "service": {"name": draft.product}})
    api["request"] = {"uid": draft.correlation_id or draft.record_id, "data": data}


def _enrichment(fact: Fact) -> dict[str, Any]:
    found = {"name": fact.about, "value": fact.value, "type": fact.kind, "data": dict(fact.data)}
    return found | {"provider": fact.provider} if fact.provider else found


def _metadata(draft: Draft, logged: datetime) -> dict[str, Any]:
    product: dict[str, Any] = {"name": draft.product, "vendor_name": "Microsoft"}
    metadata: dict[str, Any] = {
        "version": OCSF_VERSION,
        "profiles": ["cloud"],
        "product": product,
        "uid": draft.record_id,
        "event_code": draft.spelt or draft.operation,
        "logged_time": _logged_ms(logged),
    }
    if draft.log_name:
        metadata["log_name"] = draft.log_name
    if draft.original_time:
        metadata["original_time"] = draft.original_time
    if draft.correlation_id:
        metadata["correlation_uid"] = draft.correlation_id
    return metadata


@lru_cache(maxsize=64)
def _logged_ms(logged: datetime) -> int:
    """Once a page."""
    return to_ms(logged)


def _cloud(draft: Draft) -> dict[str, Any]:
    cloud: dict[str, Any] = {"provider": "Microsoft"}
    if draft.organisation:
        cloud["account"] = {"uid": draft.organisation, "type_id": 99, "type": "Microsoft Entra tenant"}
    return cloud


def user(party: Party) -> dict[str, Any]:
    """A user object; what is known of the party."""
    name, upn, uid, _kind, user_type = party
    found: dict[str, Any] = {"type_id": user_type, "type": _USER_TYPES[user_type]}
    if upn and _is_address(upn):
        found["email_addr"] = upn
    if name or upn:
        found["name"] = name or upn
    elif not uid:
        found["name"] = "Unknown"
    if uid:
        found["uid"] = uid
    return found


@lru_cache(maxsize=8192)
def _is_address(upn: str) -> bool:
    return _EMAIL.match(upn) is not None


def _actor(draft: Draft) -> dict[str, Any]:
    actor: dict[str, Any] = {}
    if draft.actor.known:
        actor["user"] = user(draft.actor)
    if draft.app.name:
        actor["app_name"] = draft.app.name
    if draft.app.uid:
        actor["app_uid"] = draft.app.uid
    if draft.session_uid and draft.class_uid != AUTHENTICATION:
        actor["session"] = {"uid": draft.session_uid}
    return actor or {"user": {"name": "Unknown", "type_id": 0, "type": "Unknown"}}


def _endpoint(draft: Draft) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if draft.address is not None:
        found["ip"] = draft.address.ip
        if draft.address.port is not None:
            found["port"] = draft.address.port
        if draft.location:
            found["location"] = dict(draft.location)
        if draft.network:
            found["autonomous_system"] = dict(draft.network)
    if (device := draft.device) is not None:
        if device.name:
            found["name"] = device.name
        if device.uid:
            found["uid"] = device.uid
        if device.os:
            found["os"] = ocsf_enums.system(device.os)
    if "ip" not in found and "name" not in found and "uid" not in found:
        found["name"] = "Unknown"
    return found


def _observables(draft: Draft) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if label := draft.actor.label:
        found.append({"name": "actor", "type_id": 4, "type": "User Name", "value": label})
    if draft.address is not None:
        found.append({"name": "src_endpoint.ip", "type_id": 2, "type": "IP Address", "value": draft.address.ip})
    if label := draft.app.label:
        found.append({"name": "application", "type_id": 99, "type": "Application", "value": label})
    found += [
        {"name": "target", "type_id": 10, "type": "Resource UID", "value": label}
        for target in draft.targets[:ITEMS]
        if (label := target.label)
    ]
    return found


def _request(draft: Draft) -> dict[str, Any] | None:
    return {"user_agent": draft.user_agent} if draft.user_agent else None


def _target_user(draft: Draft) -> dict[str, Any]:
    party = next((target for target in draft.targets if target.kind == "user"), None)
    return user(party or (draft.targets[0] if draft.targets else draft.actor))


def _resources(draft: Draft) -> list[dict[str, Any]]:
    found = [_thing(target) for target in draft.targets[:ITEMS]]
    return [one for one in found if "name" in one or "uid" in one]


def _thing(party: Party) -> dict[str, Any]:
    """What is known of a party that is no user, or not as one."""
    name, upn, uid, kind, _user_type = party
    found: dict[str, Any] = {}
    if name or upn:
        found["name"] = name or upn
    if uid:
        found["uid"] = uid
    if kind:
        found["type"] = kind
    return found


def _with_source(event: dict[str, Any], draft: Draft) -> None:
    event["actor"] = _actor(draft)
    event["src_endpoint"] = _endpoint(draft)
    if (request := _request(draft)) is not None:
        event["http_request"] = request


def _account_change(event: dict[str, Any], draft: Draft) -> None:
    _with_source(event, draft)
    event["user"] = _target_user(draft)


def _authentication(event: dict[str, Any], draft: Draft) -> None:
    _with_source(event, draft)
    event["user"] = user(draft.actor)
    service = next((target for target in draft.targets if target.kind == "service"), None)
    label = service.label if service and service.label else draft.product
    event["service"] = {"name": label} | ({"uid": service.uid} if service and service.uid else {})
    if draft.mfa is not None:
        event["is_mfa"] = draft.mfa
    if draft.factors:
        event["auth_factors"] = [ocsf_enums.factor(method) for method in draft.factors]
    if draft.session_uid:
        event["session"] = {"uid": draft.session_uid}
    event["is_remote"] = True


def _entity_management(event: dict[str, Any], draft: Draft) -> None:
    _with_source(event, draft)
    # Who a thing belongs to can stand before the thing.
    about = next(
        (target for target in draft.targets if target.kind != "user"), draft.targets[0] if draft.targets else None
    )
    entity = _thing(about) if about is not None else {}
    if "name" not in entity and "uid" not in entity:
        entity["name"] = draft.product
    event["entity"] = entity


def _user_access(event: dict[str, Any], draft: Draft) -> None:
    _with_source(event, draft)
    event["user"] = _target_user(draft)
    event["privileges"] = draft.privileges[:ITEMS] or [draft.operation or "Unknown"]
    if resources := _resources(draft):
        event["resources"] = resources


def _group_management(event: dict[str, Any], draft: Draft) -> None:
    _with_source(event, draft)
    # Of a group that became a member of a group, the latter, which is listed after it.
    group = next((target for target in reversed(draft.targets) if target.kind == "group"), None)
    found = {
        key: value
        for key, value in (("name", group and (group.name or group.upn)), ("uid", group and group.uid))
        if value
    }
    event["group"] = found or {"name": "Unknown"}
    if any(target.kind == "user" for target in draft.targets):
        event["user"] = _target_user(draft)


def _api_activity(event: dict[str, Any], draft: Draft) -> None:
    _with_source(event, draft)
    event["api"] = {"operation": draft.operation or "Unknown", "service": {"name": draft.product}}
    if resources := _resources(draft):
        event["resources"] = resources


def _file_hosting(event: dict[str, Any], draft: Draft) -> None:
    _with_source(event, draft)
    target = draft.targets[0] if draft.targets else None
    file: dict[str, Any] = {"name": (target and (target.name or target.uid)) or "Unknown", "type_id": 0}
    if target is not None and target.uid:
        file["path"] = target.uid
    event["file"] = file


def _detection_finding(event: dict[str, Any], draft: Draft) -> None:
    evidence: dict[str, Any] = {}
    if draft.actor.known or draft.app.known:
        evidence["actor"] = _actor(draft)
    if draft.address is not None:
        evidence["src_endpoint"] = _endpoint(draft)
    if evidence:
        event["evidences"] = [evidence]
    title = draft.targets[0].name if draft.targets and draft.targets[0].kind == "alert" else None
    event["finding_info"] = {
        "uid": draft.record_id or "unknown",
        "title": title or draft.operation or "Alert",
        "created_time": draft.time_ms,
    }
    if resources := [resource for resource in _resources(draft) if resource.get("type") != "alert"]:
        event["resources"] = resources


_BY_CLASS: Final = {
    ACCOUNT_CHANGE: _account_change,
    AUTHENTICATION: _authentication,
    ENTITY_MANAGEMENT: _entity_management,
    USER_ACCESS: _user_access,
    GROUP_MANAGEMENT: _group_management,
    API_ACTIVITY: _api_activity,
    FILE_HOSTING: _file_hosting,
    DETECTION_FINDING: _detection_finding,
}

"""What somebody did at the gateway, and how it is noted: as OCSF events of classes 3002, 3004 and 6005."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import aoc_api

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aoc_api.access.principal import Principal

type Kind = Literal["sign-in", "sign-out", "read", "create", "change", "delete"]

#: Characters of what a caller wrote, and of a name.
_WRITTEN: Final = 2_000
_NAME: Final = 256
#: Kind -> class and activity of OCSF 1.8: authentication, entity management, datastore activity.
_CLASSES: Final[dict[Kind, tuple[int, int, str]]] = {
    "sign-in": (3002, 1, "Logon"),
    "sign-out": (3002, 2, "Logoff"),
    "create": (3004, 1, "Create"),
    "change": (3004, 3, "Update"),
    "delete": (3004, 4, "Delete"),
    "read": (6005, 4, "Query"),
}
_AUTHENTICATION: Final = 3002
_ENTITY_MANAGEMENT: Final = 3004
_CATEGORIES: Final = {3: (3, "Identity & Access Management"), 6: (6, "Application Activity")}
_USER_TYPES: Final = {"person": 1, "application": 3, "api-key": 3}


@dataclass(frozen=True, slots=True)
class Action:
    """What a route does, as the trail names it: `events.search`, and the kind of act that it is."""

    name: str
    kind: Kind


def audited[**P, R](name: str, kind: Kind) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A route's handler whose every request is noted as this action, also one that is refused."""

    def mark(handler: Callable[P, R]) -> Callable[P, R]:
        handler.audit_action = Action(name, kind)  # type: ignore[attr-defined]  # found by `action_of`
        return handler

    return mark


def action_of(handler: object) -> Action | None:
    """The action of a route's handler; None of one that is not noted."""
    action = getattr(handler, "audit_action", None)
    return action if isinstance(action, Action) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that was done, or was refused.

    `tenant`: whom it is about; None when about none of them. `status`: of the HTTP answer. `asked`: the request's
    parameters as they were sent. `rows`: events, or other things, in the answer. `about`: what was changed, in words.
    `digest`: SHA-256 of what was exported. `ended`: of an answer that takes its time; `left` is one without an end of
    its own, which its client left.
    """

    action: Action
    at: datetime
    status: int
    request_id: str
    tenant: str | None = None
    principal: Principal | None = None
    address: str = ""
    asked: str = ""
    rows: int | None = None
    about: str = ""
    digest: str = ""
    ended: Literal["", "begun", "whole", "broken off", "left"] = ""

    @property
    def succeeded(self) -> bool:
        """Whether it was done."""
        return self.status < 400 and self.ended != "broken off"  # noqa: PLR2004  # HTTP's


def ocsf_of(act: Act) -> dict[str, Any]:
    """The OCSF event of an act, but for what its place in a chain adds."""
    class_uid, activity, activity_name = _CLASSES[act.action.kind]
    category, category_name = _CATEGORIES[class_uid // 1000]
    event: dict[str, Any] = {
        "class_uid": class_uid,
        "category_uid": category,
        "category_name": category_name,
        "activity_id": activity,
        "activity_name": activity_name,
        "type_uid": class_uid * 100 + activity,
        "time": int(act.at.timestamp() * 1000),
        "severity_id": 1 if act.succeeded else 2,
        "severity": "Informational" if act.succeeded else "Low",
        "status_id": 1 if act.succeeded else 2,
        "status": "Success" if act.succeeded else "Failure",
        "status_code": str(act.status),
        "message": _sentence(act),
        "actor": {"user": _user(act)},
        "src_endpoint": {"ip": act.address} if act.address else {"name": "unknown"},
        "metadata": {
            "version": "1.8.0",
            "log_name": "AOC audit trail",
            "correlation_uid": act.request_id,
            "product": {"name": "AOC", "vendor_name": "AOC", "version": aoc_api.__version__},
        },
        "unmapped": {
            "action": act.action.name,
            **({"about": act.about[:_WRITTEN]} if act.about else {}),
            **({"sha256": act.digest} if act.digest else {}),
            **({"ended": act.ended} if act.ended else {}),
        },
    }
    if act.rows is not None:
        event["unmapped"]["rows"] = act.rows
    if class_uid == _AUTHENTICATION:
        event |= {"user": _user(act), "service": {"name": "AOC gateway"}}
        # Without its parameters: those of a sign-in are secrets.
        event["unmapped"]["asked"] = act.asked.partition("?")[0][:_WRITTEN]
    elif class_uid == _ENTITY_MANAGEMENT:
        event["entity"] = {"name": act.action.name.partition(".")[0], "type": "AOC"}
        event["unmapped"]["asked"] = act.asked[:_WRITTEN]
    else:
        event["database"] = {"name": act.action.name.partition(".")[0], "type_id": 1, "type": "Document"}
        event["query_info"] = {"name": act.action.name, "query_string": act.asked[:_WRITTEN]}
    return event


def _user(act: Act) -> dict[str, Any]:
    principal = act.principal
    if principal is None:
        return {"name": "nobody", "type_id": 0}
    user: dict[str, Any] = {
        "uid": principal.id[:_NAME],
        "name": principal.name[:_NAME],
        "type_id": _USER_TYPES[principal.kind],
        "type": principal.kind,
    }
    return user | ({"org": {"uid": principal.directory_id}} if principal.directory_id else {})


def _sentence(act: Act) -> str:
    who = act.principal.name[:_NAME] if act.principal else "somebody who is not signed in"
    done = "" if act.succeeded else f" and was refused ({act.status})" if not act.ended else " and broke it off"
    about = f" of {act.tenant}" if act.tenant else ""
    rows = "" if act.rows is None else f", {act.rows} rows"
    return f"{who}: {act.action.name}{about}{done}{rows}"

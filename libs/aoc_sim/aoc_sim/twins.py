"""Twins: one directory change or sign-in that Graph and the unified audit log both tell, each in its own words.

The ids differ, operations differ by their final dot, values by their JSON, times by up to 2.5 seconds. Near-twins are
other changes of the same person to the same target within a second, told by one of the two or by both.
"""

# ruff: noqa: PLR2004 - the numbers are shares and rates of invented traffic

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_sim.records import azuread
from aoc_sim.records.base import Draft, graph_time, json_list
from aoc_sim.records.directory import change, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aoc_sim.records.base import Json, Scene, Source

#: Relative to the setting: the unified log tells next to nothing of clients that renew their tokens.
_SHARES: Final[Mapping[Source, float]] = {
    "graph-directory-audits": 1.0,
    "graph-signins": 1.0,
    "graph-signins-noninteractive": 0.05,
}
_NEAR: Final = 0.2
_OWN_CORRELATION: Final = 0.1
_APART_S: Final = 2.5
#: Room for both, a near-twin, and the twin of that.
_FOUR: Final = 4
#: A pair ends at most this long after its Graph record.
SPAN: Final = timedelta(seconds=3)


def possible(source: Source) -> bool:
    """Whether records of this source can have a twin."""
    return source in _SHARES


def tell(draft: Draft, scene: Scene, room: int, share: float) -> list[Draft]:
    """A Graph record, with its twin or without; `room`: how many records at most."""
    rng = scene.rng
    if room < 2 or not _mirrored(draft.body) or rng.random() >= share * _SHARES[draft.source]:
        return [draft]
    told = pair(draft, scene, rng.uniform(-_APART_S, _APART_S))
    if room >= _FOUR and rng.random() < _NEAR and (near := _near(draft, scene)) is not None:
        both = pair(near, scene, rng.uniform(-_APART_S, 1.5))
        alone = [both[0]._replace(twin=None)], [both[1]._replace(twin=None)]
        told += rng.choice((both, *alone))
    return told


def pair(draft: Draft, scene: Scene, apart_s: float = 0.0, user_agent: str | None = None) -> list[Draft]:
    """A Graph record and its twin in the unified log, that many seconds later and then on a whole second."""
    at = (draft.at + timedelta(seconds=apart_s)).replace(microsecond=0)
    body = mirror(draft.body, replace(scene, at=at), user_agent)
    mark = draft.identity()
    return [draft._replace(twin=mark), Draft("o365-azuread", at, body, twin=mark)]


def mirror(body: Json, scene: Scene, user_agent: str | None = None) -> Json:
    """What the unified log says of a Graph record's action, at the scene's time."""
    return _sign_in(body, scene, user_agent) if "createdDateTime" in body else _change(body, scene)


def _mirrored(body: Json) -> bool:
    """The unified log tells sign-ins of users, and what the directory itself did."""
    return "createdDateTime" in body or body["loggedByService"] == "Core Directory"


def _sign_in(body: Json, scene: Scene, user_agent: str | None) -> Json:
    error = body["status"]["errorCode"]
    operation = "UserLoggedIn" if error in {0, 50140} else "UserLoginFailed"
    record = azuread.logon(scene, error=error, operation=operation, user_agent=user_agent)
    known = record["ObjectId"] != "Unknown"
    return record | {
        "ObjectId": body["resourceId"] if known else "Unknown",
        "Target": [{"ID": body["resourceId"], "Type": 0}],
        "ApplicationId": body["appId"],
        "InterSystemsId": body["correlationId"],
    }


def _change(body: Json, scene: Scene) -> Json:
    name = body["activityDisplayName"]
    app = body["initiatedBy"]["app"]
    target = next((one for one in body["targetResources"] if one.get("type") == "User"), body["targetResources"][0])
    modified = [
        (one["displayName"], _respelt(one["oldValue"]), _respelt(one["newValue"]))
        for resource in body["targetResources"]
        for one in resource["modifiedProperties"]
    ]
    record = azuread.change(
        scene,
        name if name.endswith(" ") else f"{name}.",
        body["category"].removesuffix("Management"),
        _ids(target),
        modified,
        object_id=target["userPrincipalName"] or f"{target.get('type') or target.get('Type')}_{target['id']}",
        by=app and app["displayName"],
        by_id=app and app["servicePrincipalId"],
        result="Success" if body["result"] == "success" else "Failure",
    )
    if scene.rng.random() >= _OWN_CORRELATION:
        record["InterSystemsId"] = body["correlationId"]
    return record


def _ids(target: Json) -> list[tuple[str, int]]:
    kind = target.get("type") or target["Type"]
    name = (target["userPrincipalName"], 5) if kind == "User" else (target["displayName"] or target["id"], 1)
    return [(f"{kind}_{target['id']}", 2), (target["id"], 2), (kind, 2), name]


def _respelt(value: str | None) -> str:
    """JSON in a string as the unified log writes it: line breaks in lists, texts without quotes."""
    if value is None:
        return ""
    try:
        meant: Any = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
    if isinstance(meant, list):
        texts = all(isinstance(item, str) for item in meant)
        return json_list(*meant) if texts else "[\r\n  " + ",\r\n  ".join(map(_json, meant)) + "\r\n]"
    return meant if isinstance(meant, str) else _json(meant)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _near(draft: Draft, scene: Scene) -> Draft | None:
    """Another action of the same person within a second: a sign-in again, another change of the same user."""
    rng = scene.rng
    if "createdDateTime" in draft.body:
        at = draft.at + timedelta(seconds=1)
        body = draft.body | {"id": scene.guid(), "correlationId": scene.guid(), "createdDateTime": graph_time(at)}
        return Draft(draft.source, at, body)
    if draft.body["activityDisplayName"] != "Update user":
        return None
    at = draft.at + timedelta(seconds=rng.uniform(0.1, 0.9))
    name, new = rng.choice((("JobTitle", "Planner"), ("Department", "Archive"), ("Mobile", "+31 6 555 0142")))
    changed = [change(name, "[]", f"[{quoted(new)}]"), change("Included Updated Properties", None, quoted(name))]
    target = draft.body["targetResources"][0] | {"modifiedProperties": changed}
    return Draft(draft.source, at, _again(draft.body, scene, at) | {"targetResources": [target]})


def _again(body: Json, scene: Scene, at: datetime) -> Json:
    correlation = scene.guid()
    identity = f"Directory_{correlation}_NEAR7_{scene.rng.randrange(10**6, 10**9)}"
    return body | {"id": identity, "correlationId": correlation, "activityDateTime": graph_time(at, scene.rng)}

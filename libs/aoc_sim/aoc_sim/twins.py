"""Twins: one directory change or sign-in that Graph and the unified audit log both record, each in its own form.

The ids differ, operations differ by their final dot, values by their JSON, times by up to 2.5 seconds. Near-twins are
other actions of the same person on the same target within seconds (`near_twins`), recorded by either log or both.
"""

# ruff: noqa: PLR2004 - the numbers are shares and rates of invented traffic

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_sim import near_twins
from aoc_sim.records import azuread
from aoc_sim.records.base import Draft, json_list

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_sim.records.base import Json, Scene, Source

#: Relative to the setting: the unified log has almost no records of clients that renew their tokens.
_SHARES: Final[Mapping[Source, float]] = {
    "graph-directory-audits": 1.0,
    "graph-signins": 1.0,
    "graph-signins-noninteractive": 0.05,
}
#: Share of changes whose unified record lacks Graph's correlation id. Rarer in reality: none of 164 changes lacks it.
_NO_CORRELATION_ID: Final = 0.1
#: Properties that do not identify the change, or only its target.
_UNSPECIFIC: Final = ("included updated properties", "targetid.", "actorid.", "spn")
_APART_S: Final = 2.5
#: All records of an action end at most this long after its first Graph record.
SPAN: Final = timedelta(seconds=6)


def possible(source: Source) -> bool:
    """Whether records of this source can have a twin."""
    return source in _SHARES


def with_twin(draft: Draft, scene: Scene, room: int, share: float, near: float) -> list[Draft]:
    """A Graph record, with its twin or without; `room`: how many records at most; `near`: how often near-twins."""
    rng = scene.rng
    if room < 2 or not _mirrored(draft.body) or rng.random() >= share * _SHARES[draft.source]:
        return [draft]
    if rng.random() < near:
        acts = near_twins.SCENES[rng.choice(near_twins.possible(draft.body))](draft, scene)
        if 2 * len(acts) <= room:
            return _several(acts, scene, near)
    return pair(draft, scene, rng.uniform(-_APART_S, _APART_S), with_correlation_id=rng.random() >= _NO_CORRELATION_ID)


def _several(acts: Sequence[Draft], scene: Scene, crossed_share: float) -> list[Draft]:
    """Near-twins: the first is in both logs, the others in both or one; or, for a share, each in one, alternating."""
    rng = scene.rng
    crossed = rng.random() < crossed_share
    drafts: list[Draft] = []
    for number, act in enumerate(acts):
        both = pair(act, scene, rng.uniform(-_APART_S, _APART_S))
        alone = [[draft._replace(twin=None)] for draft in both]
        if crossed:
            drafts += alone[number % 2]
        else:
            drafts += both if number == 0 else rng.choice((both, *alone))
    return drafts


def pair(
    draft: Draft, scene: Scene, apart_s: float = 0.0, user_agent: str | None = None, *, with_correlation_id: bool = True
) -> list[Draft]:
    """A Graph record and its twin in the unified log, that many seconds later and then on a whole second.

    `with_correlation_id`: whether the twin of a change has Graph's correlation id.
    """
    at = (draft.at + timedelta(seconds=apart_s)).replace(microsecond=0)
    body = mirror(draft.body, replace(scene, at=at), user_agent)
    if not with_correlation_id and _is_specific(draft.body):
        body["InterSystemsId"] = ""
    mark = draft.identity()
    return [draft._replace(twin=mark), Draft("o365-azuread", at, body, twin=mark)]


def _is_specific(body: Json) -> bool:
    """Whether a change names what changed, so that its twin can be recognised without the correlation id."""
    if near_twins.is_sign_in(body) or body["result"] != "success":
        return False
    changed = (
        modified["displayName"] for resource in body["targetResources"] for modified in resource["modifiedProperties"]
    )
    return any(not name.lower().startswith(_UNSPECIFIC) for name in changed)


def mirror(body: Json, scene: Scene, user_agent: str | None = None) -> Json:
    """The unified log's record of a Graph record's action, at the scene's time."""
    return _sign_in(body, scene, user_agent) if near_twins.is_sign_in(body) else _change(body, scene)


def _mirrored(body: Json) -> bool:
    """Whether the unified log records the action: sign-ins of users, and changes by the directory itself."""
    return near_twins.is_sign_in(body) or body["loggedByService"] == "Core Directory"


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
    target = next((item for item in body["targetResources"] if item.get("type") == "User"), body["targetResources"][0])
    modified = [
        (item["displayName"], _respelt(item["oldValue"]), _respelt(item["newValue"]))
        for resource in body["targetResources"]
        for item in resource["modifiedProperties"]
    ]
    return azuread.change(
        scene,
        name if name.endswith(" ") else f"{name}.",
        body["category"].removesuffix("Management"),
        _ids(target),
        modified,
        object_id=target["userPrincipalName"] or f"{target.get('type') or target.get('Type')}_{target['id']}",
        by=app and app["displayName"],
        by_id=app and app["servicePrincipalId"],
        result="Success" if body["result"] == "success" else "Failure",
    ) | {"InterSystemsId": body["correlationId"]}


def _ids(target: Json) -> list[tuple[str, int]]:
    kind = target.get("type") or target["Type"]
    name = (target["userPrincipalName"], 5) if kind == "User" else (target["displayName"] or target["id"], 1)
    return [(f"{kind}_{target['id']}", 2), (target["id"], 2), (kind, 2), name]


def _respelt(value: str | None) -> str:
    """JSON in a string as the unified log writes it: line breaks in lists, texts without quotes."""
    if value is None:
        return ""
    try:
        parsed: Any = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
    if isinstance(parsed, list):
        texts = all(isinstance(item, str) for item in parsed)
        return json_list(*parsed) if texts else "[\r\n  " + ",\r\n  ".join(map(_json, parsed)) + "\r\n]"
    return parsed if isinstance(parsed, str) else _json(parsed)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()

"""Actions of one person on one target within seconds that are easily confused: what people and attackers do.

Retries; a failure and then the success; the same change back and forth; and what an attacker does so that one action
is taken for another's twin: changes that state nothing, values that differ late, a property too many. Each is an action
of its own with ids of its own, as Microsoft gives them; clients choose some, so a few of them share one.
"""

# ruff: noqa: PLR2004 - the numbers are shares and rates of invented traffic

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aoc_sim.records.base import Draft, graph_time
from aoc_sim.records.directory import change, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from aoc_sim.records.base import Json, Scene

#: Seconds between two of them. Twins' times differ by less than the tolerance all the same.
_LATER_S: Final = (0.1, 1.5)
#: Longer than what an event shows of a value, and more than one may keep apart of properties.
_LONG: Final = 1_100
_MANY: Final = 24
_WRONG_PASSWORD: Final = 50126

type Acts = list[Draft]
"""Graph's records of several actions, in order of time."""


def is_sign_in(body: Json) -> bool:
    """Whether a Graph record is a sign-in; else it is a directory audit."""
    return "createdDateTime" in body


def repeated(draft: Draft, scene: Scene, **changes: object) -> Draft:
    """The same person does the same again, a little later."""
    rng = scene.rng
    if is_sign_in(draft.body):
        at = draft.at + timedelta(seconds=1)
        own = {"id": scene.guid(), "correlationId": scene.guid(), "createdDateTime": graph_time(at)}
        return Draft(draft.source, at, draft.body | own | changes)
    at = draft.at + timedelta(seconds=rng.uniform(*_LATER_S))
    return Draft(draft.source, at, _repeated_audit(draft.body, scene, at) | changes)


def _repeated_audit(body: Json, scene: Scene, at: datetime) -> Json:
    correlation = scene.guid()
    identity = f"Directory_{correlation}_NEAR7_{scene.rng.randrange(10**6, 10**9)}"
    return body | {"id": identity, "correlationId": correlation, "activityDateTime": graph_time(at, scene.rng)}


def _retry(draft: Draft, scene: Scene) -> Acts:
    """It fails, and fails again."""
    failed = _failed(draft)
    return [failed, repeated(failed, scene)]


def _success_after_failure(draft: Draft, scene: Scene) -> Acts:
    """It fails, and then it does not. An attacker can have both under one id."""
    shared = {"correlationId": draft.body["correlationId"]} if scene.rng.random() < 0.5 else {}
    return [_failed(draft), repeated(_succeeded(draft), scene, **shared)]


def _once_more(draft: Draft, scene: Scene) -> Acts:
    """It succeeds, and is done once more: what was to be changed is so already."""
    if is_sign_in(draft.body):
        return [draft, repeated(draft, scene)]
    resources = [
        resource
        | {
            "modifiedProperties": [
                modified | {"oldValue": modified["newValue"]} for modified in resource["modifiedProperties"]
            ]
        }
        for resource in draft.body["targetResources"]
    ]
    return [draft, repeated(draft, scene, targetResources=resources)]


def _back_and_forth(draft: Draft, scene: Scene) -> Acts:
    """A membership is given, taken, and given again: the first and the last are alike in all but their ids."""
    name = draft.body["activityDisplayName"]
    turned = [
        resource
        | {
            "modifiedProperties": [
                modified | {"oldValue": modified["newValue"], "newValue": modified["oldValue"]}
                for modified in resource["modifiedProperties"]
            ]
        }
        for resource in draft.body["targetResources"]
    ]
    other = name.replace("Add member to", "Remove member from", 1)
    removal = repeated(draft, scene, activityDisplayName=other, targetResources=turned)
    addition = repeated(removal, scene, activityDisplayName=name, targetResources=draft.body["targetResources"])
    return [draft, removal, addition]


def _decoy(draft: Draft, scene: Scene) -> Acts:
    """Before the change, a record that only states that something was updated."""
    echo = change("Included Updated Properties", None, quoted("Department"))
    return [_with(draft, echo), repeated(draft, scene)]


def _late_difference(draft: Draft, scene: Scene) -> Acts:
    """Two values that are alike for longer than an event shows."""
    alike = "Projects " * (_LONG // 9)
    first, second = (change("Department", "[]", f"[{quoted(alike + end)}]") for end in ("A", "B"))
    return [_with(draft, first), _with(repeated(draft, scene), second)]


def _property_too_many(draft: Draft, scene: Scene) -> Acts:
    """Very many properties, of which the last one differs."""
    alike = [change(f"extensionAttribute{number}", "[]", '["x"]') for number in range(_MANY)]
    first, second = (change("zz", "[]", f"[{quoted(end)}]") for end in ("A", "B"))
    return [_with(draft, *alike, first), _with(repeated(draft, scene), *alike, second)]


def _another_value(draft: Draft, scene: Scene) -> Acts:
    """The same property of the same target gets another value, or another one changes."""
    name, new = scene.rng.choice((("Department", "Archive"), ("JobTitle", "Planner"), ("Mobile", "+31 6 555 0142")))
    echo = change("Included Updated Properties", None, quoted(name))
    return [draft, _with(repeated(draft, scene), change(name, "[]", f"[{quoted(new)}]"), echo)]


def _with(draft: Draft, *changed: Json) -> Draft:
    target, *others = draft.body["targetResources"]
    return draft._replace(body=draft.body | {"targetResources": [target | {"modifiedProperties": changed}, *others]})


def _failed(draft: Draft) -> Draft:
    if is_sign_in(draft.body):
        status = {"errorCode": _WRONG_PASSWORD, "failureReason": "The password is wrong.", "additionalDetails": None}
        return draft._replace(body=draft.body | {"status": status})
    return draft._replace(body=draft.body | {"result": "failure", "resultReason": "Insufficient privileges."})


def _succeeded(draft: Draft) -> Draft:
    if is_sign_in(draft.body):
        status = {"errorCode": 0, "failureReason": "Other.", "additionalDetails": None}
        return draft._replace(body=draft.body | {"status": status})
    return draft._replace(body=draft.body | {"result": "success", "resultReason": ""})


#: Name -> who makes it of a Graph record.
SCENES: Final[Mapping[str, Callable[[Draft, Scene], Acts]]] = {
    "retry": _retry,
    "success after failure": _success_after_failure,
    "once more": _once_more,
    "back and forth": _back_and_forth,
    "decoy": _decoy,
    "late difference": _late_difference,
    "property too many": _property_too_many,
    "another value": _another_value,
}
_OF_ANYTHING: Final = ("retry", "success after failure", "once more")
_OF_MEMBERS: Final = (*_OF_ANYTHING, "back and forth")
_OF_UPDATES: Final = (*_OF_ANYTHING, "decoy", "late difference", "property too many", "another value")


def possible(body: Json) -> tuple[str, ...]:
    """The scenes that can be made of a Graph record."""
    name = body.get("activityDisplayName", "")
    if name == "Update user":
        return _OF_UPDATES
    return _OF_MEMBERS if name.startswith("Add member to") else _OF_ANYTHING

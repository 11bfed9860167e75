"""A question that took too long is not a server that is away: who asked is told to ask for less."""

from __future__ import annotations

import json

import pytest
from pymongo.errors import ExecutionTimeout, NetworkTimeout, OperationFailure, ServerSelectionTimeoutError

from aoc_api.problems import store_away
from aoc_common.errors import TimedOut, Transient, Unreachable
from aoc_common.store.mongo.client import translated
from each import each

EXCEEDED = ExecutionTimeout("operation exceeded time limit", 50, {"ok": 0, "code": 50})
NO_TIME_LEFT = ExecutionTimeout(
    "operation would exceed time limit, remaining timeout:0.00001 <= round trip time", 50, {}
)


@each(
    ("raised", "kind", "problem"),
    [
        (EXCEEDED, TimedOut, "took-too-long"),
        (NO_TIME_LEFT, Unreachable, "unavailable"),
        (NetworkTimeout("db:27017: timed out"), Unreachable, "unavailable"),
        (ServerSelectionTimeoutError("db:27017: refused"), Unreachable, "unavailable"),
        (OperationFailure("no such command", 59), Unreachable, "unavailable"),
    ],
)
def test_what_the_driver_raises_is_told_apart(raised, kind, problem) -> None:
    with pytest.raises(Transient) as translation, translated("events"):
        raise raised
    answer = store_away(translation.value)
    document = json.loads(answer.body)

    assert type(translation.value) is kind
    assert (answer.status_code, document["type"]) == (503, f"/problems/{problem}")
    assert int(answer.headers["retry-after"]) >= 1
    assert ("Ask for less" in document["detail"]) is (problem == "took-too-long")

"""Sinks over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aoc_common.contracts.sink_states import SinkHealth, Tally
from aoc_common.errors import BadConfiguration
from aoc_common.store.mongo.sink_accounts import MongoSinkAccounts
from aoc_common.store.mongo.sink_states import MongoSinkStates

SINK = {"name": "siem", "kind": "otlp", "options": {"url": "https://siem.example"}}
UNCHECKED = {"check": "false"}


async def test_a_sink_is_added_changed_by_its_etag_shown_with_its_account_and_removed(gateway, database) -> None:
    call = gateway.client.request
    added = await call("POST", "/api/sinks", json=SINK, params=UNCHECKED)
    assert (added.status_code, added.headers["ETag"], added.json()["state"]) == (201, '"1"', "waiting")
    assert (await call("POST", "/api/sinks", json=SINK, params=UNCHECKED)).status_code == 409

    changed = {"json": SINK | {"paused": True}, "params": UNCHECKED}
    answers = [
        await call("PUT", "/api/sinks/siem", **changed),
        await call("PUT", "/api/sinks/siem", **changed, headers={"If-Match": '"7"'}),
        await call("PUT", "/api/sinks/siem", **changed, headers={"If-Match": '"1"'}),
        await call("PUT", "/api/sinks/other", **changed, headers={"If-Match": '"1"'}),
        await call("PUT", "/api/sinks/siem", json=SINK | {"labels": {"X": "y"}}, headers={"If-Match": '"2"'}),
    ]
    assert [one.status_code for one in answers] == [428, 412, 200, 422, 422]

    states, now = MongoSinkStates(database), gateway.app.state.services.clock.now()
    await states.place("siem", "store", SINK, now)
    await states.place("of-a-file", "file", SINK | {"name": "of-a-file"}, now)
    await states.tell("siem", SinkHealth("failing", "otlp: 503 busy", None, 12, now, now), now)
    await MongoSinkAccounts(database).add("siem", {"contoso": Tally(delivered=5, refused=1, error="no", error_at=now)})
    shown = (await call("GET", "/api/sinks/siem")).json()
    listed = (await call("GET", "/api/sinks")).json()["items"]
    assert (shown["state"], shown["words"], shown["waiting"]) == ("failing", "otlp: 503 busy", 12)
    assert [(one["tenant"], one["delivered"], one["refused"]) for one in shown["accounts"]] == [("contoso", 5, 1)]
    assert [(one["name"], one["origin"], one["revision"]) for one in listed] == [
        ("of-a-file", "file", None), ("siem", "registry", 2),
    ]  # fmt: skip
    assert (await call("DELETE", "/api/sinks/of-a-file")).status_code == 403

    assert (await call("DELETE", "/api/sinks/siem")).status_code == 204
    assert (await call("DELETE", "/api/sinks/siem")).status_code == 404


async def test_what_an_exporter_says_is_the_answer(gateway, database) -> None:
    asked: list[Any] = []

    class Questions:
        async def ask(self, what: str, sink: str, **more: Any) -> dict[str, Any]:
            asked.append((what, sink, more))
            if what == "check":
                raise BadConfiguration("sink siem, options.url: no address")
            answers: dict[str, dict[str, Any]] = {
                "test": {"accepted": False, "id": "1", "words": "otlp: 401 no"},
                "preview": {"event": "e", "tenant": "contoso", "goes": True, "text": "{}"},
                "replay": {"ok": True, "events": 3},
            }
            return answers[what]

    services = gateway.app.state.services
    gateway.app.state.services = replace(services, sinks=replace(services.sinks, questions=Questions()))
    call = gateway.client.request
    refused = await call("POST", "/api/sinks", json=SINK)
    assert (refused.status_code, refused.json()["detail"]) == (422, "sink siem, options.url: no address.")
    await call("POST", "/api/sinks", json=SINK, params=UNCHECKED)
    span = {"start": "2026-11-20T00:00:00Z", "end": "2026-11-21T00:00:00Z"}
    answers = [
        (await call("POST", "/api/sinks/siem/test")).json(),
        (await call("POST", "/api/sinks/siem/preview", params={"event": "e"})).json(),
        (await call("POST", "/api/sinks/siem/replay", params=span | {"tenant": "contoso"})).json(),
    ]

    assert [list(one.values())[-1] for one in answers] == ["otlp: 401 no", "{}", 3]
    assert [one[0] for one in asked] == ["check", "test", "preview", "replay"]
    assert (await call("POST", "/api/sinks/none/test")).status_code == 404
    assert (await call("POST", "/api/sinks/siem/replay", params=span | {"end": span["start"]})).status_code == 422

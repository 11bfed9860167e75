"""Routes of notifications at the gateway: how they fare, and what an alerter answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aoc_common.contracts.notifications import Counted, RouteState
from aoc_common.errors import BadConfiguration
from aoc_common.store.mongo.notification_routes import MongoNotificationRoutes
from replica import NOW

ALERT = "0193554f-0800-8000-8000-000000000001"


async def test_routes_are_shown_and_what_an_alerter_says_is_the_answer(gateway, database) -> None:
    asked: list[Any] = []

    class Questions:
        async def asked(self, job: Any) -> dict[str, Any]:
            asked.append((job.what, job.route, job.alert))
            if job.route == "broken":
                raise BadConfiguration("route broken, options.url: the environment variable is not set")
            if job.what == "test":
                return {"accepted": False, "id": "1", "words": "apprise: 503 busy"}
            return {"alert": job.alert, "tenant": "contoso", "goes": True, "title": "t", "body": "b"}

    routes = MongoNotificationRoutes(database)
    settings = {"name": "people", "kind": "apprise", "options": {"url": "file:/run/secrets/teams"}}
    failing = RouteState("people", settings, "failing", NOW, "503", 2, NOW, error="503", error_at=NOW)
    await routes.tell(failing, Counted(sent=3, messages=2, refused=1, repeated=1))
    await routes.tell(RouteState("broken", settings, "broken", NOW), Counted())
    services = gateway.app.state.services
    notifications = replace(services.notifications, questions=Questions())
    gateway.app.state.services = replace(services, notifications=notifications)
    call = gateway.client.request

    [_, people] = (await call("GET", "/api/notifications")).json()["items"]
    tried = await call("POST", "/api/notifications/people/test")
    shown = await call("POST", "/api/notifications/people/preview", params={"alert": ALERT})
    refused = await call("POST", "/api/notifications/broken/test")

    assert (people["state"], people["waiting"], people["sent"], people["error"]) == ("failing", 2, 3, "503")
    assert tried.json() == {"accepted": False, "id": "1", "words": "apprise: 503 busy"}
    assert shown.json()["title"] == "t"
    assert (refused.status_code, "options.url" in refused.json()["detail"]) == (422, True)
    assert asked == [("test", "people", None), ("preview", "people", ALERT), ("test", "broken", None)]
    assert (await call("POST", "/api/notifications/none/test")).status_code == 404
    assert (await call("POST", "/api/notifications/people/preview", params={"alert": "x"})).status_code == 422

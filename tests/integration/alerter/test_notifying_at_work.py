"""The alerter tells people, on a real bus and a real store, by a signed webhook over real HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
import yaml
from pydantic import SecretStr
from standardwebhooks import Webhook
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from alerting import library_builder
from aoc_alerter.app import worker
from aoc_alerter.notifying.destination import WebhookOptions
from aoc_alerter.notifying.message import Message
from aoc_alerter.notifying.webhook import SignedWebhook
from aoc_alerter.settings import AlerterOptions, AlerterSettings, NotifyOptions
from aoc_cli.local.ports import free_port
from aoc_common.bus import consumers
from aoc_common.bus.broker import jetstream
from aoc_common.bus.jobs import publish_job
from aoc_common.bus.noted import NotedStream
from aoc_common.bus.provision import provision
from aoc_common.bus.publish import Outgoing
from aoc_common.clock import SystemClock
from aoc_common.contracts.alert_message import AlertMessage
from aoc_common.contracts.jobs import NotificationJob
from aoc_common.contracts.subjects import ALERTS_STREAM
from aoc_common.errors import Unreachable
from aoc_common.outbound.web import HttpOptions
from aoc_common.review.deciding import Backends
from aoc_common.review.letters import republish
from aoc_common.settings import HealthSettings
from aoc_common.store.alerts import AlertWrite
from aoc_common.store.mongo.alerts import MongoAlerts
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.message_log import MongoMessageLog
from aoc_common.store.mongo.notification_routes import MongoNotificationRoutes
from aoc_common.store.mongo.sink_answers import MongoSinkAnswers
from aoc_common.store.review_queues import Selection
from made_alerts import KEEP, alert_event, alert_of
from reader_bench import Rig
from receiving import LOOPBACK, SECRET, serving
from replica import NOW

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

    from aoc_common.contracts.alert import Alert


class Receiver:
    """Verifies what it gets as a stranger does. `status`: what it answers."""

    def __init__(self) -> None:
        self.status = 200
        self.taken: dict[str, dict[str, Any]] = {}
        self.times = 0

    async def hook(self, request: Request) -> Response:
        read = Webhook(SECRET).verify((await request.body()).decode(), dict(request.headers))
        if self.status == 200:
            self.taken[request.headers["webhook-id"]] = read
            self.times += 1
        return PlainTextResponse("not this one", self.status)


def written(file: Path, url: str, **settings: Any) -> None:
    options = {"url": f"{url}/hook", "secret": f"file:{file.parent}/secret"}
    routes = [{"name": "people", "kind": "webhook", "options": options, **settings}]
    file.write_text(yaml.safe_dump({"routes": routes}))


async def test_people_are_told_once_by_two_replicas_and_what_is_refused_can_be_tried_again(
    nats_as, database, mongo_settings, tmp_path, eventually
) -> None:
    await ensure_indexes(database)
    rig = Rig(nats_as, database)
    await rig.start()
    await rig.declare(consumers.ALERTER)
    await rig.declare(consumers.NOTIFIER)
    receiver, file, alerts = Receiver(), tmp_path / "routes.yml", MongoAlerts(database, KEEP)
    letters, answers = MongoDeadLetters(database), MongoSinkAnswers(database, SystemClock())
    (tmp_path / "secret").write_text(SECRET)

    async def raised(alert: Alert) -> None:
        assert await alerts.write([AlertWrite(alert, None, AlertMessage.of(alert))])

    async def asked(what: Any, ticket: str, **more: Any) -> dict[str, Any]:
        await publish_job(
            jetstream(await rig.broker("api")), NotificationJob(what=what, route="people", ticket=ticket * 32, **more)
        )

        async def answered() -> bool:
            return await answers.answered(ticket * 32) is not None

        await eventually(answered)
        return dict(await answers.answered(ticket * 32) or {})

    async with serving([Route("/hook", receiver.hook, methods=["POST"])]) as url:
        written(file, url, include={"severities": ["critical"]})
        settings = [
            AlerterSettings(
                nats=nats_as("alerter"),
                mongo=mongo_settings,
                health=HealthSettings(port=free_port()),
                alerter=AlerterOptions(publish_s=0.1, gateway_url="https://aoc.example"),
                notifications_file=file,
                notify=NotifyOptions(allowed_networks=LOOPBACK, secret_directories=(tmp_path,), look_s=0.1),
            )
            for _ in range(2)
        ]
        one, two = (worker(replica, library_builder()).running() for replica in settings)
        async with one as probes, two:
            assert (await asked("test", "a"))["accepted"] is True
            written(file, url, include={"severities": ["high"]})
            first = alert_of(alert_event(1))

            async def live() -> bool:
                states = await MongoNotificationRoutes(database).all()
                return bool(states) and states[0].settings["include"] == {"severities": ["high"]}

            await eventually(live)
            await raised(first)
            await eventually(lambda: len(receiver.taken) == 2)
            shown = await asked("preview", "b", alert=str(first.id))
            receiver.status = 400
            await raised(second := alert_of(alert_event(2)))

            async def refused() -> bool:
                return await letters.count(Selection()) == 1

            await eventually(refused)
            receiver.status = 200
            [letter] = await letters.find(Selection())
            assert await republish(Backends(database, jetstream(await rig.broker("operator"))), letter, NOW) is None
            for number in range(3, 9):
                await raised(alert_of(alert_event(number)))
            await eventually(lambda: len(receiver.taken) == 9)
            assert [await probe() for probe in probes.values()] == [None] * len(probes)
        states = await MongoNotificationRoutes(database).all()
    await rig.stop()

    told = receiver.taken[f"people-{first.id}-high"]
    assert told["data"]["link"] == f"https://aoc.example/api/alerts/{first.id}?tenant=contoso"
    assert orjson.dumps(told["data"]["finding"]["finding_info"]["uid"]) == orjson.dumps(str(first.id))
    assert (shown["goes"], shown["title"]) == (True, "[high] Inbox rule forwards mail (contoso)")
    assert f"people-{second.id}-high" in receiver.taken
    assert "route people: webhook: 400 not this one" in letter.reason
    assert receiver.times == len(receiver.taken), "of two replicas one tells"
    assert (states[0].sent, states[0].refused) == (8, 1)


async def test_people_are_told_of_what_went_with_the_stream_when_somebody_deleted_it(
    nats_as, database, mongo_settings, tmp_path, eventually
) -> None:
    await ensure_indexes(database)
    rig = Rig(nats_as, database)
    await rig.start()
    for reader in consumers.READERS:
        await rig.declare(reader)
    receiver, file = Receiver(), tmp_path / "routes.yml"
    (tmp_path / "secret").write_text(SECRET)
    noted = NotedStream(ALERTS_STREAM, MongoMessageLog(database, ALERTS_STREAM), SystemClock())

    async def published(number: int) -> None:
        alert = alert_of(alert_event(number))
        message = AlertMessage.of(alert)
        assert await MongoAlerts(database, KEEP).write([AlertWrite(alert, None, None)])
        alerter = jetstream(await rig.broker("alerter"))
        await noted.publish(alerter, [Outgoing(message.subject, message.body, message.headers)])

    await published(1)
    await published(2)
    await rig.js.delete_stream(ALERTS_STREAM)
    await provision(rig.owner, nats_as("provision"))
    await published(3)
    await rig.declare(consumers.NOTIFIER)
    async with serving([Route("/hook", receiver.hook, methods=["POST"])]) as url:
        written(file, url)
        settings = AlerterSettings(
            nats=nats_as("alerter"),
            mongo=mongo_settings,
            health=HealthSettings(port=free_port()),
            notifications_file=file,
            notify=NotifyOptions(allowed_networks=LOOPBACK, secret_directories=(tmp_path,), look_s=0.1),
        )
        async with worker(settings, library_builder()).running():
            await eventually(lambda: len(receiver.taken) == 3, 40)
    await rig.stop()


async def test_a_page_behind_a_success_told_nobody() -> None:
    """Something in between asks to sign in: else the alert would count as told."""
    answers = [HTMLResponse("<!doctype html><p>Sign in</p>"), PlainTextResponse("ok")]
    message = Message("m", "a", "aoc.alert.new", "high", "a title", "a body", {})

    async def hook(_: Request) -> Response:
        return answers.pop(0)

    async with serving([Route("/hook", hook, methods=["POST"])]) as url:
        options = WebhookOptions(
            url=f"{url}/hook", secret=SecretStr(SECRET), http=HttpOptions(allowed_networks=LOOPBACK)
        )
        destination = SignedWebhook(options, SystemClock())
        with pytest.raises(Unreachable, match="sign in"):
            await destination.send(message)
        assert await destination.send(message) == b"ok"
        await destination.close()

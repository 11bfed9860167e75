"""Receivers of SIEMs on the simulator's address: their faults are settings, and what they took is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import orjson
from starlette.applications import Starlette

from aoc_exporter.framing import bulk, hec, otlp, sentinel, syslog, webhook
from aoc_sim.settings import SiemSettings
from aoc_sim.siem import receivers
from aoc_sim.siem.fingerprints import UNREADABLE, abridged
from aoc_sim.siem.receivers import ELASTIC_PASSWORD, ELASTIC_USER, NAMES, SENTINEL_SECRET, Receivers
from aoc_sim.siem.request_faults import RequestFault
from each import each
from siem_entries import item

if TYPE_CHECKING:
    from aoc_exporter.item import Item

EVENT = {
    "class_uid": 3002, "time": 1, "status_id": 1, "raw_data": '{"DEL":"]\\" [x"}',
    "metadata": {"uid": "u", "event_code": "UserLoggedIn"},
}  # fmt: skip
SENT = item(1, body=orjson.dumps(EVENT))


def parsed(name: str, sent: Item) -> object:
    """An item as a receiver has it in its hands."""
    match name:
        case "splunk":
            return orjson.loads(hec.envelope(sent, hec.HecFields()))
        case "elastic":
            return orjson.loads(bulk.pair(sent, "logs").split(b"\n")[1])
        case "sentinel":
            return orjson.loads(sentinel.row(sent))
        case "otlp":
            [resource] = orjson.loads(otlp.body([sent]))["resourceLogs"]
            return resource["scopeLogs"][0]["logRecords"][0] | {"resource": resource["resource"]}
        case "webhook":
            return orjson.loads(webhook.body([sent], ""))["data"][0]
        case _:
            return syslog.message(sent, syslog.Header())


@each("name", NAMES)
def test_of_one_event_every_receiver_keeps_the_same_and_of_an_altered_one_another(name: str) -> None:
    keep = abridged(name)
    other_text, other_field = (item(1, body=orjson.dumps(EVENT | {field: "x"})) for field in ("raw_data", "time"))
    kept = keep(parsed(name, SENT))

    assert kept == abridged("splunk")(parsed("splunk", SENT)) != UNREADABLE
    assert kept.fields == keep(parsed(name, other_text)).fields != keep(parsed(name, other_field)).fields
    assert kept.text == keep(parsed(name, other_field)).text != keep(parsed(name, other_text)).text
    assert keep(parsed(name, item(1, body=b'{"class_uid":1}'))) == keep({}) == UNREADABLE


def client(seed: int = 1, **settings: object) -> httpx.AsyncClient:
    app = Starlette(routes=Receivers(SiemSettings(**settings), seed).routes())
    auth = (ELASTIC_USER, ELASTIC_PASSWORD)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sim", auth=auth)


async def bulk_statuses(asked: httpx.AsyncClient, count: int) -> list[int]:
    """The answers to so many requests with one document, always the same."""
    content = bulk.pair(SENT, "logs")
    return [(await asked.post("/_siem/elastic/_bulk", content=content)).status_code for _ in range(count)]


async def test_faults_are_drawn_by_the_seed_as_often_as_they_may_be_and_told() -> None:
    settings = {"faults": {"throttled": 0.3, "busy": 0.3, "silent": 1.0}, "most": 3}
    async with client(**settings) as one, client(**settings) as same, client(2, **settings) as other:
        statuses = await bulk_statuses(one, 20)
        assert statuses == await bulk_statuses(same, 20) != await bulk_statuses(other, 20)
        told = (await one.get("/_taken")).json()["receivers"]["elastic"]

    # `silent` is of Splunk alone.
    assert (statuses.count(429), statuses.count(503), statuses.count(200)) == (3, 3, 14)
    assert told["faults"] == {"throttled": 3, "busy": 3}
    assert (told["keys"], told["doubled"], told["conflicts"], told["requests"]) == (1, 0, 13, 20)


async def test_what_was_taken_is_told_line_by_line_and_a_receiver_that_is_full_takes_no_more(monkeypatch) -> None:
    monkeypatch.setattr(receivers, "MOST", 1)
    async with client() as asked:
        assert await bulk_statuses(asked, 2) == [200, 507]
        [line] = (await asked.get("/_taken/elastic")).text.splitlines()
        assert (await asked.get("/_taken/nobody")).status_code == 404

    kept = abridged("splunk")(parsed("splunk", SENT))
    assert orjson.loads(line) == {"key": SENT.key, "times": 1, "differs": False, **kept._asdict()}


async def test_a_token_of_sentinels_sign_in_ends_before_its_time() -> None:
    form = {"client_secret": SENTINEL_SECRET, "scope": "https://monitor.azure.com/.default"}
    path = "/_siem/sentinel/dataCollectionRules/dcr-1/streams/s?api-version=2023-01-01"
    async with client() as asked:
        signing_in = "/_siem/sentinel/contoso/oauth2/v2.0/token"
        assert (await asked.post(signing_in, data=form | {"client_secret": "other"})).status_code == 401
        token = (await asked.post(signing_in, data=form)).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        statuses = [(await asked.post(path, content=b"[]", headers=headers, auth=None)).status_code for _ in range(22)]

    assert statuses == [204] * 20 + [401] * 2


def test_every_fault_is_of_some_receiver() -> None:
    assert set().union(*receivers.FAULTS.values()) == set(RequestFault) - {RequestFault.NONE}
    assert set(receivers.FAULTS) == set(NAMES)

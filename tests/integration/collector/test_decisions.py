"""What somebody decided at the gateway is carried out by the collector, with its own rights on the bus."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aoc_collector.parts.decisions import decision_run
from aoc_common.bus.broker import jetstream, make_broker
from aoc_common.bus.jobs import publish_job
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.contracts.dead_letters import DeadLetter
from aoc_common.contracts.jobs import BackfillJob, DecisionJob
from aoc_common.contracts.raw import RawPage
from aoc_common.review.deciding import Backends
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.quarantine import QuarantineEntry
from aoc_common.store.review_queues import ItemState, Selection
from manual_clock import ManualClock

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
PAGE = RawPage("contoso", "o365-exchange", "contoso/o365-exchange/s", NOW, b'[{"Id":"1"}]')
BACKFILL = BackfillJob(tenant="contoso", source="o365-exchange", start=NOW - timedelta(days=1), end=NOW)


def letter(key: str = "normalizer-1", **changes) -> DeadLetter:
    made = DeadLetter(key, "normalizer", "contoso", "o365-exchange", PAGE.slice_id, subjects.RAW_STREAM, 1,
                      PAGE.subject, "KeyError", PAGE.headers(), PAGE.body, NOW)  # fmt: skip
    return replace(made, **changes)


def asked(*keys: str, **changes) -> DecisionJob:
    made = {"tenant": "contoso", "queue": "dead-letters", "decision": "retry", "asked_at": NOW, "who": "Dana Reyes"}
    return DecisionJob(**(made | changes), keys=keys)


@pytest.fixture
async def js(nats_as):
    broker = make_broker(nats_as("collector"), "collector")
    await broker.connect()
    yield jetstream(broker)
    await broker.stop()


@pytest.fixture
def run(js, database):
    return decision_run(Backends(database, js), ManualClock(NOW + timedelta(seconds=2)))


async def messages(js, stream: str) -> int:
    return (await js.stream_info(stream)).state.messages


async def test_a_retry_is_carried_out_once_however_often_its_job_is_delivered(js, database, run) -> None:
    letters = MongoDeadLetters(database)
    job = BACKFILL.model_dump_json().encode()
    await letters.put(letter(), 1, "page")
    await letters.put(letter("collector-2", service="collector", stream=subjects.JOBS_STREAM,
                             subject=BACKFILL.subject, body=job, headers={}), 1, "")  # fmt: skip
    for _ in range(2):
        await run(asked("normalizer-1", "collector-2"))

    assert await messages(js, subjects.RAW_STREAM) == 1
    assert await messages(js, subjects.JOBS_STREAM) == 1
    assert {item.key: (item.state, item.tries) for item in await letters.find(Selection(state=None))} == {
        "normalizer-1": (ItemState.OPEN, 1),
        "collector-2": (ItemState.RETRIED, 1),
    }


async def test_a_record_is_published_as_a_page_of_its_own(js, database, run) -> None:
    quarantine = MongoQuarantine(database)
    entry = QuarantineEntry("contoso/x#1", "contoso", "o365-exchange", PAGE.slice_id, "p", "bad", '{"Id":"1"}', NOW)
    await quarantine.put([entry, replace(entry, key="contoso/x#2", stored=True)])
    await run(asked("contoso/x#1", "contoso/x#2", queue="quarantine"))
    [_, left] = sorted(await quarantine.find(Selection()), key=lambda item: item.key)

    assert await messages(js, subjects.RAW_STREAM) == 1
    assert "aoc remap" in left.left


async def test_another_tenants_items_are_not_touched_and_what_is_left_says_why(js, database, run) -> None:
    letters = MongoDeadLetters(database)
    await letters.put(letter("normalizer-3", tenant="fabrikam"), 1, "")
    await letters.put(letter("normalizer-4"), 1, "")
    await letters.copied(letter("normalizer-4"), 77)
    await database["dead_letters"].update_one({"_id": "normalizer-4"}, {"$unset": {"body": ""}})
    await run(asked("normalizer-3", "normalizer-4"))
    found = {item.key: item for item in await letters.find(Selection(state=None))}

    assert await messages(js, subjects.RAW_STREAM) == 0
    assert (found["normalizer-3"].state, found["normalizer-3"].left) == (ItemState.OPEN, "")
    assert found["normalizer-4"].state is ItemState.EXPIRED


async def test_a_body_that_is_on_the_stream_alone_is_read_there(nats_as, js, database, run) -> None:
    letters, only_copy = MongoDeadLetters(database), letter("normalizer-5")
    broker = make_broker(nats_as("normalizer"), "normalizer")
    await broker.connect()
    copy = Outgoing("aoc.dlq.normalizer.contoso", PAGE.body, {"Aoc-Letter": only_copy.key})
    [ack] = await publish_all(jetstream(broker), subjects.DLQ_STREAM, [copy])
    await letters.put(only_copy, 1, "")
    await letters.copied(only_copy, ack.seq)
    await database["dead_letters"].update_one({"_id": only_copy.key}, {"$unset": {"body": ""}})
    await run(asked(only_copy.key))
    page = await jetstream(broker).get_msg(subjects.RAW_STREAM, 1)
    await broker.stop()

    assert page.data == PAGE.body


async def test_a_discard_is_kept_with_who_decided_and_why(database, run) -> None:
    letters = MongoDeadLetters(database)
    await letters.put(letter(), 1, "")
    for why in ("see case 17", "another reason"):
        await run(asked("normalizer-1", decision="discard", why=why))
    [item] = await letters.find(Selection(state=ItemState.DISCARDED))

    assert (item.who, item.why) == ("Dana Reyes", "see case 17")


async def test_the_gateway_may_ask_for_a_decision_and_publish_no_page(nats_as, js) -> None:
    broker = make_broker(nats_as("api"), "api")
    await broker.connect()
    try:
        gateway = jetstream(broker)
        assert await publish_job(gateway, asked("normalizer-1"))
        assert not await publish_job(gateway, asked("normalizer-1"))  # it waits already
        for subject in (PAGE.subject, "aoc.jobs.collect.contoso.o365-exchange"):
            with pytest.raises(TimeoutError):
                await gateway.publish(subject, b"[]", timeout=0.5)
    finally:
        await broker.stop()
    assert await messages(js, subjects.RAW_STREAM) == 0
    assert await messages(js, subjects.JOBS_STREAM) == 1

"""From a stream with limits, as the version before had it, to a work queue: nothing lost, nothing doubled."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import nats as nats_client
import pytest
from nats.js.api import (
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    StorageType,
    StreamConfig,
)
from pymongo import UpdateOne

from aoc_common.bus.broker import close, jetstream, make_broker
from aoc_common.bus.consume import reading
from aoc_common.bus.provision import provision
from aoc_common.clock import SystemClock
from aoc_common.contracts import subjects
from aoc_common.errors import BadConfiguration
from aoc_common.migration import MOVING, Migration
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.lease import MongoLease
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.upgrade import upgrade
from aoc_common.store.review_queues import Selection
from aoc_normalizer import app
from aoc_normalizer.normalise import normalise_page
from aoc_normalizer.reading.records import RecordContext
from aoc_normalizer.settings import NormalizerSettings
from killing import killed_at_every_request

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
SLICE = "contoso/o365-exchange/1"


def body(number: int) -> bytes:
    names = [f"{number}-{one}" for one in range(3)]
    return json.dumps(
        [{"Id": name, "CreationTime": f"{NOW:%Y-%m-%dT%H:%M:%S}", "Operation": "Set-Mailbox"} for name in names]
    ).encode()


def headers(number: int) -> dict[str, str]:
    return {
        "Aoc-Tenant": "contoso",
        "Aoc-Source": "o365-exchange",
        "Aoc-Slice": SLICE,
        "Aoc-Fetched-At": NOW.isoformat(),
        "Nats-Msg-Id": f"old-{number}",
    }


class Before:
    """What the version before leaves: streams with limits, documents with sequences."""

    def __init__(self, broker, normalizer, database) -> None:
        self.js, self.database, self._events = jetstream(broker), database, jetstream(normalizer)

    async def streams(self) -> None:
        """As commit 7d30406 declared them."""
        base = {"storage": StorageType.FILE, "num_replicas": 1, "duplicate_window": 15 * 60}
        await self.js.add_stream(
            StreamConfig(
                name="AOC_RAW", subjects=["aoc.raw.*.*"], max_age=7 * 86400, max_bytes=1024**3,
                discard=DiscardPolicy.NEW, **base,
            )
        )  # fmt: skip
        await self.js.add_stream(
            StreamConfig(
                name="AOC_EVENTS", subjects=["aoc.events.*.*.*"], max_age=3 * 86400, max_bytes=1024**3,
                discard=DiscardPolicy.OLD, **base,
            )
        )  # fmt: skip
        await self.js.add_stream(StreamConfig(name="AOC_DLQ", subjects=["aoc.dlq.*.*"], max_age=30 * 86400, **base))
        await self.js.add_consumer(
            "AOC_RAW",
            ConsumerConfig(durable_name="normalizer", filter_subject="aoc.raw.*.*", ack_wait=30, max_ack_pending=1024),
        )

    async def pages(self, count: int) -> None:
        for number in range(count):
            await self.page(body(number), headers(number))

    async def page(self, body: bytes, headers: dict[str, str]) -> None:
        await self.js.publish("aoc.raw.contoso.o365-exchange", body, headers=headers)

    async def stored(self, number: int, *, published: int) -> None:
        """Page `number` (its sequence is one more): all of it stored, so many of its events published."""
        events, _ = normalise_page(body(number), RecordContext("contoso", "o365-exchange", NOW))
        await MongoEvents(self.database, lambda *_: DAY).insert(events, [""] * len(events))
        for event in events[:published]:
            await self._events.publish(
                subjects.events("contoso", "o365-exchange", event.class_uid),
                event.message(),
                headers={"Nats-Msg-Id": str(event.id)},
            )
        await self.database["events"].bulk_write(
            [UpdateOne({"_id": one.id}, {"$set": {"raw_seq": number + 1}, "$unset": {"page": ""}}) for one in events]
        )

    async def settled(self, number: int) -> None:
        outcome = {"tenant": "contoso", "source": "o365-exchange", "slice_id": SLICE, "raw_seq": number + 1}
        counts = {"stored": 3, "duplicate": 0, "quarantined": 0, "at": NOW, "expire_at": NOW + 90 * DAY}
        await self.database["ledger_pages"].insert_one({"_id": f"{SLICE}#{number + 1}", **outcome, **counts})

    async def acknowledged(self, count: int) -> None:
        subscription = await self.js.pull_subscribe_bind(durable="normalizer", stream="AOC_RAW")
        for message in await subscription.fetch(count):
            await message.ack_sync()


@pytest.fixture
async def broker(nats_on):
    made = make_broker(nats_on("provision"), "provision")
    await made.connect()
    yield made
    await close(made)


@pytest.fixture
async def before(broker, nats_on, database):
    """Six pages: 0 and 1 settled and acknowledged, 2 settled only, 3 published in part, 4 and 5 untouched."""
    await ensure_indexes(database)
    normalizer = make_broker(nats_on("normalizer"), "normalizer")
    await normalizer.connect()
    made = Before(broker, normalizer, database)
    await made.streams()
    await made.pages(6)
    for number in range(3):
        await made.stored(number, published=3)
        await made.settled(number)
    await made.stored(3, published=2)
    await made.acknowledged(2)
    await database["ledger_slices"].insert_one(
        {"_id": SLICE, "tenant": "contoso", "source": "o365-exchange", "start": NOW - DAY, "end": NOW, "attempts": 1,
         "state": "fetched", "pages": 6, "records": 18, "first_seq": 1, "last_seq": 6, "fetched_at": NOW}
    )  # fmt: skip
    yield made
    await close(normalizer)


@pytest.fixture
def another(broker, nats_on, database):
    """Makes a migration, each as a process of its own would."""

    def make(quiet_s: float = 0.0) -> Migration:
        lease = MongoLease(database, "migration")
        ledger, settings = MongoLedger(database), nats_on("provision")
        letters = MongoDeadLetters(database)
        return Migration(broker, ledger, settings, SystemClock(), [].append, lease, letters, quiet_s)

    return make


@pytest.fixture
def migration(another):
    return another()


@pytest.fixture
def outcome(broker, nats_on, mongo_settings, database, eventually):
    """Runs this version's normalizer until all is settled; (events stored, ids published in order, pages waiting)."""

    async def run():
        await provision(broker, nats_on("provision"))
        await upgrade(database)
        settings = NormalizerSettings(nats=nats_on("normalizer"), mongo=mongo_settings, settle_s=0.2)

        async def settled():
            state = (await database["ledger_slices"].find_one({"_id": SLICE}))["state"]
            return state == "settled" and not (await jetstream(broker).stream_info("AOC_RAW")).state.messages

        async with app.worker(settings).running():
            await eventually(settled, 30)
        config = ConsumerConfig(filter_subject=subjects.ALL_EVENTS, deliver_policy=DeliverPolicy.ALL)
        found = []
        async with reading(broker, "AOC_EVENTS", config) as pull:
            while messages := await pull.batch(100, 0.3):
                found += [message.headers["Nats-Msg-Id"] for message in messages]
        return await database["events"].count_documents({}), found

    return run


@pytest.mark.slow
async def test_what_the_version_before_left_undone_is_done_once(before, migration, outcome, database) -> None:
    assert await migration.needed()
    moved = await migration.run()
    stored, published = await outcome()

    assert not await migration.needed()
    assert moved == 3
    assert stored == 18
    assert (len(published), len(set(published))) == (18, 18)
    slice_ = await database["ledger_slices"].find_one({"_id": SLICE})
    assert (slice_["stored"], slice_["duplicate"]) == (18, 0)


async def test_nothing_is_done_where_nothing_is_to_be_done(broker, nats_on, migration) -> None:
    await provision(broker, nats_on("provision"))

    assert not await migration.needed()
    assert await migration.run() == 0


async def test_it_does_not_begin_while_a_service_of_the_version_before_is_at_work(before, migration, nats_on) -> None:
    old = await nats_client.connect(
        nats_on("provision").url, user="provision", password="test-provision", inbox_prefix="_INBOX_provision"
    )
    await old.subscribe("_INBOX_provision.x")
    await old.publish(
        "$JS.API.CONSUMER.MSG.NEXT.AOC_RAW.normalizer",
        b'{"batch":100,"expires":20000000000}',
        reply="_INBOX_provision.x",
    )
    await old.flush()
    with pytest.raises(BadConfiguration, match="normalizer: still at work"):
        await migration.run(patience_s=0.5)
    await old.close()

    assert (await before.js.stream_info("AOC_RAW")).config.subjects == ["aoc.raw.*.*"]


@pytest.mark.slow
async def test_killed_at_every_step_it_goes_on_where_it_was(before, migration, outcome, monkeypatch) -> None:
    """Every request to the server is a step: each run dies one step later, until one gets through."""
    js = migration._js
    survived, killed = await killed_at_every_request(js, monkeypatch, migration.run, 200)
    stored, published = await outcome()

    assert survived is not None
    assert killed > 10
    assert stored == 18
    assert (len(published), len(set(published))) == (18, 18)
    assert MOVING not in [info.config.name for info in await js.streams_info()]


async def test_a_page_that_nobody_can_read_is_a_dead_letter_on_record_and_not_lost(before, migration, database) -> None:
    """It lay on AOC_DLQ alone, uncounted, and expired there."""
    await before.page(b"[1]", {"Aoc-Tenant": "contoso"})
    await migration.run()
    letters = MongoDeadLetters(database)
    [letter] = await letters.find(Selection())

    assert (await before.js.stream_info("AOC_DLQ")).state.messages == 1
    assert (letter.tenant, letter.source, letter.subject) == (
        "contoso",
        "o365-exchange",
        subjects.raw("contoso", "o365-exchange"),
    )
    assert await letters.content(letter.key) == b"[1]"

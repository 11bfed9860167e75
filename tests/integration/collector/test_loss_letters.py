"""What a collector could not get, on real servers: on record, in the account, asked for again when it is retried."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aoc_collector.loss_letters import dead_letter_of
from aoc_collector.sources.base import Loss, Window
from aoc_common.bus.broker import jetstream, make_broker
from aoc_common.contracts import subjects
from aoc_common.contracts.jobs import BackfillJob, CollectJob
from aoc_common.review.deciding import Backends
from aoc_common.review.letters import republish
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.review_queues import ItemState, Selection

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
JOB = CollectJob(tenant="contoso", source="o365-exchange", start=NOW - timedelta(hours=1), end=NOW)
GONE = Window(NOW - timedelta(days=9), NOW - timedelta(days=7))


async def test_a_loss_of_the_collector_is_counted_and_its_time_is_collected_again_when_it_is_retried(nats_as, database):
    letters = MongoDeadLetters(database)
    await MongoSources(database).advance("contoso", "o365-exchange", NOW, NOW)
    for loss in (Loss("a record of 9 bytes is larger than 8", b'{"Id":"1"'), Loss("too old", window=GONE)):
        for _ in range(2):  # it is met again with every re-scan
            await letters.put(dead_letter_of(JOB, loss, NOW), int(bool(loss.sample)), "")

    [account] = await MongoAccount(database).accounts("contoso", NOW)
    broker = make_broker(nats_as("cli"), "cli")
    await broker.connect()
    try:
        js = jetstream(broker)
        for item in await letters.find(Selection()):
            assert await republish(Backends(database, js), item, NOW) is None
    finally:
        await broker.stop()
    owner = make_broker(nats_as("collector"), "collector")
    await owner.connect()
    state = (await jetstream(owner).stream_info(subjects.JOBS_STREAM)).state
    await owner.stop()

    assert (account.dead_letters, account.dead_lettered) == (2, 1)
    assert state.messages == 2
    assert await letters.count(Selection(state=ItemState.RETRIED)) == 2
    asked = BackfillJob.model_validate_json(dead_letter_of(JOB, Loss("too old", window=GONE), NOW).body)
    assert (asked.start, asked.end) == (GONE.start, GONE.end)

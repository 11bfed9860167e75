"""A page is given up, and something dies at each step of it: no page is lost, and none is counted twice."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import structlog
from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError

from aoc_common.bus import consumers, policy
from aoc_common.bus.broker import jetstream, make_broker
from aoc_common.bus.consume import consuming
from aoc_common.bus.policy import Failures
from aoc_common.bus.provision import declare_consumer
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.contracts.raw import RawPage
from aoc_common.errors import Malformed, Unreachable
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.review_queues import Selection
from aoc_common.store.slices import SliceFetched
from aoc_normalizer.write.dead_letters import PageDeadLetters
from unsteady import Unsteady

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.store.mongo.client import Database

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
SLICE = "contoso/o365-exchange/1"
PAGE = RawPage("contoso", "o365-exchange", SLICE, NOW, b'[{"Id": "a"}, {"Id": "b"}]')
PART = subjects.partition("contoso", "o365-exchange")
PAGES = replace(consumers.NORMALIZER[PART], batch=10, ack_wait_s=0.5)
#: The writes of giving up a page: the letter, the page, and the slice (one bulk).
WRITES = 3


@asynccontextmanager
async def giving_up(settings, account):
    async def handler(messages: Sequence[Msg]) -> None:
        raise Malformed("no page of ours")

    broker = make_broker(settings, "normalizer")
    await broker.connect()
    js = jetstream(broker)
    with structlog.testing.capture_logs():
        async with consuming(broker, PAGES, handler, failures=Failures("normalizer", account)):
            yield js
    await broker.stop()


async def end(database: Database, js) -> dict[str, object]:
    """What there is in the end."""
    await MongoAccount(database).settle(NOW, 100)
    [account] = await MongoAccount(database).accounts("contoso", NOW)
    totals = await MongoLedger(database).totals("contoso", SLICE)
    return {
        "waiting on the stream": (await js.stream_info(subjects.RAW_STREAM)).state.messages,
        "copies": (await js.stream_info(subjects.DLQ_STREAM)).state.messages,
        "letters": await MongoDeadLetters(database).count(Selection(state=None)),
        "pages": (totals.pages, totals.dead_lettered),
        "account": (account.dead_letters, account.dead_lettered, account.unsettled, account.stored),
    }


EXPECTED = {"waiting on the stream": 0, "copies": 1, "letters": 1, "pages": (1, 2), "account": (1, 2, 0, 0)}


def dies_once(monkeypatch, owner, name, error) -> None:
    """The first call of `owner.name` raises instead."""
    original, died = getattr(owner, name), []

    async def call(*arguments, **options):
        if not died:
            died.append(1)
            raise error
        return await original(*arguments, **options)

    monkeypatch.setattr(owner, name, call)


async def impatient(settings) -> None:
    """What is left unacknowledged comes again soon."""
    broker = make_broker(settings, "provision")
    await broker.connect()
    await declare_consumer(jetstream(broker), PAGES)
    await broker.stop()


async def run(database: Database, nats_as, eventually, unsteady) -> dict[str, object]:
    await ensure_indexes(database)
    await impatient(nats_as("provision"))
    ledger = MongoLedger(database)
    await MongoSources(database).advance("contoso", "o365-exchange", NOW, NOW)
    await ledger.open_slice(SLICE, "contoso", "o365-exchange", NOW, NOW)
    await ledger.slice_fetched(SliceFetched(SLICE, 1, 2, NOW))
    account = PageDeadLetters(MongoDeadLetters(unsteady), MongoLedger(unsteady).page_given_up)
    async with giving_up(nats_as("normalizer"), account) as js:
        collector = make_broker(nats_as("collector"), "collector")
        await collector.connect()
        await publish_all(
            jetstream(collector), subjects.RAW_STREAM, [Outgoing(PAGE.subject, PAGE.body, PAGE.headers())]
        )
        await collector.stop()

        async def acknowledged() -> bool:
            return not (await js.stream_info(subjects.RAW_STREAM)).state.messages

        await eventually(acknowledged)
        return await end(database, js)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("number", range(WRITES))
async def test_the_database_dies_at_each_write_of_giving_up(database, nats_as, eventually, number, how) -> None:
    unsteady = Unsteady(database, number, how)

    assert await run(database, nats_as, eventually, unsteady) == EXPECTED
    assert unsteady.writes > WRITES


async def test_giving_up_has_as_many_writes_as_are_tried_here(database, nats_as, eventually) -> None:
    quiet = Unsteady(database)

    assert await run(database, nats_as, eventually, quiet) == EXPECTED
    assert quiet.writes == WRITES


async def test_the_bus_dies_before_the_copy(database, nats_as, eventually, monkeypatch) -> None:
    dies_once(monkeypatch, policy, "publish_all", Unreachable("the bus is away"))

    assert await run(database, nats_as, eventually, database) == EXPECTED


async def test_the_bus_dies_before_the_acknowledgement(database, nats_as, eventually, monkeypatch) -> None:
    dies_once(monkeypatch, Msg, "ack", ConnectionClosedError())

    assert await run(database, nats_as, eventually, database) == EXPECTED


async def test_a_page_that_is_on_record_leaves_the_stream_although_its_copy_is_larger_than_a_message_may_be(
    database, nats_as, eventually
) -> None:
    owner = make_broker(nats_as("provision"), "provision")
    await owner.connect()
    js = jetstream(owner)
    await js.update_stream((await js.stream_info(subjects.DLQ_STREAM)).config.evolve(max_msg_size=300))
    await owner.stop()

    assert await run(database, nats_as, eventually, database) == EXPECTED | {"copies": 0}

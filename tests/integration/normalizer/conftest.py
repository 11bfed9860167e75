"""A normalizer on real servers."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import nats as nats_client
import pytest

from aoc_cli.local.provisioning import bring_in_order
from aoc_common.bus.broker import close, jetstream, make_broker
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.lost_pages import MongoLostPages
from aoc_common.store.pages import PublishedPage
from aoc_common.telemetry import tracing
from aoc_normalizer import app
from aoc_normalizer.settings import NormalizerSettings
from redelivering import NOW, Replica

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

    from aoc_common.contracts.raw import RawPage
    from aoc_common.settings import MongoSettings
    from aoc_common.store.mongo.client import Database


class Bus:
    """A client that publishes raw pages and reads what came out."""

    def __init__(self, js: JetStreamContext, reader: Client) -> None:
        self.js = js
        self._reader = reader

    async def send(self, *pages: RawPage) -> list[int]:
        acks = await publish_all(
            self.js, subjects.RAW_STREAM, [Outgoing(p.subject, p.body, tracing.inject(p.headers())) for p in pages]
        )
        return [ack.seq for ack in acks]

    async def events(self) -> int:
        """How many events were published."""
        info = await self._reader.jetstream().stream_info(subjects.EVENTS_STREAM, subjects_filter="aoc.events.>")
        return sum((info.state.subjects or {}).values())

    async def settled(self) -> bool:
        return not (await self._reader.jetstream().stream_info(subjects.RAW_STREAM)).state.messages


@pytest.fixture
async def bus(nats_as, tmp_path):
    broker = make_broker(nats_as("collector"), "collector")
    await broker.connect()
    settings = nats_as("normalizer")
    reader = await nats_client.connect(
        settings.url, user="normalizer", password="test-normalizer", inbox_prefix="_INBOX_normalizer"
    )
    yield Bus(jetstream(broker), reader)
    await reader.close()
    await close(broker)


@pytest.fixture
def normalizer(nats_as, mongo_settings: MongoSettings):
    @asynccontextmanager
    async def run():
        settings = NormalizerSettings(nats=nats_as("normalizer"), mongo=mongo_settings)
        await bring_in_order(None, mongo_settings, lambda _: None, migrate=False)
        async with app.worker(settings).running() as probes:
            yield probes

    return run


@pytest.fixture
def replicas(database: Database):
    return Replica(database), Replica(database)


@pytest.fixture
def lost(database: Database):
    """`await lost(page)`: a page that was stored, and was gone from the bus before it was settled."""

    async def give_up(page) -> None:
        raw, ledger = page.page, MongoLedger(database)
        await ledger.open_slice(raw.slice_id, raw.tenant, raw.source, NOW - timedelta(hours=1), NOW)
        await ledger.note_pages([PublishedPage(raw.id, raw.tenant, raw.source, raw.slice_id, 1, NOW)])
        await MongoLostPages(database).mark_lost(raw.slice_id, [raw.id], NOW)

    return give_up

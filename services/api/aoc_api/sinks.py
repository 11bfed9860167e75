"""What routes of sinks work with: the registry, how sinks fare, and exporters that answer questions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aoc_common.bus.broker import connected, jetstream
from aoc_common.bus.jobs import publish_job
from aoc_common.errors import Unreachable
from aoc_common.service.sink_questions import SinkQuestions
from aoc_common.store.mongo.sink_accounts import MongoSinkAccounts
from aoc_common.store.mongo.sink_answers import MongoSinkAnswers
from aoc_common.store.mongo.sink_deliveries import MongoSinkDeliveries
from aoc_common.store.mongo.sink_states import MongoSinkStates
from aoc_common.store.mongo.sink_stretches import MongoSinkStretches
from aoc_common.store.mongo.sinks import MongoSinks

if TYPE_CHECKING:
    from faststream.nats import NatsBroker

    from aoc_common.clock import Clock
    from aoc_common.contracts.jobs import SinkJob
    from aoc_common.store.mongo.client import Database
    from aoc_common.store.sink_accounts import SinkAccountStore
    from aoc_common.store.sink_deliveries import SinkDeliveries
    from aoc_common.store.sink_states import SinkStateStore
    from aoc_common.store.sink_stretches import SinkStretchStore
    from aoc_common.store.sinks import SinkStore


@dataclass(frozen=True, slots=True)
class Sinks:
    """The sinks of the installation."""

    store: SinkStore
    states: SinkStateStore
    accounts: SinkAccountStore
    stretches: SinkStretchStore
    questions: SinkQuestions
    deliveries: SinkDeliveries


def make_sinks(broker: NatsBroker, database: Database, clock: Clock) -> Sinks:
    """Over this broker, which need not be connected yet."""

    async def publish(job: SinkJob) -> None:
        if not connected(broker):
            raise Unreachable("the bus is not connected")
        await publish_job(jetstream(broker), job)

    return Sinks(
        MongoSinks(database),
        MongoSinkStates(database),
        MongoSinkAccounts(database),
        MongoSinkStretches(database),
        SinkQuestions(publish, MongoSinkAnswers(database, clock), clock),
        MongoSinkDeliveries(database),
    )

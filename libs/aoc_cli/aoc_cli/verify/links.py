"""Connections of a run to what runs in it."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from aoc_cli.local.ports import LOOPBACK
from aoc_cli.verify.alert_recorder import AlertRecorder
from aoc_cli.verify.stream_recorder import StreamRecorder
from aoc_common.bus.broker import connected_broker
from aoc_common.store.mongo.client import connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from faststream.nats import NatsBroker

    from aoc_cli.local.stack import DataDirectory, Endpoints
    from aoc_cli.verify.stream_follower import StreamFollower
    from aoc_common.settings import NatsSettings
    from aoc_common.store.mongo.client import Database


@dataclass(frozen=True, slots=True)
class Links:
    """Connections. `operator`: a user of the bus who may do everything; `gateway`: the gateway's.

    `recorder`, `alert_recorder`: of AOC_EVENTS and of AOC_ALERTS.
    """

    simulator: httpx.AsyncClient
    database: Database
    operator: NatsBroker
    operator_settings: NatsSettings
    gateway: NatsBroker
    recorder: StreamRecorder
    alert_recorder: AlertRecorder

    @property
    def recorders(self) -> tuple[StreamFollower, ...]:
        """All that record."""
        return self.recorder, self.alert_recorder


@asynccontextmanager
async def linked(data: DataDirectory, endpoints: Endpoints, bus: Mapping[str, int]) -> AsyncIterator[Links]:
    """Connections until the context ends. `bus`: settings of the bus that are not as they are without any."""
    async with AsyncExitStack() as stack:
        truth = await stack.enter_async_context(
            httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{endpoints.simulator}", timeout=30)
        )
        database = await stack.enter_async_context(connect(data.mongo_settings(endpoints)))
        reader, owner, gateway = [
            await stack.enter_async_context(connected_broker(data.nats_settings(endpoints, user), user))
            for user in ("cli", "provision", "api")
        ]
        declared = data.nats_settings(endpoints, "provision").model_copy(update=dict(bus))
        yield Links(truth, database, owner, declared, gateway, StreamRecorder(reader), AlertRecorder(owner))

"""Readers of AOC_EVENTS on real servers, with a bus user of least privilege."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from aoc_cli.deployment.bus import USERS, User
from aoc_common.bus import continuity
from aoc_common.store.mongo.client import ensure_indexes
from reader_bench import Rig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_EVENTS = "AOC_EVENTS"
#: What a reader has to be allowed on the bus: to look, to take its own messages, and to give up what it cannot handle.
PERMISSIONS = (
    f"$JS.API.STREAM.INFO.{_EVENTS}",
    *(f"{verb}.{_EVENTS}.alerting" for verb in ("$JS.API.CONSUMER.INFO", "$JS.API.CONSUMER.MSG.NEXT")),
    f"$JS.ACK.{_EVENTS}.alerting.>",
    "aoc.dlq.alerter.>",
)


@pytest.fixture(autouse=True)
def a_bus_user(monkeypatch: pytest.MonkeyPatch, passwords: dict[str, str]) -> None:
    monkeypatch.setitem(cast("dict[str, User]", USERS), "alerter", User("alerter", "", PERMISSIONS))
    monkeypatch.setitem(passwords, "alerter", "test-alerter")
    monkeypatch.setattr(continuity, "LOOK_S", 0.1)


@pytest.fixture
async def rig(a_bus_user, nats_as, database) -> AsyncIterator[Rig]:
    await ensure_indexes(database, ("publications", "moved_events", "event_versions"))
    made = Rig(nats_as, database)
    await made.start()
    yield made
    await made.stop()

"""The audit trail is compared with AOC_AUDIT, tenant by tenant."""

from __future__ import annotations

import orjson
import pytest

from aoc_api.audit.trail import AuditPublishing
from aoc_api.parts.audit import publisher
from aoc_common.bus.broker import connected_broker
from aoc_common.clock import SystemClock
from aoc_common.store.mongo.audit_trail import MongoAuditHeads, MongoAuditTrail
from aoc_common.store.mongo.client import ensure_indexes


@pytest.fixture
def verified(command_line, nats_as, monkeypatch):
    """`verified(*options)`: name -> what `audit-trail verify` says about it."""
    settings = nats_as("cli")
    monkeypatch.setenv("AOC_NATS__URL", settings.url)
    monkeypatch.setenv("AOC_NATS__USER", "cli")
    monkeypatch.setenv("AOC_NATS__PASSWORD", settings.password)

    def run(*options):
        answer = command_line("audit-trail", "verify", "--json", *options)
        return answer.status, {line["tenant"]: line for line in map(orjson.loads, answer.out.splitlines())}

    return run


def test_what_was_removed_with_its_end_is_missed_by_what_the_bus_holds(
    registered, command_line, on_store, nats_as, verified
) -> None:
    on_store(ensure_indexes)
    for name in ("contoso", "fabrikam"):
        registered(name)
        for _ in range(3):
            command_line("maintenance", "retention", "--apply", "--tenant", name)

    async def publish(database):
        async with connected_broker(nats_as("api"), "api") as broker:
            publish = publisher(broker, database, SystemClock())
            await AuditPublishing(MongoAuditTrail(database), MongoAuditHeads(database), publish).run()

    async def remove(database):
        await database["audit_trail"].delete_many({"tenant": "contoso"})
        await database["audit_heads"].delete_many({"tenant": "contoso"})

    assert verified() == (0, verified("--no-bus")[1])  # nothing is on the bus yet
    on_store(publish)
    status, before = verified()
    assert status == 0
    assert {name: (one["entries"], one["anchors"]) for name, one in before.items()} == {
        "contoso": (3, 3),
        "fabrikam": (3, 3),
    }
    on_store(remove)
    status, after = verified()
    assert (status, after["fabrikam"]) == (1, before["fabrikam"])
    assert ["is missing" in fault for fault in after["contoso"]["faults"]] == [True, True, True]
    assert verified("--no-bus")[0] == 0

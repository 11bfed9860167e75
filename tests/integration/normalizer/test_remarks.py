"""Records that no mapper understood, or that have no date, are counted and shown."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aoc_common.contracts.access import Scope
from aoc_common.contracts.raw import RawPage
from aoc_common.store.mongo.event_search import make_event_search
from aoc_common.store.mongo.ledger import MongoLedger

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
KNOWN = {"Id": "r1", "CreationTime": "2026-11-23T07:30:00", "Operation": "Set-Mailbox", "RecordType": 1}
#: A shape that is known, an operation and a workload that nobody has heard of.
NEW_OPERATION = {**KNOWN, "Id": "r2", "Operation": "Frobnicate", "Workload": "Tomorrow", "RecordType": 99999}
FOREIGN = {"id": "f1", "timestamp": "2026-11-23T07:30:00Z", "what": "a shape of somebody else's"}
UNDATED = {"id": "f2", "what": "and without a time"}
KNOWN_UNDATED = {"Id": "r3", "CreationTime": "soon", "Operation": "Set-Mailbox", "RecordType": 1}


async def test_records_not_understood_or_undated_are_shown_beside_what_was_stored(
    bus, normalizer, eventually, database: Database
) -> None:
    body = json.dumps([KNOWN, NEW_OPERATION, FOREIGN, UNDATED, KNOWN_UNDATED]).encode()
    await bus.send(RawPage("contoso", "import", "contoso/import/s1", NOW, body))
    async with normalizer():
        await eventually(bus.settled)
        again = RawPage("contoso", "import", "contoso/import/s2", NOW, body)
        await bus.send(again)
        await eventually(bus.settled)

    ledger = MongoLedger(database)
    totals = await ledger.totals("contoso", "contoso/import/s1")
    assert (totals.stored, totals.not_understood, totals.undated) == (5, 2, 2)
    search = make_event_search(database)
    told = {
        kind: json.loads((await search.get(Scope("contoso"), event)).raw)
        for kind, event in (await ledger.examples("contoso", "contoso/import/s1")).items()
    }
    assert told == {"not_understood": FOREIGN, "undated": UNDATED}
    # What was stored before is a duplicate, and not odd a second time.
    second = await ledger.totals("contoso", "contoso/import/s2")
    assert (second.duplicate, second.not_understood, second.undated) == (5, 0, 0)

"""The writing half of a normalizer over a real database, and records to give to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import orjson

from aoc_common.bus.atomic import Part, Published
from aoc_common.contracts.raw import RawPage
from aoc_common.store.mongo.arrivals import MongoArrivals
from aoc_common.store.mongo.event_versions import MongoEventVersions
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.exact_times import MongoExactTimes
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.mongo.twins import MongoTwins
from aoc_normalizer.enrich.lookup import NO_ENRICHMENT
from aoc_normalizer.flow import map_message
from aoc_normalizer.twins.linker import Twins
from aoc_normalizer.write.dedupe import Deduplicator
from aoc_normalizer.write.writer import Writer, unnoted
from manual_clock import ManualClock

if TYPE_CHECKING:
    from aoc_common.store.page_ledger import SliceTotals
    from aoc_normalizer.write.writer import Note, Publish

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
AT = f"{NOW - HOUR:%Y-%m-%dT%H:%M:%SZ}"
SIGN_IN: dict[str, Any] = {
    "id": "5d6a1f0e-93c1-4c58-8f8b-0b7b6a1a0000",
    "createdDateTime": AT,
    "userId": "u1",
    "userPrincipalName": "dana@contoso.example",
    "appDisplayName": "Outlook",
    "status": {"errorCode": 0},
    "riskLevelDuringSignIn": "none",
}
RISKY = SIGN_IN | {
    "riskLevelDuringSignIn": "high",
    "authenticationDetails": [{"succeeded": True, "authenticationMethod": "Password"}],
}
AUDIT = {"Id": "7f1c", "CreationTime": AT[:-1], "Operation": "Set-Mailbox", "Workload": "Exchange", "RecordType": 1}
ALERT = {
    "id": "da1",
    "title": "Malware",
    "severity": "high",
    "createdDateTime": AT,
    "lastUpdateDateTime": AT,
    "status": "new",
}


class Replica:
    """The writing half of a normalizer. `stream`: message ids on AOC_EVENTS with their headers, shared by replicas."""

    def __init__(
        self,
        database: Any,
        stream: dict[str, dict[str, str]] | None = None,
        keep: timedelta = 30 * DAY,
        publish: Publish | None = None,
        note: Note = unnoted,
    ) -> None:
        self.clock = ManualClock(NOW)
        self.stream = {} if stream is None else stream
        self.sent: list[str] = []
        self.events = MongoEvents(database, lambda *_: keep, self.clock)
        self.ledger = MongoLedger(database)
        versions = MongoEventVersions(database)
        self._writer = Writer(
            Deduplicator(self.events, versions, versions, self.ledger, MongoExactTimes(database)),
            Twins(MongoTwins(database), lambda _: "graph", self.clock),
            self.ledger, MongoQuarantine(database), MongoArrivals(database), publish or self._publish, self.clock,
            note=note,
        )  # fmt: skip

    async def mapped(
        self,
        slice_id: str,
        *records: Any,
        fetched: datetime = NOW,
        source: str = "graph-signins",
        on_bus: datetime | None = None,
        aside: bool = False,
        tenant: str = "contoso",
    ):
        body = b"[" + b",".join(one if isinstance(one, bytes) else orjson.dumps(one) for one in records) + b"]"
        page = RawPage(tenant, source, f"{tenant}/{slice_id}", fetched, body, delayed=aside)
        message = SimpleNamespace(subject=page.subject, headers=page.headers(), data=page.body)
        return await map_message(message, self._learn, self.events.encoded, on_bus or fetched)

    async def takes(self, slice_id: str, *records: Any, **how: Any) -> SliceTotals:
        await self._writer.write([await self.mapped(slice_id, *records, **how)])
        return await self.ledger.totals("contoso", f"contoso/{slice_id}")

    async def write(self, *pages: Any) -> None:
        await self._writer.write(pages)

    async def _learn(self, wanted):
        return dict.fromkeys(wanted, NO_ENRICHMENT)

    async def _publish(self, pages):
        for page in pages:
            names = [message.headers["Nats-Msg-Id"] for message in page.messages]
            assert len(names) == len(set(names)), "the server refuses a batch with the same id twice"
        for one in (message for page in pages for message in page.messages):
            name = one.headers["Nats-Msg-Id"]
            if name not in self.stream:
                self.sent.append(name)
                self.stream[name] = dict(one.headers)
        return [Published((Part(1, ("1",)),)) for _ in pages]

"""The proof of a run: each statement about a record, a message or a source against the ground truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aoc_cli.verify.account_numbers import Bounds, check_numbers
from aoc_cli.verify.ground_truth import read_ground_truth
from aoc_cli.verify.published import check_published, check_schema
from aoc_cli.verify.searching import check_search, sample
from aoc_cli.verify.signed_reports import check_reports
from aoc_cli.verify.sink_comparison import as_stored
from aoc_cli.verify.statements import Statements
from aoc_cli.verify.stored import Counted, check_stored
from aoc_cli.verify.twin_links import check_links, check_second_events
from aoc_common.store.mongo.census import StoredRecord
from aoc_common.store.mongo.event_search import make_event_search

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    import httpx

    from aoc_cli.verify.completeness_claims import CompletenessClaims
    from aoc_cli.verify.ground_truth import GroundTruth, RecordKey, SourceKey
    from aoc_cli.verify.signed_reports import Report
    from aoc_cli.verify.sink_comparison import Published
    from aoc_cli.verify.stored import Lifetime
    from aoc_cli.verify.stream_recorder import StreamRecorder
    from aoc_common.store.accounts import SourceAccount
    from aoc_common.store.mongo.census import MongoCensus
    from aoc_common.store.mongo.client import Database


@dataclass(slots=True)
class Proof:
    """Checks statement by statement.

    `records`: every stored event, abridged; `keys`: event -> its record; `current`: event -> its current text, for
    events that have several; `versions`: event -> how many; `stored`: event and number of the newest one -> it.
    """

    ground_truth: GroundTruth
    tally: Statements = field(default_factory=Statements)
    records: list[StoredRecord] = field(default_factory=list)
    keys: dict[UUID, RecordKey] = field(default_factory=dict)
    current: dict[UUID, str] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    stored: dict[str, Published] = field(default_factory=dict)
    counted: Counted = field(default_factory=Counted)

    @classmethod
    async def start(cls, simulator: httpx.AsyncClient) -> Proof:
        """A proof by the ground truth of this simulator."""
        return cls(await read_ground_truth(simulator))

    async def of_store(self, census: MongoCensus, lifetime: Lifetime) -> None:
        """Check the store in one pass; memory holds an abridged record of each event."""
        async for record in census.statements():
            key = check_stored(record, self.ground_truth, lifetime, self.tally)
            self.counted.add(record)
            self.versions[str(record.id)] = record.versions
            self.stored[f"{record.id}-{record.versions}"] = as_stored(record)
            self.records.append(
                StoredRecord(
                    record.id,
                    record.tenant,
                    record.source,
                    record.record_id,
                    record.operation,
                    record.twin_of,
                    record.twin,
                )
            )
            if key is not None:
                self.keys[record.id] = key
                if record.versions == 1:
                    self.counted.stored_ms[key] = record.processed_ms
                else:
                    self.current[record.id] = record.raw

    def of_stream(self, recorder: StreamRecorder) -> None:
        """Check the published messages."""
        keys = {str(event): key for event, key in self.keys.items()}
        for message in recorder.messages:
            later = ":" in message.message_id
            check_published(
                message.event, message.twin_of, message.properties, keys, self.ground_truth, self.tally, later=later
            )
        check_schema(recorder.bodies.sample, self.tally)
        twin_of = {message.event: message.twin_of for message in recorder.messages}
        check_second_events(self.records, twin_of, keys, self.ground_truth, self.tally)

    async def of_search(self, database: Database, seed: int) -> None:
        """Check that a sample of events is found by the search."""
        tenants = sorted({tenant for tenant, _ in self.ground_truth.sources})
        known = {event: key for event, key in self.keys.items() if key in self.ground_truth.facts}
        chosen = sample(known, seed)
        await check_search(make_event_search(database), chosen, known, self.ground_truth.facts, tenants, self.tally)

    async def of_links(self, database: Database, recorder: StreamRecorder) -> None:
        """Check the links of twins in the store."""
        await check_links(database, {message.event for message in recorder.messages}, self.tally)

    def of_account(
        self,
        accounts: Mapping[SourceKey, SourceAccount],
        written: Sequence[Report],
        claims: CompletenessClaims,
        bounds: Bounds,
        *,
        clocks_right: bool,
    ) -> None:
        """Check the final account, as it was signed (`written`), and all earlier claims."""
        stated = check_reports(written, accounts, self.ground_truth, self.tally)
        check_numbers(stated, self.ground_truth, self.counted, bounds, self.tally)
        claims.note(bounds.now, accounts.values())
        claims.check(self.ground_truth, self.counted.stored_ms, self.tally, clocks_right=clocks_right)

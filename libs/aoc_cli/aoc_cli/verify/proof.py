"""The proof of a run: every statement that the system makes of a record, a message or a source, against the truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aoc_cli.verify.books import read_books
from aoc_cli.verify.numbers import Bounds, check_numbers
from aoc_cli.verify.published import check_published, check_schema
from aoc_cli.verify.searching import check_search, sample
from aoc_cli.verify.signed import check_reports
from aoc_cli.verify.standing import check_links, check_standing
from aoc_cli.verify.statements import Statements
from aoc_cli.verify.stored import Counted, check_stored
from aoc_common.store.mongo.census import StoredRecord
from aoc_common.store.mongo.event_search import make_event_search

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    import httpx

    from aoc_cli.verify.books import Books, Key, Place
    from aoc_cli.verify.claims import Claims
    from aoc_cli.verify.signed import Report
    from aoc_cli.verify.stored import Lifetime
    from aoc_cli.verify.watcher import Watcher
    from aoc_common.store.accounts import SourceAccount
    from aoc_common.store.mongo.census import MongoCensus
    from aoc_common.store.mongo.client import Database


@dataclass(slots=True)
class Proof:
    """Statement by statement.

    `records`: every stored event, in short; `keys`: event -> the record that it is of; `current`: event -> the text
    that it shows, of those that have several.
    """

    books: Books
    tally: Statements = field(default_factory=Statements)
    records: list[StoredRecord] = field(default_factory=list)
    keys: dict[UUID, Key] = field(default_factory=dict)
    current: dict[UUID, str] = field(default_factory=dict)
    counted: Counted = field(default_factory=Counted)

    @classmethod
    async def begun(cls, simulator: httpx.AsyncClient) -> Proof:
        """A proof by the books of this simulator."""
        return cls(await read_books(simulator))

    async def of_store(self, census: MongoCensus, lifetime: Lifetime) -> None:
        """What is stored: one pass, of which little stays."""
        async for one in census.statements():
            key = check_stored(one, self.books, lifetime, self.tally)
            self.counted.take(one)
            self.records.append(
                StoredRecord(one.id, one.tenant, one.source, one.record_id, one.operation, one.twin_of, one.twin)
            )
            if key is not None:
                self.keys[one.id] = key
                if one.versions == 1:
                    self.counted.stored_ms[key] = one.processed_ms
                else:
                    self.current[one.id] = one.raw

    def of_stream(self, watcher: Watcher) -> None:
        """What was published."""
        keys = {str(event): key for event, key in self.keys.items()}
        for one in watcher.seen:
            later = ":" in one.message_id
            check_published(one.event, one.twin_of, one.told, keys, self.books, self.tally, later=later)
        check_schema(watcher.bodies.sample, self.tally)
        twin_of = {one.event: one.twin_of for one in watcher.seen}
        check_standing(self.records, twin_of, keys, self.books, self.tally)

    async def of_search(self, database: Database, seed: int) -> None:
        """Whether a sample is found."""
        tenants = sorted({tenant for tenant, _ in self.books.sources})
        known = {event: key for event, key in self.keys.items() if key in self.books.facts}
        chosen = sample(known, seed)
        await check_search(make_event_search(database), chosen, known, self.books.facts, tenants, self.tally)

    async def of_links(self, database: Database, watcher: Watcher) -> None:
        """Whether the links of twins hold in the store."""
        await check_links(database, {one.event for one in watcher.seen}, self.tally)

    def of_account(
        self,
        accounts: Mapping[Place, SourceAccount],
        written: Sequence[Report],
        claims: Claims,
        bounds: Bounds,
        *,
        clocks_right: bool,
    ) -> None:
        """What the account says at the end, as it was signed (`written`), and what it has claimed on the way."""
        stated = check_reports(written, accounts, self.books, self.tally)
        check_numbers(stated, self.books, self.counted, bounds, self.tally)
        claims.note(bounds.now, accounts.values())
        claims.check(self.books, self.counted.stored_ms, self.tally, clocks_right=clocks_right)

"""Totals of a source: each slice and blob counts once, wherever the database dies and whatever was summed up before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aoc_common.errors import AocError
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.compaction import MongoCompaction
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.sums import COUNTED, MongoSums
from aoc_common.store.mongo.upgrade import upgrade
from aoc_common.store.page_ledger import PageOutcome
from aoc_common.store.slices import SliceFetched
from indexed import ACCOUNT
from unsteady import Unsteady

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database

T0 = datetime(2026, 11, 20, tzinfo=UTC)
NOW = T0 + timedelta(days=8)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SOURCE = "o365-exchange"
NAMES = ("slices", *COUNTED)


class Books:
    """Slices of an hour of one source. `truth`: what every page that was settled gave."""

    def __init__(self, database: Database, tenant: str) -> None:
        self.database, self.tenant = database, tenant
        self.ledger, self.account, self.sums = MongoLedger(database), MongoAccount(database), MongoSums(database)
        self._slices: dict[str, dict[str, int]] = {}
        self._blobs: set[str] = set()

    async def page(self, hour: int, page: int, stored: int, duplicate: int = 0) -> None:
        """One more page of a slice is fetched and done with; its slice is as it was before that is closed again."""
        name, start = f"{self.tenant}/{SOURCE}/{hour}", T0 + hour * HOUR
        known = self._slices.setdefault(name, dict.fromkeys(NAMES, 0) | {"slices": 1})
        if not known["pages"]:
            await self.ledger.open_slice(name, self.tenant, SOURCE, start, start + HOUR)
        known["pages"] += 1
        known["records"] += stored + duplicate
        known["stored"] += stored
        known["duplicate"] += duplicate
        await self.ledger.slice_fetched(SliceFetched(name, known["pages"], known["records"], NOW))
        await self.ledger.pages_settled([PageOutcome(f"p{page}", self.tenant, SOURCE, name, stored, duplicate, 0, NOW)])

    async def blob(self, number: int) -> None:
        self._blobs.add(f"b{number}")
        await self.ledger.mark_fetched(self.tenant, SOURCE, {f"b{number}": 1}, f"{self.tenant}/{SOURCE}/0", NOW)

    def truth(self) -> dict[str, int]:
        of_slices = {name: sum(one[name] for one in self._slices.values()) for name in NAMES}
        return of_slices | {"blobs": len(self._blobs)}

    async def told(self) -> dict[str, int]:
        book = (await self.sums.of(self.tenant)).get(SOURCE, {})
        return {name: book.get(name, 0) for name in (*NAMES, "blobs")}

    async def settled(self, times: int = 3) -> None:
        for _ in range(times):
            await self.account.settle(NOW, 500)

    async def before_the_upgrade(self) -> None:
        """Make of all that is settled what the version before this one had left: sums by day, and no marks."""
        await self.settled()
        days: dict[datetime, dict[str, Any]] = {}
        async for one in self.database["ledger_slices"].find({"tenant": self.tenant}):
            day = days.setdefault(one["start"].replace(hour=0), dict.fromkeys(NAMES, 0))
            for name in NAMES:
                day[name] += one.get(name, 1 if name == "slices" else 0)
        for start, sums in days.items():
            named = {"_id": f"{self.tenant}/{SOURCE}/{start:%Y-%m-%d}", "tenant": self.tenant, "source": SOURCE}
            await self.database["ledger_days"].insert_one({**named, "day": start, **sums})
        marks = dict.fromkeys(("summed", "unsummed", "loose", "seen"), "")
        await self.database["ledger_slices"].update_many({"tenant": self.tenant}, {"$unset": marks})
        await self.database["ledger_blobs"].update_many({"tenant": self.tenant}, {"$unset": {"uncounted": ""}})
        await self.database["ledger_sums"].delete_many({"tenant": self.tenant})
        await self.database["upgrades"].delete_many({})


@pytest.fixture
async def there(database: Database) -> Database:
    await ensure_indexes(database, (*ACCOUNT, "events"))
    return database


@pytest.fixture
def books(there: Database) -> Books:
    return Books(there, "contoso")


async def test_totals_begin_with_what_the_version_before_has_summed_up_by_day(books: Books) -> None:
    for hour in (0, 1, 30):
        await books.page(hour, hour, stored=3)
    await books.blob(1)
    await books.before_the_upgrade()
    await upgrade(books.database)
    # Also where nothing is new.
    assert await books.told() == books.truth()
    await books.page(50, 50, stored=1)
    await books.blob(2)
    await books.settled()

    assert await books.told() == books.truth()
    assert (await books.sums.of("contoso"))[SOURCE]["since"] == T0


async def test_a_slice_of_a_day_of_before_counts_once_however_often_it_is_settled_after_the_upgrade(
    books: Books,
) -> None:
    for hour in (0, 1, 2):
        await books.page(hour, hour, stored=3)
    await books.before_the_upgrade()
    told = []
    for number, hour in enumerate((3, 1, 3, 0)):
        await books.page(hour, 100 + number, stored=1, duplicate=2)
        await books.settled()
        told.append((await books.told(), books.truth()))

    assert [one for one in told if one[0] != one[1]] == []


async def test_a_slice_that_waits_to_be_settled_again_when_its_day_is_taken_over_counts_once(books: Books) -> None:
    for hour in (0, 1):
        await books.page(hour, hour, stored=5)
    await books.before_the_upgrade()
    name = f"contoso/{SOURCE}/0"
    await books.database["ledger_slices"].update_one({"_id": name}, {"$set": {"state": "fetched"}})
    await books.page(2, 2, stored=1)
    await books.settled()
    await books.database["ledger_slices"].update_one({"_id": name}, {"$set": {"unchecked": True}})
    await books.settled()

    assert await books.told() == books.truth()


async def test_however_many_days_of_before_are_settled_again_at_once_few_are_noted_in_one_document(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(25):
        await books.page(24 * day, day, stored=1)
    await books.before_the_upgrade()
    for day in range(25):
        await books.page(24 * day + 1, 100 + day, stored=1)
    noted: list[int] = []
    note = MongoSums._note

    async def watched(sums: MongoSums, found: list[dict[str, Any]]) -> None:
        noted.extend(len(book["pending"]["days"]) for book in found)
        await note(sums, found)

    monkeypatch.setattr(MongoSums, "_note", watched)
    await books.settled(4)

    assert noted == [10, 10, 5]
    assert await books.told() == books.truth()


STEPS = st.one_of(
    st.tuples(st.just("page"), st.integers(0, 30), st.integers(0, 3)),
    st.tuples(st.just("blob"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("settle"), st.just(0), st.just(0)),
    st.tuples(st.just("merge"), st.just(0), st.just(0)),
)


@given(before=st.lists(STEPS, max_size=8), after=st.lists(STEPS, min_size=1, max_size=12), seed=st.integers(0, 2**16))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.timeout(300)
async def test_wherever_the_database_dies_totals_are_what_the_pages_gave(
    there: Database, before: list[tuple[str, int, int]], after: list[tuple[str, int, int]], seed: int
) -> None:
    chance = Random(seed)
    books = Books(there, f"t{uuid4().hex[:16]}")
    number = 0
    for what, which, stored in before:
        number += 1
        if what == "page":
            await books.page(which, number, stored, duplicate=1)
        elif what == "blob":
            await books.blob(which)
    if any(what == "page" for what, *_ in before):
        await books.before_the_upgrade()
        await upgrade(there)
    for what, which, stored in after:
        number += 1
        if what == "page":
            await books.page(which, number, stored, duplicate=1)
        elif what == "blob":
            await books.blob(which)
        else:
            dying = Unsteady(there, chance.randrange(8), chance.choice(["before", "after"]))
            try:
                if what == "settle":
                    await MongoAccount(dying).settle(NOW, chance.choice([1, 3, 500]))
                else:
                    await MongoCompaction(dying).compact(NOW + HOUR, 100)
            except AocError:
                continue
    await books.settled(8)

    assert await books.told() == books.truth()

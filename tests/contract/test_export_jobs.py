"""What the stores of exports in the background promise, on a real MongoDB-protocol server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from aoc_common.contracts.access import Grant, Hidden
from aoc_common.store.export_jobs import ExportJob, ExportOwner
from aoc_common.store.mongo.client import Database, ensure_indexes
from aoc_common.store.mongo.export_jobs import LEASE, MongoExportJobs, MongoExportWork
from aoc_common.store.mongo.export_parts import MongoExportParts
from aoc_common.store.sessions import SignedIn
from making import NOW

DAY = timedelta(days=1)
PERSON = SignedIn("d/kim", "Kim Vale", (Grant("reader", frozenset({"contoso"})),), "d", ("aoc.reader",), ("g",))
KIM = ExportOwner("person", "d/kim", "Kim Vale", PERSON, "192.0.2.7")
LEE = ExportOwner("api-key", "key/lee", "Lee")
JOB = ExportJob("a1", "contoso", KIM, {"q": "-dana"}, "csv", "time,ip", NOW, NOW + DAY, changed_at=NOW)
HIDDEN = Hidden(frozenset({"exchange"}), frozenset({"new-inboxrule"}), frozenset({"subject"}))


@pytest.fixture
async def database(database: Database) -> Database:
    await ensure_indexes(database, ("export_jobs", "export_parts"))
    return database


@pytest.fixture
def jobs(database) -> MongoExportJobs:
    return MongoExportJobs(database)


@pytest.fixture
def work(database) -> MongoExportWork:
    return MongoExportWork(database)


async def test_a_job_comes_back_as_it_was_kept_and_is_of_one_owner_and_tenant(jobs) -> None:
    assert await jobs.add(JOB, 10)
    assert await jobs.add(replace(JOB, id="a2", owner=LEE, made_at=NOW + DAY / 24), 10)

    assert await jobs.get("contoso", "d/kim", "a1", NOW) == JOB
    assert await jobs.listed("contoso", "d/kim", NOW) == [JOB]
    for tenant, owner in (("fabrikam", "d/kim"), ("contoso", "key/lee")):
        assert await jobs.get(tenant, owner, "a1", NOW) is None
        assert not await jobs.remove(tenant, owner, "a1")
    assert await jobs.get("contoso", "d/kim", "a1", NOW + DAY) is None  # it has expired
    assert await jobs.remove("contoso", "d/kim", "a1")
    assert not await jobs.remove("contoso", "d/kim", "a1")


async def test_an_owner_has_no_more_than_so_many_of_all_tenants(jobs) -> None:
    made = [replace(JOB, id=f"a{n}", tenant=("contoso", "fabrikam")[n % 2]) for n in range(8)]
    kept = await asyncio.gather(*(jobs.add(one, 3) for one in made))
    there = [one for tenant in ("contoso", "fabrikam") for one in await jobs.listed(tenant, "d/kim", NOW)]

    assert {one.id for one in there} == {one.id for one, is_kept in zip(made, kept, strict=True) if is_kept}
    assert len(there) <= 3
    assert await jobs.add(replace(JOB, id="b1", owner=LEE), 3)


async def test_a_job_is_one_holder_s_while_it_is_kept_and_then_the_next_one_s(database, jobs, work) -> None:
    other = MongoExportWork(database)
    await jobs.add(JOB, 10)
    first = await work.take(NOW, ())
    assert first is not None
    assert (first.state, first.attempt) == ("running", 1)
    assert await other.take(NOW + LEASE / 2, ()) is None

    assert await work.keep(replace(first, events=7, size=70), NOW + LEASE / 2)
    assert await other.take(NOW + LEASE, ()) is None
    assert await jobs.bytes_of("d/kim", NOW) == 70
    second = await other.take(NOW + 2 * LEASE, ())
    assert second is not None
    assert (second.attempt, second.size, second.owner) == (2, 0, KIM)
    assert not await work.keep(first, NOW)
    assert not await work.end(replace(first, state="done"))
    done = replace(second, state="done", events=9, size=90, sha256="ab", hidden=HIDDEN, expires_at=NOW + 2 * DAY)
    assert await other.end(done)
    assert await jobs.get("contoso", "d/kim", "a1", NOW) == replace(done, changed_at=NOW + 2 * LEASE)
    assert await other.take(NOW + 9 * LEASE, ()) is None


async def test_the_oldest_job_is_taken_first_and_none_of_an_owner_who_has_one(jobs, work) -> None:
    for number, owner in enumerate((KIM, KIM, LEE)):
        await jobs.add(replace(JOB, id=f"a{number}", owner=owner, made_at=NOW + DAY / 100 * number), 10)
    taken = [await work.take(NOW, busy) for busy in ((), ("d/kim",), ("d/kim", "key/lee"), ("key/lee",), ())]

    assert [one and one.id for one in taken] == ["a0", "a2", None, "a1", None]


async def test_a_job_that_was_removed_is_kept_no_more(jobs, work) -> None:
    await jobs.add(JOB, 10)
    taken = await work.take(NOW, ())
    await jobs.remove("contoso", "d/kim", "a1")

    assert not await work.keep(taken, NOW)
    assert not await work.end(taken)


async def test_what_has_expired_is_not_taken_and_is_forgotten(jobs, work) -> None:
    await jobs.add(JOB, 10)

    assert await work.take(NOW + DAY, ()) is None
    assert await work.expired(NOW) == []
    [expired] = await work.expired(NOW + DAY)
    await work.forget(expired)
    await work.forget(expired)
    assert await work.expired(NOW + DAY) == []


async def test_parts_are_of_one_attempt(database) -> None:
    parts = MongoExportParts(database)
    first, second = replace(JOB, attempt=1), replace(JOB, attempt=2)
    for job in (first, second, replace(second, id="b")):
        for number in range(2):
            await parts.put(job, number, b"%d/%d" % (job.attempt, number), NOW + DAY)

    assert [await parts.get(first, 1), await parts.get(second, 0)] == [b"1/1", b"2/0"]
    assert await parts.get(second, 2) is None
    assert await parts.get(replace(second, tenant="fabrikam"), 0) is None
    await parts.remove("contoso", "a1", but=2)
    assert [await parts.get(first, 0), await parts.get(second, 0)] == [None, b"2/0"]
    await parts.remove_attempt(first)
    assert await parts.get(second, 0) == b"2/0"
    await parts.remove("contoso", "a1")
    assert [await parts.get(second, 0), await parts.get(replace(second, id="b"), 0)] == [None, b"2/0"]

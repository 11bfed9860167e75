"""The check that no link leaves an action without an event that stands for itself, on a MongoDB-protocol server."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aoc_cli.verify.statements import Statements
from aoc_cli.verify.twin_links import check_links
from aoc_common.contracts.twins import TwinFacts, TwinLink
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.twin_links import LinkFault, LinkReport, MongoTwinLinks
from aoc_common.store.mongo.twins import MongoTwins
from indexed import STORED
from making import NOW, an_event

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database

GRAPH, UNIFIED = TwinFacts("graph", "d1", result="success"), TwinFacts("unified", "d1", result="success")
FIRST, SECOND = an_event("g1", twin_facts=GRAPH), an_event("u1", NOW + timedelta(seconds=1), twin_facts=UNIFIED)
LONG_AGO = NOW - timedelta(hours=1)
OTHER = an_event("g2", NOW - timedelta(hours=1), twin_facts=GRAPH)


@pytest.fixture
async def links(database: Database) -> MongoTwinLinks:
    """Two events that are linked, and a third."""
    await ensure_indexes(database, STORED)
    events = MongoEvents(database, lambda _tenant, _source: timedelta(days=30))
    await events.insert([FIRST, SECOND, OTHER], ["p1", "p2", "p3"])
    await MongoTwins(database).decide([TwinLink("contoso", FIRST.id, SECOND.id, FIRST.id)], ["p2"], NOW)
    return MongoTwinLinks(database)


async def test_good_links_are_counted_and_nothing_is_said(links) -> None:
    assert await links.check(NOW, most=100) == LinkReport(3, 1)


@pytest.mark.parametrize(
    ("collection", "which", "change", "fault"),
    [
        ("events", FIRST.id, None, LinkFault.GONE),
        ("events", FIRST.id, {"$set": {"forgotten": True}}, LinkFault.GONE),
        ("events", FIRST.id, {"$set": {"twin_of": OTHER.id}}, LinkFault.SECOND),
        ("events", FIRST.id, {"$set": {"twin": OTHER.id}}, LinkFault.ELSEWHERE),
        ("events", FIRST.id, {"$unset": {"twin": ""}}, LinkFault.ELSEWHERE),
        ("events", FIRST.id, {"$set": {"tenant": "fabrikam"}}, LinkFault.TENANT),
        ("events", FIRST.id, {"$set": {"result": "failure"}}, LinkFault.RESULT),
        ("events", SECOND.id, {"$set": {"result": "failure"}}, LinkFault.RESULT),
        ("events", SECOND.id, {"$set": {"twin_of": OTHER.id}}, LinkFault.ELSEWHERE),
        ("events", SECOND.id, {"$set": {"twin_of": SECOND.id}}, LinkFault.SECOND),
        ("ledger_pages", "s#p1", {"$set": {"page": "p1", "waiting_since": LONG_AGO}}, LinkFault.UNPUBLISHED),
        ("dead_letters", "l1", {"$set": {"settled_by": "p1", "state": "open"}}, LinkFault.UNPUBLISHED),
    ],
    ids=[
        "deleted", "forgotten", "second itself", "another twin", "no twin", "another tenant", "result",
        "the other's result", "points elsewhere", "points to itself", "page waits", "page was given up",
    ],
)  # fmt: skip
async def test_each_way_in_which_an_action_can_be_hidden_is_found(
    links, database, collection, which, change, fault
) -> None:
    if change is None:
        await database[collection].delete_one({"_id": which})
    else:
        await database[collection].update_one({"_id": which}, change, upsert=collection != "events")
    report = await links.check(NOW, most=100)

    found = {one.second: one.fault for one in report.broken}
    assert found[SECOND.id] is fault


async def test_what_is_in_work_for_a_moment_or_was_handled_is_no_fault(links, database) -> None:
    moment = {"page": "p1", "waiting_since": NOW - timedelta(minutes=1)}
    await database["ledger_pages"].insert_one({"_id": "s#p1", **moment})
    await database["dead_letters"].insert_one({"_id": "l1", "settled_by": "p1", "state": "retried"})

    assert (await links.check(NOW, most=100)).broken == ()


async def test_where_it_is_known_what_was_published_that_counts(links) -> None:
    [broken] = (await links.check(NOW, most=100, published={SECOND.id})).broken

    assert (broken.tenant, broken.second, broken.first) == ("contoso", SECOND.id, FIRST.id)
    assert broken.fault is LinkFault.UNPUBLISHED
    assert (await links.check(NOW, most=100, published={FIRST.id})).broken == ()


async def test_verify_compares_every_link_with_what_was_published(links, database) -> None:
    kind = "twins: the links hold"
    told = []
    for published in ({FIRST.id, SECOND.id}, {SECOND.id}):
        tally = Statements()
        await check_links(database, {str(one) for one in published}, tally)
        told.append((tally.compared[kind], tally.false[kind], [one.about for one in tally.named]))

    assert told == [(1, 0, []), (1, 1, [f"contoso/{SECOND.id}"])]


async def test_it_looks_at_so_many_of_the_newest_and_goes_on_from_there(links) -> None:
    first = await links.check(NOW, most=2)
    rest = await links.check(NOW, most=2, before=first.before)

    assert (first.events, first.links, first.before) == (2, 1, FIRST.id)
    assert rest == LinkReport(1, 0)


async def test_it_looks_no_further_back_than_it_is_told(links) -> None:
    assert await links.check(NOW, most=100, since=NOW - timedelta(minutes=1)) == LinkReport(2, 1)

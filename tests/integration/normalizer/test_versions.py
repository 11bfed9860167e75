"""Records that change, are spelt otherwise, or share an id; at replicas that die, and on pages that come again."""

from __future__ import annotations

import asyncio
import itertools
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from aoc_common.contracts import ids
from aoc_common.contracts.access import Scope
from aoc_common.errors import AocError
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.event_search import make_event_search
from aoc_common.store.searches import EventQuery
from making import asking
from replica import ALERT, AT, AUDIT, DAY, HOUR, NOW, RISKY, SIGN_IN, Replica
from unsteady import Unsteady, deaths

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database


@pytest.fixture
async def replica(database: Database) -> Replica:
    await ensure_indexes(database)
    return Replica(database)


async def current(database: Database) -> list[Any]:
    return await database["events"].find({}).to_list(None)


async def test_a_sign_in_that_comes_again_with_risk_is_a_version_and_not_a_duplicate(replica, database) -> None:
    first = await replica.takes("a", SIGN_IN)
    second = await replica.takes("b", RISKY, fetched=NOW + HOUR)

    assert (first.stored, first.changed, second.stored, second.changed, second.duplicate) == (1, 0, 0, 1, 0)
    [event] = await current(database)
    identity = str(event["_id"])
    assert (event["version"], event["versions"], event["event"]["severity"]) == (2, 2, "High")
    assert replica.sent[0] == identity
    assert replica.sent[1].startswith(f"{identity}:")
    assert [headers["Aoc-Version"] for headers in replica.stream.values()] == ["1", "2"]


async def test_a_b_a_makes_two_versions(replica, database) -> None:
    totals = [await replica.takes(name, one) for name, one in (("a", SIGN_IN), ("b", RISKY), ("c", SIGN_IN))]

    assert [(one.stored, one.changed, one.duplicate) for one in totals] == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    assert len(replica.sent) == 2
    assert await database["event_versions"].count_documents({}) == 2


async def test_two_versions_in_one_page_are_both_kept_and_a_return_of_the_page_publishes_both(database) -> None:
    dying = Replica(database)

    async def dead(_pages):
        raise AocError("killed")

    dying._writer._publish = dead
    page = await dying.mapped("a", SIGN_IN, RISKY, SIGN_IN)
    with pytest.raises(AocError):
        await dying.write(page)
    back = Replica(database)
    await back.write(page)

    assert len(back.sent) == 2
    totals = await back.ledger.totals("contoso", "contoso/a")
    assert (totals.stored, totals.changed, totals.duplicate) == (1, 1, 1)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_the_newest_by_the_sources_own_time_is_current_in_any_order_of_arrival(replica, database, order) -> None:
    updates = [
        ALERT | {"lastUpdateDateTime": f"{NOW + n * HOUR:%Y-%m-%dT%H:%M:%SZ}", "status": f"s{n}"} for n in range(3)
    ]
    for number in order:
        await replica.takes(f"a{number}", updates[number], source="graph-alerts")

    [event] = await current(database)
    assert orjson.loads(event["raw"])["status"] == "s2"
    assert event["versions"] == 3
    assert len(replica.sent) == 3


@pytest.mark.slow
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_without_such_a_time_it_is_the_one_that_was_first_fetched_last(replica, database, order) -> None:
    sightings = [(SIGN_IN, NOW), (RISKY, NOW + HOUR), (SIGN_IN, NOW + 2 * HOUR)]
    for number in order:
        record, fetched = sightings[number]
        await replica.takes(f"a{number}", record, fetched=fetched)

    [event] = await current(database)
    assert orjson.loads(event["raw"])["riskLevelDuringSignIn"] == "high"
    assert len(replica.sent) == 2


@pytest.mark.slow
async def test_two_replicas_that_store_versions_at_once_lose_none(replica, database) -> None:
    await replica.takes("a", SIGN_IN)
    others = [Replica(database, replica.stream) for _ in range(4)]
    await asyncio.gather(
        *(
            one.takes(f"b{n}", SIGN_IN | {"riskLevelDuringSignIn": risk}, fetched=NOW + n * HOUR)
            for n, (one, risk) in enumerate(zip(others, ("low", "medium", "high", "hidden"), strict=True))
        )
    )

    [event] = await current(database)
    assert (event["versions"], orjson.loads(event["raw"])["riskLevelDuringSignIn"]) == (5, "hidden")
    assert sorted(headers["Aoc-Version"] for headers in replica.stream.values()) == list("12345")


async def test_another_operation_under_one_id_is_an_event_of_its_own_and_comes_again_as_itself(
    replica, database
) -> None:
    other = AUDIT | {"Operation": "New-InboxRule"}
    await replica.takes("a", AUDIT, source="o365-exchange")
    first = await replica.takes("b", other, source="o365-exchange")
    again = await replica.takes("c", other, AUDIT, source="o365-exchange")

    assert (first.stored, again.stored, again.changed, again.duplicate) == (1, 0, 0, 2)
    assert {one["operation"] for one in await current(database)} == {"Set-Mailbox", "New-InboxRule"}
    assert len(replica.sent) == 2


async def test_an_id_in_another_case_and_an_instant_in_another_spelling_do_not_double_an_event(
    replica, database
) -> None:
    spelt = [
        SIGN_IN | {"id": SIGN_IN["id"].upper(), "createdDateTime": AT.replace("Z", ".0000000Z")},
        SIGN_IN | {"createdDateTime": AT.replace("Z", "+00:00")},
    ]
    await replica.takes("a", SIGN_IN)
    totals = await replica.takes("b", *spelt)
    await replica.takes("c", ALERT, source="graph-alerts")
    alerts = await replica.takes(
        "d", ALERT | {"lastUpdateDateTime": AT.replace("Z", ".0000000Z")}, source="graph-alerts"
    )

    assert (totals.duplicate, alerts.duplicate, len(replica.sent)) == (2, 1, 2)


async def test_what_was_stored_before_there_were_versions_is_not_doubled_by_the_first_rescan(replica, database) -> None:
    upper = SIGN_IN | {"id": "ABCDEF01-93c1-4c58-8f8b-0b7b6a1a0000"}
    await replica.takes("a", SIGN_IN)
    await replica.takes("u", upper)
    await replica.takes("b", ALERT, source="graph-alerts")
    time_ms = ids.to_ms(datetime.fromisoformat(AT))
    old_ids = {
        "da1": ids.spelt_id("contoso", f"alert@{AT}", "da1", time_ms),
        upper["id"]: ids.spelt_id("contoso", "sign-in", upper["id"], time_ms),
    }
    for document in await current(database):
        await database["events"].delete_one({"_id": document["_id"]})
        del document["text"]
        document["_id"] = old_ids.get(document["event"]["metadata"]["uid"], document["_id"])
        await database["events"].insert_one(document)
    replica.sent.clear()
    replica.stream.clear()
    again = await replica.takes("c", SIGN_IN, upper)
    alerts = await replica.takes("d", ALERT, source="graph-alerts")

    assert (again.duplicate, alerts.duplicate, replica.sent) == (2, 1, [])
    assert len(await current(database)) == 3


async def test_what_retention_removed_is_not_stored_again_by_a_look_back_and_is_by_an_import(database) -> None:
    await ensure_indexes(database)
    replica = Replica(database, keep=DAY)
    await replica.takes("a", SIGN_IN)
    await replica.takes("b", RISKY)
    replica.clock.advance(2 * 86400)
    assert await replica.events.forget(replica.clock.now()) == 1
    search = make_event_search(database, replica.clock)
    assert (await search.search(EventQuery(Scope("contoso")))).events == ()
    assert await database["event_versions"].count_documents({}) == 0
    replica.stream.clear()
    again = await replica.takes("c", SIGN_IN, RISKY)

    assert (again.stored, again.changed, again.duplicate, len(replica.stream)) == (0, 0, 2, 0)
    [left] = await current(database)
    assert left.keys() <= {"_id", "page", "text", "expire_at", "forgotten"}
    imported = await replica.takes("d", SIGN_IN, source="import")
    assert (imported.stored, len((await search.search(EventQuery(Scope("contoso")))).events)) == (1, 1)


async def test_a_repair_of_damaged_text_replaces_it_and_is_not_published(replica, database) -> None:
    damaged = AUDIT | {"UserId": "j\ufffd\ufffdrg@contoso.example"}
    await replica.takes("a", damaged, source="o365-exchange")
    whole = await replica.takes("b", AUDIT | {"UserId": "j\u00f6rg@contoso.example"}, source="o365-exchange")
    again = await replica.takes("c", damaged, source="o365-exchange")

    [event] = await current(database)
    assert "\u00f6" in event["raw"]
    assert (whole.duplicate, again.duplicate, len(replica.sent)) == (1, 1, 1)


async def test_another_shape_of_a_known_record_is_a_duplicate(replica, database) -> None:
    await replica.takes("a", AUDIT, source="o365-exchange")
    wrapped = {"id": "x", "auditData": AUDIT | {"ClientIP": "203.0.113.9"}}
    totals = await replica.takes("b", wrapped, source="import")

    assert (totals.duplicate, totals.changed) == (1, 0)


async def test_all_versions_are_found_and_listed_with_their_times(replica, database) -> None:
    await replica.takes("a", SIGN_IN | {"appDisplayName": "Zebra"})
    await replica.takes("b", RISKY, fetched=NOW + HOUR)
    search = make_event_search(database)

    [found] = (await search.search(EventQuery(Scope("contoso"), asking(text="zebra")))).events
    assert (found.version, found.versions) == (2, 2)
    versions = await search.versions(Scope("contoso"), found.id)
    assert [one.version for one in versions] == [1, 2]
    assert [one.ocsf["metadata"]["logged_time"] for one in versions] == [ids.to_ms(NOW), ids.to_ms(NOW + HOUR)]
    assert await search.versions(Scope("fabrikam"), found.id) == []


@pytest.mark.slow
@pytest.mark.parametrize("how", ["before", "after"])
async def test_wherever_the_database_dies_versions_are_stored_and_published_once(database: Database, how) -> None:
    await ensure_indexes(database)

    async def live(steady: Unsteady, number: int):
        slices = [("a", (SIGN_IN, AUDIT)), ("b", (RISKY, SIGN_IN)), ("c", (SIGN_IN, RISKY, AUDIT | {"UserId": "x"}))]
        stream: dict[str, dict[str, str]] = {}
        account = []
        for name, records in slices:
            for _ in range(3):
                try:
                    done = await Replica(steady, stream).takes(
                        f"{number}{name}", *records, fetched=NOW + HOUR * len(account)
                    )
                    break
                except AocError:
                    continue
            account.append((done.stored, done.changed, done.duplicate))
        shown = [(one["version"], one["versions"]) for one in await current(database)]
        await database["events"].delete_many({})
        await database["event_versions"].delete_many({})
        await database["twin_pages"].delete_many({})
        await database["ledger_pages"].delete_many({})
        return account, shown, sorted(headers["Aoc-Version"] for headers in stream.values())

    quiet = Unsteady(database)
    expected = await live(quiet, 0)
    assert expected == ([(2, 0, 0), (0, 1, 1), (0, 1, 2)], [(2, 2), (2, 2)], ["1", "1", "2", "2"])
    ends = {n: await live(Unsteady(database, n, how), n + 1) for n in deaths(quiet.writes, how)}

    assert {n: end for n, end in ends.items() if end != expected} == {}


@pytest.mark.parametrize("wrong", [3 * DAY, -3 * HOUR], ids=["ahead", "behind"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_11_what_a_collector_with_a_wrong_clock_fetched_is_shown_by_when_the_bus_took_it(
    replica, database, wrong, order
) -> None:
    on_bus = [NOW, NOW + HOUR]
    # Who is ahead fetches the older state, who is behind the newer one.
    fetched = [on_bus[0] + wrong, on_bus[1]] if wrong > 0 * DAY else [on_bus[0], on_bus[1] + wrong]
    states = [SIGN_IN, RISKY]
    for number in order:
        await replica.takes(f"s{number}", states[number], fetched=fetched[number], on_bus=on_bus[number])

    [event] = await current(database)
    assert event["event"]["severity"] == "High"


async def test_11_a_record_that_lay_aside_is_not_taken_for_the_newest(replica, database) -> None:
    await replica.takes("a", RISKY, fetched=NOW, on_bus=NOW)
    await replica.takes("b", SIGN_IN, fetched=NOW - DAY, on_bus=NOW + DAY, aside=True)

    [event] = await current(database)
    assert (event["event"]["severity"], event["versions"]) == ("High", 2)

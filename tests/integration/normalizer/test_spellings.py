"""The same record filled in or spelt otherwise, twice on a page, or brought by others: one event, published once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from aoc_common.store.mongo.client import ensure_indexes
from aoc_normalizer import mapping
from aoc_normalizer.reading.split import split
from replica import ALERT, AT, AUDIT, DAY, HOUR, NOW, RISKY, SIGN_IN, Replica

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database

NAMELESS = {"createdDateTime": AT, "count": 1, "who": "dana", "more": {"size": 2}}
TRACE = {
    "MessageTraceId": "55a0c7e7-93c1-4c58-8f8b-0b7b6a1a0000",
    "Received": AT,
    "SenderAddress": "dana@contoso.example",
    "RecipientAddress": "kim@contoso.example",
    "Status": "Delivered",
    "Size": 10,
}


@pytest.fixture
async def replica(database: Database) -> Replica:
    await ensure_indexes(database)
    return Replica(database)


def row(number: int, **more: Any) -> dict[str, Any]:
    """A row of `Search-UnifiedAuditLog` as JSON."""
    return {"RecordType": 1, "CreationDate": AT, "AuditData": orjson.dumps(AUDIT | more).decode()} | {
        "ResultIndex": number,
        "ResultCount": number * 10,
    }


async def test_a_record_that_stands_twice_on_a_page_is_counted_and_published_once(replica) -> None:
    totals = await replica.takes("a", SIGN_IN, AUDIT, SIGN_IN, SIGN_IN)

    assert (totals.stored, totals.duplicate, len(replica.sent)) == (2, 2, 2)


@pytest.mark.slow
async def test_two_records_of_one_id_that_stand_twice_on_a_page_are_counted_and_published_once_each(replica) -> None:
    other = AUDIT | {"Operation": "New-InboxRule"}
    totals = await replica.takes("a", AUDIT, other, AUDIT, other, source="o365-exchange")

    assert (totals.stored, totals.duplicate, len(replica.sent)) == (2, 2, 2)


@pytest.mark.parametrize(
    ("record", "again"),
    [
        (SIGN_IN, SIGN_IN | {"riskState": None, "somethingNew": None}),
        (SIGN_IN, SIGN_IN | {"somethingNew": [], "more": {}, "still": "", "inside": {"more": None}}),
        (SIGN_IN | {"duration": 1}, SIGN_IN | {"duration": 1.0}),
        (SIGN_IN, SIGN_IN | {"status": {"errorCode": 0.0}}),
        (NAMELESS, NAMELESS | {"count": 1.0, "more": {"size": 2.0}}),
        (NAMELESS, NAMELESS | {"somethingNew": None}),
        (NAMELESS, NAMELESS | {"createdDateTime": AT.lower()}),
        (row(1), row(2)),
        (TRACE | {"Index": 0, "EndDate": AT}, TRACE | {"Index": 7, "EndDate": "2026-11-26T00:00:00Z"}),
    ],
)
async def test_what_says_the_same_is_a_duplicate(replica, record, again) -> None:
    first = await replica.takes("a", record)
    second = await replica.takes("b", again, fetched=NOW + HOUR)

    assert (first.stored, second.stored, second.changed, second.duplicate) == (1, 0, 0, 1)
    assert len(replica.sent) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("record", "again"),
    [
        (SIGN_IN | {"riskState": "atRisk"}, SIGN_IN | {"riskState": None}),
        (SIGN_IN | {"duration": 0}, SIGN_IN | {"duration": None}),
        (row(1), row(1, Parameters=[{"Name": "Identity", "Value": "kim"}])),
    ],
)
async def test_what_says_less_or_more_is_a_version(replica, record, again) -> None:
    await replica.takes("a", record)
    totals = await replica.takes("b", again, fetched=NOW + HOUR)

    assert (totals.changed, len(replica.sent)) == (1, 2)


async def test_records_that_say_nothing_are_still_as_many_as_there_are(replica) -> None:
    totals = await replica.takes("a", {"one": None}, {"other": None})

    assert totals.stored == 2


async def test_what_a_file_brought_is_known_to_a_look_back_when_its_retention_has_ended(database) -> None:
    await ensure_indexes(database)
    replica = Replica(database, keep=DAY)
    await replica.takes("a", SIGN_IN, source="import")
    replica.clock.advance(2 * 86400)
    assert await replica.events.forget(replica.clock.now()) == 1
    [left] = await database["events"].find({}).to_list(None)
    again = await replica.takes("b", SIGN_IN)

    assert left["expire_at"] > NOW + 31 * DAY
    assert (again.stored, again.duplicate, len(replica.sent)) == (0, 1, 1)


async def test_of_what_is_too_old_to_be_collected_a_file_leaves_nothing_behind(database) -> None:
    replica = Replica(database, keep=DAY)
    await replica.takes("a", SIGN_IN | {"createdDateTime": "2020-01-01T00:00:00Z"}, source="import")

    [stored] = await database["events"].find({}).to_list(None)
    assert (stored["expire_at"], "forget_at" in stored) == (NOW + DAY, False)


async def test_a_version_stays_as_long_as_its_event_so_that_it_is_no_new_one_when_it_comes_again(database) -> None:
    await ensure_indexes(database)
    replica = Replica(database, keep=DAY)
    await replica.takes("a", SIGN_IN)
    replica.clock.advance(20 * 3600)
    await replica.takes("b", RISKY, fetched=NOW + 20 * HOUR)
    replica.clock.advance(5 * 3600)
    await replica.events.forget(replica.clock.now())
    again = await replica.takes("c", SIGN_IN, fetched=NOW + 25 * HOUR)

    assert (again.changed, again.duplicate, len(replica.sent)) == (0, 1, 2)
    [event] = await database["events"].find({}).to_list(None)
    assert orjson.loads(event["raw"])["riskLevelDuringSignIn"] == "high"


async def test_an_event_of_two_retentions_stays_as_long_as_the_longer_one(database) -> None:
    await ensure_indexes(database)
    long, short = Replica(database, keep=400 * DAY), Replica(database, keep=DAY)
    await long.takes("a", SIGN_IN, source="import")
    await short.takes("b", RISKY, fetched=NOW + HOUR)

    assert await short.events.forget(NOW + 2 * DAY) == 0
    assert await database["event_versions"].count_documents({}) == 2
    [event] = await database["events"].find({}).to_list(None)
    assert event["expire_at"] == NOW + 400 * DAY


async def test_an_alert_that_is_again_what_it_was_is_shown_so(replica, database) -> None:
    hours = [f"{NOW + n * HOUR:%Y-%m-%dT%H:%M:%SZ}" for n in range(3)]
    states = [
        ALERT | {"lastUpdateDateTime": at, "status": s} for at, s in zip(hours, ("new", "resolved", "new"), strict=True)
    ]
    totals = [await replica.takes(f"a{n}", one, fetched=NOW + n * HOUR) for n, one in enumerate(states)]
    again = await replica.takes("b", states[0], states[1] | {"lastUpdateDateTime": hours[1].replace("Z", ".000Z")})

    assert [(one.stored, one.changed) for one in totals] == [(1, 0), (0, 1), (0, 1)]
    assert (again.duplicate, len(replica.sent)) == (2, 3)
    [event] = await database["events"].find({}).to_list(None)
    assert orjson.loads(event["raw"]) == states[2]


ROWS = {
    "an unknown shape": lambda n: {"EventId": 4624, "TimeCreated": AT, "Account": f"u{n}"},
    "an unknown shape with a time": lambda n: {"EventId": 4624, "TimeGenerated": AT, "Account": f"u{n}"},
    "a table of advanced hunting": lambda n: {
        "category": "AdvancedHunting-EmailUrlInfo",
        "time": AT,
        "properties": {"Timestamp": AT, "ReportId": "n1-1", "Url": f"https://contoso.example/{n}"},
    },
    "the same in Log Analytics": lambda n: {
        "Type": "EmailUrlInfo", "TimeGenerated": AT, "ReportId": "n1-1", "Url": f"https://contoso.example/{n}",
    },
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("made", ROWS.values(), ids=ROWS)
async def test_records_that_share_an_id_which_names_none_of_them_are_as_many_events(replica, database, made) -> None:
    rows = [made(number) for number in range(9)]
    first = await replica.takes("a", *rows[:5], source="import")
    again = await replica.takes("b", *reversed(rows), source="import")
    third = await replica.takes("c", *(one | {"@odata.etag": "x", "more": None} for one in rows), source="import")

    assert (first.stored, first.changed, again.stored, again.changed, again.duplicate) == (5, 0, 4, 0, 5)
    assert (third.stored, third.changed, third.duplicate) == (0, 0, 9)
    assert await database["events"].count_documents({}) == len(replica.sent) == 9


async def test_a_row_of_advanced_hunting_is_one_event_in_whatever_table_it_comes(replica, database) -> None:
    kinds = ("a table of advanced hunting", "the same in Log Analytics")
    totals = [
        await replica.takes(name, *(ROWS[name](number) for number in range(3)), source="import") for name in kinds
    ]

    assert [(one.stored, one.changed, one.duplicate) for one in totals] == [(3, 0, 0), (0, 0, 3)]
    assert await database["events"].count_documents({}) == 3


async def test_a_repair_of_a_damaged_row_is_no_other_row(replica, database) -> None:
    damaged = {"EventId": 4624, "TimeCreated": AT, "Account": "j\ufffdrg"}
    await replica.takes("a", damaged, source="import")
    await replica.takes("b", damaged | {"Account": "j\u00f6rg"}, damaged, source="import")

    [event] = await database["events"].find({}).to_list(None)
    assert "\u00f6" in event["raw"]


@pytest.mark.slow
async def test_a_page_is_cut_once_however_many_of_its_records_are_compared(replica, monkeypatch) -> None:
    ids = [f"5d6a1f0e-93c1-4c58-8f8b-0b7b6a1a{number:04}" for number in range(40)]
    await replica.takes("a", *(SIGN_IN | {"id": one} for one in ids))
    cuts = []

    def noted(body):
        cuts.append(body)
        return split(body)

    monkeypatch.setattr(mapping, "split", noted)
    totals = await replica.takes("b", *(RISKY | {"id": one} for one in ids), fetched=NOW + HOUR)

    # Once to map it, and once for all that is compared.
    assert (totals.changed, len(cuts)) == (40, 2)


@pytest.mark.parametrize(
    "made",
    [
        lambda at: {"category": "SignInLogs", "operationName": "Sign-in activity", "properties": SIGN_IN | at},
        lambda at: {
            "Type": "SigninLogs", "TimeGenerated": AT, "Id": SIGN_IN["id"], "CreatedDateTime": at["createdDateTime"],
            "AppDisplayName": "Outlook", "ResultType": "0",
        },
    ],
    ids=["a diagnostic", "a row of Log Analytics"],
)  # fmt: skip
async def test_a_sign_in_that_an_export_tells_with_decimals_is_the_one_that_graph_gave(replica, database, made) -> None:
    await replica.takes("a", SIGN_IN)
    exact = {"createdDateTime": AT.replace("Z", ".3906455Z")}
    twice = await replica.takes("b", made(exact), made(exact), source="import")
    other = await replica.takes("c", made(exact | {"id": "another"}) | {"Id": "another"}, source="import")

    assert (twice.stored, twice.changed, twice.duplicate, other.stored) == (0, 0, 2, 1)
    assert await database["events"].count_documents({}) == len(replica.sent) == 2

"""A rule that finds only what somebody does for the first time, by the events that are stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from alerting import MINE, NOW, Alerting, message, rule_text
from aoc_alerter.first_use_decider import FirstUseDecider
from aoc_common.contracts.access import Scope
from aoc_common.contracts.rows import Row
from aoc_common.contracts.uses import USE_KINDS, Use, used
from aoc_common.errors import TimedOut
from aoc_common.store import first_uses
from aoc_common.store.alert_search import AlertQuery
from aoc_common.store.first_uses import FirstUses
from aoc_common.store.mongo.alerts import MongoAlertSearch
from aoc_common.store.mongo.client import Database, ensure_indexes
from aoc_common.store.mongo.event_search import make_event_search
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.searches import EventPage
from aoc_rules.circumstances.first_seen import FirstSeen, use_of
from aoc_rules.finding import PendingFirstUse
from made_events import unified
from microsoft_records import event_of

if TYPE_CHECKING:
    from datetime import datetime

    from aoc_common.contracts.event import Event

RULE = rule_text(MINE, "New-InboxRule", aoc={"first_seen": {"of": "operation", "within": "7d"}, "window": "1m"})
WEEK = timedelta(days=7)


@pytest.fixture
async def stored(database: Database) -> MongoEvents:
    await ensure_indexes(database, ("events", "alerts", "hits", "alert_groups"))
    return MongoEvents(database, lambda _tenant, _source: timedelta(days=400))


def event(number: int, minutes: float, operation: str = "New-InboxRule", tenant: str = "contoso") -> Event:
    """What `alerting.message` is of, as it is stored."""
    at = NOW + timedelta(minutes=minutes)
    record = unified(operation, "Exchange", 1) | {"Id": str(number), "CreationTime": f"{at:%Y-%m-%dT%H:%M:%S}"}
    return event_of(record, "o365-exchange", tenant)


async def alerted(database: Database) -> list[tuple[datetime, int]]:
    found = await MongoAlertSearch(database).search(AlertQuery(Scope("contoso"), limit=100))
    return sorted((one.first_at, one.count) for one in found)


async def test_only_the_first_use_within_the_days_is_told_and_again_when_they_are_over(stored, database) -> None:
    alerting = Alerting(database, RULE)
    await alerting.following.look()
    week = 7 * 24 * 60
    minutes = [0, 5, week + 4.9, 2 * week + 4.9 + 1 / 60]
    others = [event(90, -1, "Set-Mailbox"), event(91, -1, tenant="fabrikam")]
    await stored.insert([*others, *(event(number, at) for number, at in enumerate(minutes))], ["p"] * 6)

    # Together and apart, and twice.
    for batch in ([0, 1], [1], [0], [2, 3], [3]):
        await alerting.handle([message(str(number), minutes=minutes[number]) for number in batch])
    assert await alerted(database) == [(NOW, 1), (NOW + timedelta(days=14, seconds=295), 1)]


async def test_a_twin_is_no_earlier_use_and_who_is_not_known_yet_is_left_out_if_asked(stored, database) -> None:
    first, twin = event(1, 0), event(2, -0.05)
    await stored.insert([first, twin], ["p"] * 2)
    uses, scope = FirstUses(make_event_search(database)), Scope("contoso")
    row = Row.of_message(message("1"))
    use = use_of(FirstSeen("operation", WEEK), row)
    assert use is not None
    assert await uses.is_first(scope, use) is False
    await database["events"].update_one({"_id": twin.id}, {"$set": {"twin_of": first.id}})
    assert await uses.is_first(scope, use) is True
    await database["events"].update_one({"_id": twin.id}, {"$unset": {"twin_of": ""}, "$set": {"twin": first.id}})
    assert await uses.is_first(scope, replace(use, same=twin.id)) is True

    known = use_of(FirstSeen("operation", WEEK, timedelta(hours=1)), row)
    assert known is not None
    assert await uses.is_first(scope, replace(known, same=twin.id)) is False
    await stored.insert([event(3, -61, "Set-Mailbox")], ["p"])
    assert await uses.is_first(scope, replace(known, same=twin.id)) is True


async def test_countries_devices_and_applications_are_told_apart_by_what_the_event_says(stored, database) -> None:
    def placed(number: int, minutes: float, **where: Any) -> Event:
        made = event(number, minutes)
        made.ocsf = {**made.ocsf, **where}
        return made

    place = {"ip": "192.0.2.1", "location": {"country": "NL"}, "uid": "D-1", "name": "Laptop"}
    earlier = placed(1, -10, src_endpoint=place, actor={"app_uid": "A-1", "app_name": "Old name"})
    await stored.insert([earlier], ["p"])
    uses = FirstUses(make_event_search(database))
    again = {
        "src_endpoint": {"location": {"country": "nl"}, "uid": "d-1"},
        "actor": {"app_uid": "a-1", "app_name": "New"},
    }
    other = {"src_endpoint": {"location": {"country": "BE"}, "uid": "d-2"}, "actor": {"app_uid": "a-2"}}
    row = Row.of_message(message("5"))
    for kind in USE_KINDS[1:]:
        answers = []
        for told in (again, other):
            use = use_of(FirstSeen(kind, WEEK), replace(row, ocsf={**row.ocsf, **told}))
            assert use is not None
            answers.append(await uses.is_first(Scope("contoso"), use))
        assert answers == [False, True], kind
        assert use_of(FirstSeen(kind, WEEK), replace(row, ocsf={"time": row.ocsf["time"]})) is None
    assert use_of(FirstSeen("operation", WEEK), replace(row, actor=None)) is None
    assert (
        used("device", "x", {"src_endpoint": {"name": "Unknown"}}) == used("country", "x", {"src_endpoint": 3}) == set()
    )


class Searching:
    """A search that tells of one page, again and again, and counts the times."""

    def __init__(self, page: EventPage | Exception) -> None:
        self.page, self.asked = page, 0

    async def search(self, *_: Any, **__: Any) -> EventPage:
        self.asked += 1
        if isinstance(self.page, Exception):
            raise self.page
        return self.page


async def test_a_look_up_is_bounded_and_in_doubt_told_and_what_matches_nothing_costs_none(monkeypatch) -> None:
    use = use_of(FirstSeen("country", WEEK), replace(Row.of_message(message()), ocsf={
        "time": 1_764_000_000_000, "src_endpoint": {"location": {"country": "NL"}}, "enrichments": [],
    }))  # fmt: skip
    assert isinstance(use, Use)

    async def asked(page: EventPage | Exception) -> tuple[bool | None, int, int]:
        searching: Any = Searching(page)
        told: Any = "found"
        decided = await FirstUseDecider(FirstUses(searching)).decided([PendingFirstUse("contoso", "r", use, (told,))])
        return await FirstUses(searching).is_first(Scope("contoso"), use), len(decided), searching.asked // 2

    assert await asked(EventPage((), more=False)) == (True, 1, 1)
    assert await asked(EventPage((), more=False, searched_to=use.event)) == (None, 1, 1)
    assert await asked(TimedOut("x")) == (None, 1, 1)
    monkeypatch.setattr(first_uses, "MOST_EVENTS", 3)
    another: Any = type("Stored", (), {"id": use.same, "twin_of": None, "twin": None})
    assert await asked(EventPage((another, another), more=True)) == (True, 1, 2)

    nothing: Any = None
    assert await FirstUseDecider(nothing).decided([nothing]) == [None]

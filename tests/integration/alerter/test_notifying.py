"""One incident, one message: over outages, restarts and redelivery, with what came of each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from aoc_common.errors import Refused, Unreachable
from aoc_common.outbound.refusals import RefusedWhole, Unusable
from aoc_common.store.mongo.client import Database, ensure_indexes
from aoc_common.store.mongo.notification_routes import MongoNotificationRoutes
from made_alerts import alert_event, alert_of
from notified import Telling, route


@pytest.fixture
async def store(database: Database) -> Database:
    await ensure_indexes(database, ("notifications",))
    return database


def alerts(count: int, severity: str = "high", **more: object) -> list:
    return [replace(alert_of(alert_event(number)), severity=severity, **more) for number in range(count)]


async def test_a_destination_that_is_away_for_hours_gets_each_alert_once(store: Database) -> None:
    telling = Telling(store, route())
    telling.box.fails = Unreachable("503 away")
    [one, two] = alerts(2)
    await telling.comes(one, two)
    await telling.goes_on(40, rounds=40)
    soon, words = telling.box.tries, telling.at_work.words
    await telling.goes_on(6 * 3600, rounds=20)
    telling.restart()
    telling.box.fails = None
    await telling.goes_on(600, rounds=4)
    await telling.taken_in(one)
    await telling.goes_on(600, rounds=4)

    assert telling.at_work.life == "running"
    assert "503 away" in words
    assert soon <= 6, "after 1, 2, 4 ... seconds"
    assert len(telling.box.messages) == len({message.id for message in telling.box.messages}) == 2
    assert telling.at_work.counted().repeated == 2, "nobody knows what it took of what it did not answer"


async def test_a_wait_that_the_other_side_asks_for_is_not_its_to_choose(store: Database) -> None:
    telling = Telling(store, route())
    telling.box.fails = Unreachable("503", retry_after=1e9)
    await telling.comes(*alerts(1))
    await telling.goes_on()
    telling.box.fails = None
    await telling.goes_on(2)

    assert len(telling.box.messages) == 1


async def test_what_was_sent_when_the_process_was_killed_is_sent_again_and_counted(store: Database) -> None:
    telling = Telling(store, route())
    await telling.comes(*alerts(1))

    async def killed(*_: object) -> None:
        raise KeyboardInterrupt

    settle, telling.store.settle = telling.store.settle, killed
    with pytest.raises(KeyboardInterrupt):
        await telling.goes_on()
    telling.store.settle = settle
    telling.restart()
    await telling.goes_on(1)

    assert len(telling.box.messages) == 2
    assert len({message.id for message in telling.box.messages}) == 1, "by which who knows ids tells it apart"
    assert telling.at_work.counted().repeated == 1


async def test_what_is_refused_is_a_dead_letter_in_the_destinations_words_and_may_be_tried_again(
    store: Database,
) -> None:
    telling = Telling(store, route())
    telling.box.fails = RefusedWhole("400 Invalid routing key")
    [alert] = alerts(1)
    await telling.comes(alert)
    await telling.goes_on()
    await telling.taken_in(alert)
    await telling.goes_on(3600)
    tried = telling.box.tries
    telling.box.fails = None
    assert await telling.store.again("people", "contoso", alert.id, telling.clock.now())
    assert not await telling.store.again("people", "fabrikam", alert.id, telling.clock.now())
    await telling.goes_on(1)

    assert tried == 1
    assert [words for _, words in telling.letters] == ["400 Invalid routing key"]
    assert len(telling.box.messages) == 1


async def test_what_is_not_taken_for_days_is_given_up_and_said(store: Database) -> None:
    telling = Telling(store, route())
    telling.box.fails = Unusable("401 no such token")
    await telling.comes(*alerts(1))
    await telling.goes_on()
    telling.clock.advance(73 * 3600)
    await telling.goes_on()
    await telling.goes_on(3600)

    [(_, words)] = telling.letters
    assert words == "not taken for 3 days, 0:00:00: 401 no such token"
    assert telling.at_work.counted().refused == 1


async def test_an_alert_is_told_again_when_it_becomes_graver_and_not_for_each_event(store: Database) -> None:
    telling = Telling(store, route())
    [alert] = alerts(1, "medium")
    await telling.comes(alert)
    await telling.goes_on()
    more = replace(alert, count=2, revision=2)
    graver = replace(alert, severity="critical", revision=3)
    for revision in (more, graver, alert, graver, replace(alert, severity="low", revision=4)):
        await telling.comes(revision)
        await telling.goes_on(10)

    assert telling.box.titles == [
        "[medium] Inbox rule forwards mail (contoso)", "[critical] Inbox rule forwards mail (contoso)",
    ]  # fmt: skip
    assert "told before (medium)" in telling.box.messages[1].body


async def test_what_becomes_graver_before_it_was_told_is_told_once(store: Database) -> None:
    telling = Telling(store, route(digest={"every_m": 60}))
    [alert] = alerts(1, "low")
    await telling.comes(alert)
    await telling.goes_on(60)
    await telling.comes(replace(alert, severity="high", revision=2))
    await telling.goes_on(1)
    await telling.goes_on(7200)

    assert telling.box.titles == ["[high] Inbox rule forwards mail (contoso)"]


async def test_what_was_resolved_before_it_was_told_is_told_nobody(store: Database) -> None:
    telling = Telling(store, route())
    telling.box.fails = Unreachable("503")
    [alert] = alerts(1)
    await telling.comes(alert)
    await telling.goes_on()
    await telling.comes(replace(alert, status="resolved", revision=2))
    telling.box.fails = None
    await telling.goes_on(300)

    assert not telling.box.messages
    assert not telling.letters


async def test_low_severities_come_together_at_most_so_often_over_a_restart(store: Database) -> None:
    telling = Telling(store, route(digest={"every_m": 60}))
    first, second, third = alerts(3, "low")
    await telling.comes(first)
    await telling.goes_on(1800)
    await telling.comes(second)
    telling.restart()
    await telling.goes_on(1799)
    assert not telling.box.messages
    await telling.goes_on(1)
    await telling.comes(third)
    await telling.goes_on(3599)
    assert telling.box.titles == ["2 alerts, up to low (contoso)"]
    await telling.goes_on(1)

    assert telling.box.titles[1:] == ["1 alerts, up to low (contoso)"]


async def test_what_piles_up_is_one_message_and_one_that_cannot_be_told_holds_up_no_other(store: Database) -> None:
    telling = Telling(store, route(together_from=5))
    telling.box.fails = Unreachable("503")
    await telling.comes(*alerts(6))
    await telling.goes_on()
    telling.box.fails = None
    await telling.goes_on(300)
    assert telling.box.titles == ["6 alerts, up to high (contoso)"]

    send = telling.box.send

    async def sometimes(message) -> None:
        if poison in message.id:
            raise ZeroDivisionError("a defect of ours")
        await send(message)

    telling.box.send = sometimes
    bad, good = (replace(alert_of(alert_event(number)), severity="high") for number in (10, 11))
    poison = str(bad.id)
    await telling.comes(bad, good)
    await telling.goes_on(4, rounds=4)

    assert str(good.id) in telling.box.messages[-1].id


async def test_while_a_route_is_closed_what_comes_waits(store: Database) -> None:
    telling = Telling(store, route(hours={"zone": "UTC", "days": ["tue"]}))
    await telling.comes(*alerts(1))
    await telling.goes_on(3600)
    routes = MongoNotificationRoutes(store)
    closed, waiting = telling.at_work.life, await routes.backlog("people")
    await telling.goes_on(timedelta(days=1).total_seconds())

    assert (closed, waiting[0]) == ("closed", 1)
    assert len(telling.box.messages) == 1
    assert (await routes.backlog("people")) == (0, None)


async def test_settings_that_cannot_work_are_said_and_what_comes_waits(store: Database) -> None:
    telling = Telling(store, route())
    telling.box.fails = Refused("403", status=403)
    await telling.comes(*alerts(1))
    await telling.goes_on()

    assert [words for _, words in telling.letters] == ["403"]

"""One incident, one message: over outages, restarts and redelivery, with what came of each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aoc_common.contracts.tickets import Ticket
from aoc_common.errors import BadConfiguration, Unreachable
from aoc_common.outbound.refusals import RefusedWhole, Unusable
from aoc_common.store.mongo.notification_routes import MongoNotificationRoutes
from made_alerts import KEEP, NOW, alert_event, alert_of
from notified import Telling, alerts, route

if TYPE_CHECKING:
    from datetime import datetime

    from aoc_common.store.mongo.client import Database


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


async def test_what_was_put_off_by_a_clock_that_was_ahead_is_told_when_it_is_right_and_what_waits_by_itself_is_not(
    store: Database,
) -> None:
    telling = Telling(store, route(digest={"severities": ["low"], "every_m": 30}))
    for hours in (6, -6):
        telling.clock.jump(timedelta(hours=hours))
        [alert] = alerts(1) if hours > 0 else [replace(alert_of(alert_event(5)), severity="high")]
        await telling.comes(alert)
        telling.box.fails = Unreachable("503 away")
        await telling.goes_on()
        telling.box.fails = None
        telling.clock.jump(timedelta(hours=-hours))
        telling.restart()
        await telling.goes_on(1)
    told = len(telling.box.messages)
    await telling.comes(replace(alert_of(alert_event(7)), severity="low"))
    await telling.goes_on(29 * 60)
    waits = len(telling.box.messages)
    await telling.goes_on(60)

    assert (told, waits, len(telling.box.messages)) == (2, 2, 3)


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
    assert await telling.store.retry("people", "contoso", alert.id, telling.clock.now())
    assert not await telling.store.retry("people", "fabrikam", alert.id, telling.clock.now())
    await telling.goes_on(1)

    assert tried == 1
    assert [words for _, words in telling.letters] == ["400 Invalid routing key"]
    assert len(telling.box.messages) == 1


async def test_an_answer_gives_an_alert_its_first_ticket_and_may_be_anything_else(store: Database) -> None:
    telling = Telling(store, route())
    [alert] = alerts(1, "low")
    answers = [b"", b"[", b"[" * 70_000, b"7", b'{"ticket": "SEC-0"}', b'{"ticket": {"id": 4711, "url": "ftp://x"}}',
               b'{"ticket": {"id": "SEC-2"}}']  # fmt: skip
    await telling.comes(alert)
    for answer in answers:
        telling.box.answer = answer
        await telling.store.retry("people", "contoso", alert.id, telling.clock.now())
        await telling.goes_on(1)

    stored = (await telling.alerts.of([alert.id]))[alert.id].alert
    assert (stored.ticket, stored.history[-1].by.id) == (Ticket("4711", None, "people"), "ticket:people")
    assert (len(telling.box.messages), stored.revision) == (len(answers), 2)


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


@pytest.mark.slow
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
    telling.cannot = BadConfiguration("route people, options.url: the environment variable is not set")
    await telling.comes(*alerts(1))
    await telling.goes_on()
    life, words = telling.at_work.life, telling.at_work.words
    telling.cannot = None
    await telling.goes_on(60)

    assert (life, words.partition(":")[0]) == ("broken", "route people, options.url")
    assert len(telling.box.messages) == 1
    assert not telling.letters


async def test_secrets_are_read_again_when_the_destination_refuses_them(store: Database) -> None:
    telling = Telling(store, route())
    telling.box.fails = Unusable("401 no such token")
    await telling.comes(*alerts(1))
    await telling.goes_on()
    telling.box.fails = None
    await telling.goes_on(60)

    assert telling.made == 2
    assert len(telling.box.messages) == 1


async def test_what_waited_for_days_behind_closed_doors_is_tried_for_as_long_as_all_else(store: Database) -> None:
    telling = Telling(store, route(hours={"zone": "UTC", "days": ["sun"]}))
    telling.box.fails = Unreachable("503")
    await telling.comes(*alerts(1))
    await telling.goes_on(6 * 24 * 3600)
    telling.box.fails = None
    await telling.goes_on(60)

    assert telling.box.tries == 2
    assert not telling.letters
    assert len(telling.box.messages) == 1


async def test_a_revision_of_an_old_alert_tells_it_no_second_time(store: Database) -> None:
    telling = Telling(store, route())
    [alert] = alerts(1)
    await telling.comes(alert)
    await telling.goes_on()
    before = await expires(store)
    await telling.goes_on(300 * 24 * 3600)
    await telling.comes(replace(alert, count=2, revision=2))
    await telling.goes_on()

    assert len(telling.box.messages) == 1
    assert before == NOW + KEEP, "as long as the alert"
    assert await expires(store) == telling.clock.now() + KEEP, "whose last event came now"


async def expires(store: Database) -> datetime:
    return (await store["notifications"].find_one({}))["expire_at"]


async def test_what_came_while_a_route_was_closed_does_not_go_that_way_later_either(store: Database) -> None:
    telling = Telling(store, route(hours={"zone": "UTC", "days": ["tue"], "otherwise": "skip"}))
    [alert] = alerts(1, "medium")
    await telling.comes(alert)
    await telling.goes_on(24 * 3600)
    await telling.comes(replace(alert, count=2, revision=2))
    await telling.goes_on()
    before = telling.box.titles
    await telling.comes(replace(alert, severity="high", revision=3))
    await telling.goes_on(1)

    assert not before, "a revision is no new alert"
    assert telling.box.titles == ["[high] Inbox rule forwards mail (contoso)"]
    assert "told before" not in telling.box.messages[0].body, "nobody was"


async def test_what_is_opened_again_before_it_was_told_is_told(store: Database) -> None:
    telling = Telling(store, route(raised=False))
    telling.box.fails = Unreachable("503")
    [alert] = alerts(1)
    await telling.comes(alert)
    await telling.goes_on()
    telling.box.fails = None
    await telling.comes(replace(alert, status="resolved", revision=2))
    await telling.goes_on(300)
    await telling.comes(replace(alert, status="in_progress", revision=3))
    await telling.goes_on(1)

    assert telling.box.titles == ["[high] Inbox rule forwards mail (contoso)"]


async def test_that_an_alert_is_over_is_told_once_by_routes_that_ask_for_it_and_only_if_it_was_told(
    store: Database,
) -> None:
    telling = Telling(store, route(resolved=True))
    told, untold = alerts(2)
    await telling.comes(told)
    await telling.goes_on()
    over = replace(told, status="resolved", verdict="false_positive", revision=2)
    await telling.comes(over, replace(untold, status="resolved", revision=2))
    await telling.goes_on(1)
    for late in (over, told):
        await telling.taken_in(late)
        await telling.goes_on(300)
    await telling.comes(replace(told, status="new", revision=3))
    await telling.goes_on(1)
    await telling.comes(replace(told, status="suppressed", revision=4))
    await telling.goes_on(1)

    title = "[high] Inbox rule forwards mail (contoso)"
    assert telling.box.titles == [title, f"[resolved] {title}", title, f"[suppressed] {title}"]
    assert "It is resolved: false positive." in telling.box.messages[1].body
    assert [one.kind.removeprefix("aoc.alert.") for one in telling.box.messages] == ["new", "resolved"] * 2
    assert len({one.id for one in telling.box.messages}) == 4, "who knows ids tells them apart"
    assert {one.about for one in telling.box.messages} == {str(told.id)}
    assert [one.over for one in telling.box.messages] == [False, True] * 2


async def test_ends_are_told_one_by_one_and_what_is_opened_before_is_not_over(store: Database) -> None:
    telling = Telling(store, route(resolved=True, together_from=2))
    first, second, third = alerts(3)
    for alert in (first, second, third):
        await telling.comes(alert)
        await telling.goes_on(1)
    telling.box.fails = Unreachable("503")
    for alert in (first, second, third):
        await telling.comes(replace(alert, status="resolved", revision=2))
    await telling.goes_on(1)
    await telling.comes(replace(third, status="new", revision=3))
    telling.box.fails = None
    await telling.goes_on(300, rounds=2)

    assert {one.about for one in telling.box.messages[3:]} == {str(first.id), str(second.id)}
    assert all(one.over for one in telling.box.messages[3:])


async def test_what_is_resolved_or_opened_while_it_is_told_is_told_of_too(store: Database) -> None:
    telling = Telling(store, route(resolved=True))
    [alert] = alerts(1)
    states = [replace(alert, status="new", revision=3), replace(alert, status="resolved", revision=2)]

    async def changes() -> None:
        if states:
            await telling.comes(states.pop())

    telling.box.meanwhile = changes
    await telling.comes(alert)
    await telling.goes_on(4, rounds=4)

    assert [one.over for one in telling.box.messages] == [False, True, False]

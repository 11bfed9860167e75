"""Several replicas of the alerter, and routes that each are served by one of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from aoc_common.store.mongo.notification_routes import MongoNotificationRoutes
from made_alerts import alert_event, alert_of
from notified import Telling, alerts, route

if TYPE_CHECKING:
    from aoc_alerter.notifying.notifier import Notifier
    from aoc_common.store.mongo.client import Database


async def test_of_two_replicas_one_serves_a_route_and_the_other_one_when_it_is_killed(store: Database) -> None:
    telling, other = Telling(store, route()), Telling(store, route())
    other.clock = telling.clock
    one, two = telling.notifier(store), other.notifier(store)
    await telling.comes(*alerts(1))
    for notifier in (one, two, one, two):
        await looked(notifier)
    assert (len(telling.box.messages), len(other.box.messages)) == (1, 0)

    await telling.comes(replace(alert_of(alert_event(7)), severity="high"))
    telling.clock.advance(59)
    await looked(two)
    assert not other.box.messages, "it may live"
    telling.clock.advance(16)
    await looked(two)
    await looked(one)

    assert len(telling.box.messages) == len(other.box.messages) == 1
    assert telling.box.messages[0].id != other.box.messages[0].id


async def test_a_replica_that_has_lost_its_route_sends_no_more(store: Database) -> None:
    telling, other = Telling(store, route()), Telling(store, route())
    other.clock = telling.clock
    slow, two = telling.notifier(store), other.notifier(store)
    begun = asyncio.Event()

    async def hangs() -> None:
        begun.set()
        await asyncio.Event().wait()

    telling.box.meanwhile = hangs
    await telling.comes(*alerts(1))
    await slow.look()
    await begun.wait()
    telling.clock.advance(75)
    await looked(two)
    await looked(slow)
    await two.close()
    [state] = await MongoNotificationRoutes(store).all()

    assert len(other.box.messages) == 1
    assert (state.sent, state.repeated) == (1, 1)


async def test_a_route_that_is_taken_out_of_the_file_sends_no_more_than_the_message_on_its_way(store: Database) -> None:
    telling = Telling(store, route())
    notifier = telling.notifier(store)
    await telling.comes(*alerts(2))

    async def taken_out() -> None:
        notifier._routes.choices = []  # as its file says now
        await notifier.look()

    telling.box.meanwhile = taken_out
    await looked(notifier)
    await notifier.look()

    assert len(telling.box.messages) == 1
    assert not notifier._served


async def test_an_outage_of_all_alerters_forgets_no_route_and_one_out_of_the_file_is_forgotten(store: Database) -> None:
    telling = Telling(store, route(paused=True))
    before, after = telling.notifier(store), telling.notifier(store)
    await telling.comes(*alerts(1))
    states = MongoNotificationRoutes(store)
    await looked(before)
    telling.clock.advance(3600)
    await looked(after)
    kept = await states.backlog("people")
    after._routes.choices = []
    await looked(after)
    telling.clock.advance(540)
    await looked(after)
    [still] = await states.all()
    telling.clock.advance(120)
    await looked(after)

    assert (kept[0], still.name) == (1, "people")
    assert not await states.all()
    assert await states.backlog("people") == (0, None)


async def looked(notifier: Notifier) -> None:
    """A look, and the rounds that it begins."""
    await notifier.look()
    for served in notifier._served.values():  # rounds run by themselves
        if served.task is not None:
            await asyncio.gather(served.task, return_exceptions=True)

"""The alerter on a real bus and a real store: from AOC_EVENTS to AOC_ALERTS, over an outage, and killed."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import structlog
from nats.js.api import ConsumerConfig

from alerting import MINE, library_builder, rule_text
from aoc_alerter.app import worker
from aoc_alerter.settings import AlerterOptions, AlerterSettings
from aoc_cli.local.ports import free_port
from aoc_common.bus import consumers, continuity
from aoc_common.bus.consume import reading
from aoc_common.clock import SystemClock
from aoc_common.contracts import subjects
from aoc_common.contracts.access import Scope
from aoc_common.contracts.alert_changes import AlertChange, changed
from aoc_common.contracts.alert_message import AlertMessage
from aoc_common.settings import HealthSettings
from aoc_common.store.alert_search import AlertQuery
from aoc_common.store.alerts import AlertWrite
from aoc_common.store.mongo.alerts import MongoAlerts, MongoAlertSearch
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.rules import MongoRules
from aoc_common.store.rules import StoredRule
from correlating import ALL, RULES, base_texts, correlation_text
from made_alerts import DANA, KEEP
from reader_bench import Rig
from replica import NOW

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

    from aoc_common.contracts.alert import Alert
    from aoc_common.settings import MongoSettings

RULE = rule_text(MINE, "New-InboxRule", "Inbox rule made", aoc={"group_by": ["actor"], "window": "1h"})


def records(*actors: str, minutes: float = 60, number: int = 1) -> list[dict[str, Any]]:
    """So many rules made by each."""
    return [
        {
            "Id": f"{actor}-{minutes}-{one}",
            "CreationTime": f"{NOW - timedelta(minutes=minutes, seconds=one):%Y-%m-%dT%H:%M:%S}",
            "Operation": "New-InboxRule",
            "Workload": "Exchange",
            "RecordType": 1,
            "UserId": f"{actor}@contoso.example",
        }
        for actor in actors
        for one in range(number)
    ]


@pytest.fixture
async def rig(monkeypatch, nats_as, database) -> AsyncIterator[Rig]:
    monkeypatch.setattr(continuity, "LOOK_S", 0.1)
    await ensure_indexes(database)
    made = Rig(nats_as, database)
    await made.start()
    for reader in consumers.READERS:
        await made.declare(reader)
    yield made
    await made.stop()


@pytest.fixture
def alerter(nats_as, mongo_settings: MongoSettings) -> Callable[[], Any]:
    """`async with alerter():` an alerter at work, in this process. It takes other options."""

    @asynccontextmanager
    async def at_work(**options: Any) -> AsyncIterator[None]:
        settings = AlerterSettings(
            nats=nats_as("alerter"),
            mongo=mongo_settings,
            health=HealthSettings(port=free_port()),
            alerter=AlerterOptions(publish_s=0.1, rules_s=0.1, **options),
        )
        async with worker(settings, library_builder(RULE)).running():
            yield

    return at_work


async def alerts_of(rig: Rig) -> Sequence[Alert]:
    return await MongoAlertSearch(rig.database).search(AlertQuery(Scope("contoso"), limit=1_000))


async def counts(rig: Rig) -> dict[str, int]:
    """Actor -> events of the one alert about this actor."""
    found = await alerts_of(rig)
    assert len({one.group for one in found}) == len(found), "two alerts of one incident"
    return {one.group[0].value.partition("@")[0]: one.count for one in found}


async def published(rig: Rig) -> list[str]:
    """`Nats-Msg-Id` of what stands on AOC_ALERTS."""
    found: list[str] = []
    async with reading(rig.owner, subjects.ALERTS_STREAM, ConsumerConfig()) as pull:
        while messages := await pull.batch(1000, 0.3):
            found += [str((one.headers or {})["Nats-Msg-Id"]) for one in messages]
    return found


async def expected(rig: Rig) -> list[str]:
    """Each revision of each alert."""
    return sorted(f"{one.id}:{revision}" for one in await alerts_of(rig) for revision in range(1, one.revision + 1))


async def test_events_become_alerts_and_what_people_do_is_published(rig, alerter, eventually) -> None:
    async with alerter():
        await rig.publish(*records("kim", "sam", number=3), source="o365-exchange")
        await eventually(lambda: _is(counts(rig), {"kim": 3, "sam": 3}))
        alerts = MongoAlerts(rig.database, KEEP)
        (stored, *_) = (await alerts.of([one.id for one in await alerts_of(rig)])).values()
        done = changed(stored.alert, AlertChange("resolved"), DANA, NOW)
        await alerts.write([AlertWrite(done, stored, AlertMessage.of(done))])
        assert await MongoRules(rig.database).write(StoredRule(MINE, enabled=False))
        await eventually(lambda: _all_published(rig))

    assert f"{done.id}:{done.revision}" in await published(rig)


async def test_after_an_outage_longer_than_the_stream_keeps_events_there_is_each_alert_once(
    rig, alerter, eventually
) -> None:
    async with alerter():
        await rig.publish(*records("kim"), source="o365-exchange")
        await eventually(lambda: _is(counts(rig), {"kim": 1}))
    await rig.publish(*records("sam", number=2), *records("kim", minutes=50), source="o365-exchange")
    await rig.drop()
    await rig.publish(*records("lee"), source="o365-exchange")
    async with alerter():
        await eventually(lambda: _is(counts(rig), {"kim": 2, "sam": 2, "lee": 1}), 30)
        await eventually(lambda: _all_published(rig))


async def test_rules_that_change_all_the_time_hold_up_no_event_and_lose_none(rig, alerter, eventually) -> None:
    rules, written = MongoRules(rig.database), list[str]()

    async def changing() -> None:
        for number in itertools.count(1):
            identity = str(UUID(int=number))
            assert await rules.write(StoredRule(identity, text=rule_text(identity, f"Operation {number}")))
            written.append(identity)
            if len(written) > 3:
                await rules.remove(written[-4])
            await asyncio.sleep(0.05)  # the alerter looks ten times a second

    with structlog.testing.capture_logs() as logged:

        def loads() -> int:
            return sum(one["event"] == "rules.loaded" for one in logged)

        async with alerter(), asyncio.TaskGroup() as group:
            task = group.create_task(changing())
            for number in range(10):
                before = loads()
                await rig.publish(*records(f"u{number}", number=2), source="o365-exchange")
                await eventually(lambda before=before: loads() > before)
            await eventually(lambda: _is(counts(rig), {f"u{number}": 2 for number in range(10)}))
            last = loads()
            await eventually(lambda: loads() > last)
            task.cancel()


async def test_what_happens_while_the_clock_is_set_wrong_for_a_moment_is_not_of_the_past(
    rig, alerter, eventually, monkeypatch
) -> None:
    young = f"{datetime.now(UTC) - timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}"
    async with alerter():
        with monkeypatch.context() as wrong:
            wrong.setattr(SystemClock, "now", lambda _: datetime.now(UTC) + timedelta(days=3))
            await rig.publish(*(one | {"CreationTime": young} for one in records("kim")), source="o365-exchange")
            await eventually(lambda: _is(counts(rig), {"kim": 1}), 20)

    (alert,) = await alerts_of(rig)
    assert not alert.retrospective
    assert alert.created_at < datetime.now(UTC)


@pytest.mark.parametrize("hours", [6, -6, 30])
async def test_an_alerter_that_starts_while_its_clock_is_wrong_goes_by_the_databases(
    rig, alerter, eventually, monkeypatch, hours
) -> None:
    """Nothing is of the past that is not, and nothing is said to be missing before its time is over, or later."""
    missing = correlation_text(type="temporal", rules=["a", "b"], condition="a and not b", timespan="1h")
    for number, text in enumerate((*base_texts(), missing)):
        identity = [*RULES.values(), ALL][number]
        assert await MongoRules(rig.database).write(StoredRule(identity, text=text))

    def made(actor: str, minutes: float, operation: str = "Op-a") -> dict[str, Any]:
        at = datetime.now(UTC) - timedelta(minutes=minutes)
        return {**records(actor)[0], "Id": f"{actor}-{minutes}", "Operation": operation} | {
            "CreationTime": f"{at:%Y-%m-%dT%H:%M:%S}"
        }

    async def told() -> set[tuple[str, str, int, bool]]:
        return {
            (one.rule.title, one.group[0].value.partition("@")[0], one.count, one.retrospective)
            for one in await alerts_of(rig)
        }

    waiting = partial(rig.database["window_ends"].count_documents, {})
    with monkeypatch.context() as wrong:
        wrong.setattr(SystemClock, "now", lambda _: datetime.now(UTC) + timedelta(hours=hours))
        async with alerter(lateness_m=0, windows_s=0.1):
            await rig.publish(made("kim", 1, "New-InboxRule"), made("sam", 1), made("max", 150), source="o365-exchange")
            await eventually(
                lambda: _is(told(), {("Inbox rule made", "kim", 1, False), ("Correlated", "max", 1, False)}), 20
            )
            await eventually(lambda: _is(waiting(), 1))  # until nothing has come of sam for an hour
            wrong.undo()
            await rig.publish(made("kim", 0.5, "New-InboxRule"), source="o365-exchange")
            await eventually(
                lambda: _is(told(), {("Inbox rule made", "kim", 2, False), ("Correlated", "max", 1, False)})
            )

    assert await waiting() == 1
    assert all(abs(one.created_at - datetime.now(UTC)) < timedelta(minutes=5) for one in await alerts_of(rig))


@pytest.mark.slow
async def test_ruinous_and_huge_rules_are_bounded_and_hold_up_no_other(rig, alerter, eventually) -> None:
    ruinous, huge, many = (str(UUID(int=number)) for number in (1, 2, 3))
    selections = {
        ruinous: {"ObjectId|re": r"^(([a-z])+.)+[A-Z]([a-z])+$"},
        huge: {"ObjectId": "x" * (1 << 20)},
        many: {"UserId": [f"u{number}@contoso.example" for number in range(10_000)]},
    }
    for identity, selection in selections.items():
        text = rule_text(identity, "", detection={"selection": selection, "condition": "selection"})
        assert await MongoRules(rig.database).write(StoredRule(identity, text=text))
    slow = [one | {"ObjectId": "a" * 30_000 + "!"} for one in records("kim", number=50)]
    found = [one | {"ObjectId": "ab.Ba"} for one in records("sam")]
    with structlog.testing.capture_logs() as logged:
        async with alerter():
            await rig.publish(*slow, *found, *records("u9999"), source="o365-exchange")
            wanted = {(MINE, 50), (MINE, 1), (ruinous, 1), (many, 1)}

            async def alerted() -> set[tuple[str, int]]:
                return {(one.rule.id, one.count) for one in await alerts_of(rig)}

            await eventually(lambda: _is(alerted(), wanted), 20)  # where an engine backtracks: years

    assert [(one["rule"], "at most 524,288" in one["why"]) for one in logged if one["event"] == "rule.faulty"] == [
        (huge, True)
    ]


@pytest.mark.slow
@pytest.mark.timeout(600)  # what a killed one had in work comes again after 30 s
async def test_killed_again_and_again_it_makes_each_alert_once(
    rig, nats_as, mongo_settings, tmp_path, eventually
) -> None:
    assert await MongoRules(rig.database).write(StoredRule(MINE, text=RULE))
    nats = nats_as("alerter")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AOC_")}
    environment = clean | {
        "AOC_NATS__URL": nats.url,
        "AOC_NATS__USER": "alerter",
        "AOC_NATS__PASSWORD": str(nats.password),
        "AOC_MONGO__URI": mongo_settings.uri,
        "AOC_MONGO__DATABASE": mongo_settings.database,
        "AOC_HEALTH__PORT": str(free_port()),
    }
    actors = [f"u{number}" for number in range(40)]
    for start in range(0, 40, 10):
        await rig.publish(*records(*actors[start : start + 10], number=3), source="o365-exchange")
    for kill_after in (3, 20, 35):
        process = start_alerter(environment, tmp_path)
        try:

            async def begun(wanted: int = kill_after) -> bool:
                return await rig.database["alerts"].count_documents({"rule.id": MINE}) >= wanted

            await eventually(begun, 120)
        finally:
            process.kill()
            await asyncio.to_thread(process.wait)
    process = start_alerter(environment, tmp_path)
    try:
        await eventually(lambda: _is(counts_of_mine(rig), dict.fromkeys(actors, 3)), 120)

        async def told() -> bool:
            return await rig.database["alerts"].count_documents({"waiting": True}) == 0

        await eventually(told, 60)
        assert sorted(await published(rig)) == await expected(rig)
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)


def start_alerter(environment: dict[str, str], where: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "aoc_alerter"], env=environment, cwd=where)


async def counts_of_mine(rig: Rig) -> dict[str, int]:
    """Of the test's own rule: the pack has rules that find these events, too."""
    found = [one for one in await alerts_of(rig) if one.rule.id == MINE]
    return {one.group[0].value.partition("@")[0]: one.count for one in found}


async def _is(answer: Awaitable[object], wanted: object) -> bool:
    return await answer == wanted


async def _all_published(rig: Rig) -> bool:
    return sorted(await published(rig)) == await expected(rig)

"""Sinks at work: everything arrives, settings are live, one sink is none of the others' trouble."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from aoc_common.bus.broker import jetstream
from aoc_common.bus.publish import Outgoing
from aoc_common.clock import SystemClock
from aoc_common.contracts import subjects
from aoc_common.contracts.alert_message import ID_HEADER, REVISION_HEADER, RULE_HEADER
from aoc_common.contracts.audit import AuditEntry, Chain, Head
from aoc_common.review.deciding import Backends
from aoc_common.review.letters import republish
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.review_queues import Selection
from aoc_sim.siem.request_faults import RequestFaults
from exporter_bench import elastic, splunk
from reader_bench import sign_ins
from replica import NOW


async def test_every_event_arrives_and_the_account_says_so(bench, eventually) -> None:
    async with elastic() as (receiver, url), bench.exporter() as probes:
        await bench.elastic("siem", url)
        await eventually(lambda: bench.runs("siem"))
        await bench.publish(*sign_ins(30))
        await eventually(lambda: len(receiver.taken.times) == 30)

        async def told() -> bool:
            tally = await bench.tally("siem")
            return tally is not None and tally.delivered == 30

        await eventually(told)
        assert {one.message_id + "-1" for one in await bench.published()} == set(receiver.taken.times)
        assert [await probe() for probe in probes.values()] == [None] * len(probes)
    state = await bench.state("siem")

    assert receiver.taken.doubled == 0
    assert (state.health.waiting, state.health.words, state.origin) == (0, "", "store")
    assert state.health.delivered == "stored"
    assert state.per_s > 0


@pytest.mark.parametrize("hours", [30, -30])
async def test_what_came_late_is_held_by_the_databases_time_however_the_exporters_clock_is_set(
    bench, eventually, monkeypatch, hours
) -> None:
    long_ago = f"{NOW - timedelta(hours=26):%Y-%m-%dT%H:%M:%SZ}"
    async with elastic() as (receiver, url):
        with monkeypatch.context() as wrong:
            wrong.setattr(SystemClock, "now", lambda _: datetime.now(UTC) + timedelta(hours=hours))
            async with bench.exporter():
                await bench.elastic("siem", url, retrospective="hold")
                await eventually(lambda: bench.runs("siem"))
                await bench.publish(*sign_ins(1, createdDateTime=long_ago))
                await bench.publish(*sign_ins(2))
                # By a collector whose clock is ahead.
                await bench.publish(*sign_ins(3), fetched=NOW + timedelta(hours=26))

                async def settled() -> bool:
                    tally = await bench.tally("siem")
                    return tally is not None and tally.delivered + tally.filtered == 6

                await eventually(settled)
        tally = await bench.tally("siem")

    assert (tally.filtered, len(receiver.taken.times)) == (1, 5)
    assert abs(tally.delivered_at - datetime.now(UTC)) < timedelta(minutes=5)


@pytest.mark.slow
async def test_settings_are_live_and_one_broken_sink_is_none_of_the_others_trouble(bench, eventually) -> None:
    async with elastic() as (receiver, url), bench.exporter():
        await bench.put("broken", "elastic", {"url": url, "user": "aoc", "password": f"file:{bench.folder}/none"})
        await bench.put("greedy", "elastic", {"url": url, "password": "file:/etc/passwd"})
        await bench.elastic("siem", url, include={"sources": ["none-such"]})
        await eventually(lambda: bench.runs("siem"))

        async def broken() -> bool:
            states = {state.name: state.health for state in await bench.states.all()}
            return all(one in states and states[one].life == "broken" for one in ("broken", "greedy"))

        await eventually(broken)
        await bench.publish(*sign_ins(3))

        async def filtered() -> bool:
            tally = await bench.tally("siem")
            return tally is not None and tally.filtered == 3

        await eventually(filtered)
        await bench.elastic("siem", url)

        async def changed() -> bool:
            return "include" not in (await bench.state("siem")).settings

        await eventually(changed)
        await bench.publish(*sign_ins(2))
        await eventually(lambda: len(receiver.taken.times) == 2)
        await bench.elastic("broken", url)
        await eventually(lambda: len(receiver.taken.times) == 5)
        for name in ("broken", "greedy", "siem"):
            await bench.sinks.remove(name)

        async def gone() -> bool:
            listed = await bench.js.consumers_info("AOC_EVENTS")
            return not await bench.states.all() and not [one for one in listed if one.name.startswith("exporter")]

        await eventually(gone)


@pytest.mark.slow
async def test_an_event_that_is_refused_is_a_dead_letter_in_the_destinations_words_and_can_be_tried_again(
    bench, eventually
) -> None:
    letters = MongoDeadLetters(bench.database)
    async with splunk(RequestFaults(poison="poisonous")) as (receiver, url), bench.exporter():
        await bench.splunk("siem", url)
        await eventually(lambda: bench.runs("siem"))
        await bench.publish(*sign_ins(20), *sign_ins(1, appDisplayName="poisonous"), *sign_ins(20))
        await eventually(lambda: len(receiver.taken.times) == 40)

        async def listed() -> bool:
            return await letters.count(Selection()) == 1

        await eventually(listed)
        [letter] = await letters.find(Selection())
        receiver.faults.poison = None
        operator = jetstream(await bench.broker("operator"))
        assert await republish(Backends(bench.database, operator), letter, NOW) is None
        await eventually(lambda: len(receiver.taken.times) == 41)

    assert "sink siem: splunk" in letter.reason
    assert "Invalid data format" in letter.reason
    assert (letter.service, letter.tenant, letter.source) == ("exporter", "contoso", "graph-signins")


@pytest.mark.slow
async def test_alerts_and_the_audit_trail_go_as_they_are_revision_by_revision(bench, eventually) -> None:
    event = {
        "class_uid": 3002, "time": 1_790_000_000_000, "status_id": 1, "metadata": {},
        "unmapped": {"action": "session.begin"},
    }  # fmt: skip
    said = AuditEntry.following(Head.none(Chain("contoso", "gateway-1")), event)
    async with elastic() as (receiver, url), bench.exporter():
        await bench.elastic("siem", url, data=["alerts", "audit"], include={"tenants": ["contoso"]})
        await eventually(lambda: bench.runs("siem"))
        for tenant in ("contoso", "fabrikam"):
            await alerts(bench, tenant, 1, 2)
        await bench.say("api", subjects.AUDIT_STREAM, Outgoing(subjects.audit("contoso"), said.text.encode(), {}))
        await eventually(lambda: len(receiver.taken.times) == 3)

    assert set(receiver.taken.times) == {"contoso-a-1", "contoso-a-2", f"{said.id}-1"}


async def alerts(bench, tenant: str, *revisions: int) -> None:
    """Have the alerter publish these revisions of one alert of a tenant."""
    for revision in revisions:
        body = orjson.dumps({"class_uid": 2004, "time": 1_790_000_000_000, "finding_info": {"uid": f"{tenant}-a"}})
        headers = {ID_HEADER: f"{tenant}-a:{revision}", REVISION_HEADER: str(revision), RULE_HEADER: "r1"}
        await bench.say("alerter", subjects.ALERTS_STREAM, Outgoing(subjects.alerts(tenant, "high"), body, headers))


@pytest.mark.slow
async def test_alerts_of_a_tenant_that_joins_and_those_while_the_consumer_was_gone_arrive_each_once(
    bench, eventually
) -> None:
    one = {"data": ["alerts"], "include": {"tenants": ["contoso"]}}
    both = one | {"include": {"tenants": ["contoso", "fabrikam"]}}
    owner = jetstream(await bench.broker("provision"))

    def arrived(*names: str):
        return lambda: set(receiver.taken.times) == set(names)

    async with elastic() as (receiver, url):
        async with bench.exporter():
            await bench.elastic("siem", url, **one)
            await eventually(lambda: bench.runs("siem"))
            await alerts(bench, "fabrikam", 1)
            await alerts(bench, "contoso", 1)
            await eventually(arrived("contoso-a-1"))
            await bench.elastic("siem", url, **both)
            await eventually(arrived("contoso-a-1", "fabrikam-a-1"))
            # Gone, and nobody but the store knows where it was.
            await owner.delete_consumer(subjects.ALERTS_STREAM, "exporter-0")
            await alerts(bench, "fabrikam", 2)
            await eventually(arrived("contoso-a-1", "fabrikam-a-1", "fabrikam-a-2"))
        await alerts(bench, "contoso", 2)
        await owner.delete_consumer(subjects.ALERTS_STREAM, "exporter-0")
        async with bench.exporter():
            await eventually(arrived("contoso-a-1", "contoso-a-2", "fabrikam-a-1", "fabrikam-a-2"))
    tally = await bench.tally("siem")

    assert receiver.taken.doubled == 0
    assert (tally.refused, tally.missing) == (0, 0)

"""Alerts and the audit trail past the end of their streams: what these have dropped comes from their log."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from aoc_common.bus.broker import jetstream
from aoc_common.bus.provision import provision
from aoc_common.bus.publish import Outgoing
from aoc_common.contracts import subjects
from aoc_common.contracts.alert_message import ID_HEADER, REVISION_HEADER, RULE_HEADER
from aoc_common.contracts.audit import AuditEntry, Chain, Head
from aoc_exporter.app import worker
from exporter_bench import elastic, splunk, started
from reader_bench import sign_ins

NOBODY = "http://127.0.0.1:1"
BOTH = {"data": ["alerts", "audit"], "begin": "beginning"}


async def alerts(bench, tenant: str, *revisions: int) -> set[str]:
    """Have the alerter publish these revisions of one alert; their keys at a destination."""
    for revision in revisions:
        body = orjson.dumps({"class_uid": 2004, "time": 1_790_000_000_000, "finding_info": {"uid": f"{tenant}-a"}})
        headers = {ID_HEADER: f"{tenant}-a:{revision}", REVISION_HEADER: str(revision), RULE_HEADER: "r1"}
        await bench.say("alerter", subjects.ALERTS_STREAM, Outgoing(subjects.alerts(tenant, "high"), body, headers))
    return {f"{tenant}-a-{revision}" for revision in revisions}


async def audited(bench, writer: str, count: int) -> set[str]:
    """Have the gateway publish entries of the audit trail; their keys at a destination."""
    head, found = Head.none(Chain("contoso", writer)), set()
    for _ in range(count):
        event = {
            "class_uid": 3002, "time": 1_790_000_000_000, "status_id": 1, "metadata": {},
            "unmapped": {"action": "session.begin"},
        }  # fmt: skip
        entry = AuditEntry.following(head, event)
        message = Outgoing(subjects.audit("contoso"), entry.text.encode(), {ID_HEADER: entry.id})
        await bench.say("api", subjects.AUDIT_STREAM, message)
        head = entry.head
        found.add(f"{entry.id}-1")
    return found


async def remade(bench, *streams: str) -> None:
    """Somebody deletes these, with their consumers, and `provision` makes them anew."""
    owner = await bench.broker("provision")
    for stream in streams:
        await jetstream(owner).delete_stream(stream)
    await provision(owner, bench._as("provision"))


STREAMS = subjects.ALERTS_STREAM, subjects.AUDIT_STREAM


async def placed(bench) -> bool:
    checkpoints = [await bench.checkpoints.read(f"exporter-0/{stream}") for stream in STREAMS]
    return None not in checkpoints


@pytest.mark.slow
async def test_what_the_streams_held_when_they_were_deleted_arrives_with_every_revision(bench, eventually) -> None:
    async with bench.exporter():
        await bench.elastic("siem", NOBODY, **BOTH)
        await eventually(lambda: placed(bench))
        expected = await alerts(bench, "contoso", 1, 2, 3) | await audited(bench, "one", 3)
    await remade(bench, *STREAMS)
    expected |= await alerts(bench, "contoso", 4) | await audited(bench, "two", 1)
    await remade(bench, *STREAMS)
    expected |= await alerts(bench, "contoso", 5) | await alerts(bench, "fabrikam", 1)
    async with elastic() as (receiver, url), bench.exporter():
        await bench.elastic("siem", url, **BOTH)
        await eventually(lambda: expected <= set(receiver.taken.times), 40)
        later = await alerts(bench, "contoso", 6)
        await eventually(lambda: later <= set(receiver.taken.times))

    assert set(receiver.taken.times) == expected | later
    assert receiver.taken.doubled == 0
    tally = await bench.tally("siem")
    assert (tally.refused, tally.missing, tally.unaccounted) == (0, 0, 0)


@pytest.mark.slow
async def test_what_has_grown_too_old_for_the_streams_arrives_when_the_sink_is_back(bench, eventually) -> None:
    owner = jetstream(await bench.broker("provision"))
    async with bench.exporter():
        await bench.elastic("siem", NOBODY, include={"tenants": ["contoso"]}, **BOTH)
        await eventually(lambda: placed(bench))
        expected = await alerts(bench, "contoso", 1, 2) | await audited(bench, "one", 2)
    await alerts(bench, "fabrikam", 1)
    for stream in STREAMS:
        await owner.purge_stream(stream)
    expected |= await alerts(bench, "contoso", 3)
    async with elastic() as (receiver, url), bench.exporter():
        await bench.elastic("siem", url, include={"tenants": ["contoso"]}, **BOTH)
        await eventually(lambda: expected <= set(receiver.taken.times), 40)

    assert set(receiver.taken.times) == expected
    [hole] = (await bench.checkpoints.read("exporter-0/AOC_ALERTS")).past
    assert (hole.reason, hole.filled, hole.missing, hole.unaccounted) == ("dropped", 2, 0, 0)


@pytest.mark.slow
async def test_copies_are_counted_where_a_stream_goes_while_the_sink_sends(bench, eventually, tmp_path) -> None:
    """A destination that cannot tell copies apart, a replica that is killed, and a stream that is deleted."""
    async with splunk() as (receiver, url):
        await bench.splunk("siem", url, **BOTH)
        async with started(bench, tmp_path / "first.log") as process:
            await eventually(lambda: placed(bench))
            expected = await alerts(bench, "contoso", *range(1, 20)) | await audited(bench, "one", 20)
            await eventually(lambda: expected <= set(receiver.taken.times), 40)
            process.kill()
            await process.wait()
        expected |= await alerts(bench, "contoso", *range(20, 40))
        await remade(bench, *STREAMS)
        expected |= await alerts(bench, "contoso", 40)
        async with bench.exporter():
            await eventually(lambda: expected <= set(receiver.taken.times), 40)
            # It goes away under a replica that runs, too.
            expected |= await alerts(bench, "contoso", *range(41, 50))
            await remade(bench, *STREAMS)
            expected |= await alerts(bench, "contoso", 50)
            await eventually(lambda: expected <= set(receiver.taken.times), 60)
    tally = await bench.tally("siem")

    assert set(receiver.taken.times) == expected
    assert receiver.taken.doubled <= tally.repeated


@pytest.mark.slow
async def test_a_sink_begins_at_a_time_also_before_what_the_streams_hold(bench, eventually) -> None:
    await alerts(bench, "contoso", 1)
    await bench.publish(*sign_ins(2))
    begin = datetime.now(UTC)
    expected = await alerts(bench, "contoso", 2, 3)
    await bench.publish(*sign_ins(3))
    await remade(bench, subjects.ALERTS_STREAM)
    expected |= await alerts(bench, "contoso", 4)
    events = {f"{one.message_id}-1" for one in (await bench.published())[2:]}
    async with elastic() as (receiver, url), bench.exporter():
        await bench.elastic("siem", url, data=["alerts", "events"], begin=begin)
        await eventually(lambda: expected | events <= set(receiver.taken.times), 40)
        # What is noted goes by the clock of who published, which may be some minutes ahead.
        await bench.elastic("late", url, data=["alerts"], begin=begin + timedelta(hours=1))
        await eventually(lambda: bench.runs("late"))

    assert events <= set(receiver.taken.times)
    assert "contoso-a-4" in receiver.taken.times


@pytest.mark.slow
async def test_in_a_hole_one_tenants_dead_destination_holds_up_no_other(bench, eventually) -> None:
    async with splunk() as (receiver, url):
        dead = {"fabrikam": {"url": NOBODY}}
        async with bench.exporter():
            await bench.splunk("siem", NOBODY, per_tenant={"contoso": {"url": f"{NOBODY}/"}}, **BOTH)
            await eventually(lambda: placed(bench))
            await alerts(bench, "fabrikam", 1)
            expected = await alerts(bench, "contoso", 1, 2)
        await remade(bench, subjects.ALERTS_STREAM)
        expected |= await alerts(bench, "contoso", 3)
        async with bench.exporter():
            await bench.splunk("siem", url, per_tenant=dead, **BOTH)
            await eventually(lambda: expected <= set(receiver.taken.times), 60)
            assert "fabrikam-a-1" not in receiver.taken.times
            await bench.splunk("siem", url, **BOTH)
            await eventually(lambda: "fabrikam-a-1" in receiver.taken.times, 60)

        async def settled() -> bool:
            state = await bench.checkpoints.read("exporter-0/AOC_ALERTS")
            return not state.sought

        await eventually(settled)
    [hole] = (await bench.checkpoints.read("exporter-0/AOC_ALERTS")).past
    assert (hole.filled, hole.missing, hole.unaccounted) == (3, 0, 0)


@pytest.mark.slow
async def test_a_replica_with_older_settings_leaves_nothing_out_of_a_tenant_that_joins(bench, eventually) -> None:
    one = {"include": {"tenants": ["contoso"]}, "data": ["alerts"], "begin": "beginning"}
    both = one | {"include": {"tenants": ["contoso", "fabrikam"]}}
    slow = bench.settings()
    slow = slow.model_copy(update={"export": slow.export.model_copy(update={"look_s": 4.0})})
    async with elastic() as (receiver, url):
        await bench.elastic("siem", url, **one)
        async with worker(slow).running(), bench.exporter():
            expected = await alerts(bench, "contoso", 1)
            await eventually(lambda: expected <= set(receiver.taken.times), 20)
            expected |= await alerts(bench, "fabrikam", 1)
            await bench.elastic("siem", url, **both)
            for revision in range(2, 40):
                expected |= await alerts(bench, "fabrikam", revision)
                await asyncio.sleep(0.1)
            await eventually(lambda: expected <= set(receiver.taken.times), 60)

    assert set(receiver.taken.times) == expected

"""Replicas of a reader share its checkpoint: killed, paused, several at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

import reader_process
from aoc_common.bus import continuity
from reader_bench import READER, Handled, Rig, sign_ins

SUPPORT = Path(reader_process.__file__).parent


@pytest.mark.slow
@pytest.mark.parametrize("at_batch", [1, 3])
async def test_a_replica_that_is_killed_while_it_fills_a_hole_loses_nothing(
    rig: Rig, eventually, nats_as, mongo_settings, tmp_path, monkeypatch, at_batch
) -> None:
    monkeypatch.setattr(continuity, "_LEASE", reader_process.LEASE)
    await rig.declare()
    for _ in range(6):
        await rig.publish(*sign_ins(100))
    await rig.drop()
    await rig.publish(*sign_ins(40))
    file = tmp_path / "handled"
    arguments = [nats_as("alerter").model_dump_json(), mongo_settings.model_dump_json(), str(file), str(at_batch)]
    killed = await asyncio.create_subprocess_exec(
        sys.executable, SUPPORT / "reader_process.py", *arguments, env=os.environ | {"PYTHONPATH": str(SUPPORT)}
    )
    async with asyncio.timeout(60):
        assert await killed.wait() == -signal.SIGKILL
    before = file.read_text().split()
    assert len(before) == at_batch * READER.batch
    handled = Handled()
    async with rig.read(handled):
        await eventually(lambda: len({*before, *handled.ids}) == 640)

    assert set(before) & handled.ids == set(before[-READER.batch :])
    assert handled.twice == set()


@pytest.mark.slow
async def test_replicas_share_the_events_and_fill_a_hole_once(rig: Rig, eventually) -> None:
    await rig.declare()
    for _ in range(4):
        await rig.publish(*sign_ins(100))
    await rig.drop()
    for _ in range(6):
        await rig.publish(*sign_ins(100))
    replicas = [Handled() for _ in range(3)]
    for one in replicas:
        one.before = lambda _: asyncio.sleep(0.02)
    async with AsyncExitStack() as stack:
        for one in replicas:
            await stack.enter_async_context(rig.read(one))
        await eventually(lambda: sum(len(one.events) for one in replicas) >= 1000)

    every = [event.message_id for one in replicas for event in one.events]
    assert len(every) == len(set(every)) == 1000
    assert sum(1 for one in replicas if one.events) > 1
    assert [hole.filled for hole in (await rig.checkpoint()).past] == [400]


async def test_a_replica_that_leaves_in_the_middle_of_a_hole_lets_another_go_on_at_once(rig: Rig, eventually) -> None:
    await rig.declare()
    await rig.publish(*sign_ins(500))
    await rig.drop()
    first, second = Handled(), Handled()
    first.before = lambda _: asyncio.sleep(0.05)
    async with rig.read(first):
        await eventually(lambda: len(first.events) >= 200)
    async with rig.read(second):
        await eventually(lambda: len(first.events) + len(second.events) >= 500)

    assert first.ids & second.ids == set()
    assert len(first.ids | second.ids) == 500


@pytest.mark.slow
async def test_a_replica_that_was_paused_while_another_took_its_hole_over_changes_nothing(
    rig: Rig, eventually, monkeypatch
) -> None:
    monkeypatch.setattr(continuity, "_LEASE", reader_process.LEASE)
    await rig.declare()
    await rig.publish(*sign_ins(300))
    await rig.drop()
    paused, other, wakes = Handled(), Handled(), asyncio.Event()
    paused.before = lambda _: wakes.wait()
    async with rig.read(paused):
        await eventually(lambda: rig.database["readers"].count_documents({"hole": {"$ne": None}}))
        async with rig.read(other):
            await eventually(lambda: len(other.events) == 300)
            wakes.set()
            await eventually(lambda: len(paused.events) > 0)
            await asyncio.sleep(0.3)

    assert len(paused.events) <= READER.batch
    assert other.twice == set()
    assert [hole.filled for hole in (await rig.checkpoint()).past] == [300]

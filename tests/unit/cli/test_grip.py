"""Children that are paused, or stay dead for a while, while somebody supervises them."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aoc_cli.local.process import Child
from aoc_cli.local.supervisor import Supervisor
from aoc_cli.verify.grip import Grip

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def grip(tmp_path: Path) -> Iterator[Grip]:
    names = ("normalizer", "normalizer-2", "collector")
    argv = [sys.executable, "-c", "import time; time.sleep(60)"]
    children = {name: Child(name, argv, tmp_path / f"{name}.log") for name in names}
    with Supervisor(lambda _: None, patience=100) as supervisor:
        list(supervisor.start(list(children.values())))
        yield Grip(children, supervisor)


def stopped(child: Child) -> bool:
    return Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


async def test_a_group_is_frozen_and_goes_on(grip: Grip, eventually) -> None:
    async with grip.frozen("normalizer*"):
        await eventually(lambda: all(stopped(grip.children[name]) for name in ("normalizer", "normalizer-2")))

        assert not stopped(grip.children["collector"])
    assert not any(stopped(child) for child in grip.children.values())


async def test_what_is_dead_stays_so_while_its_group_is_frozen(grip: Grip) -> None:
    grip.children["normalizer"].kill()
    async with grip.frozen("normalizer*"):
        grip.supervisor.check()

        assert not grip.children["normalizer"].alive()
    grip.supervisor.check()
    assert grip.children["normalizer"].alive()


async def test_a_pause_that_ends_does_not_wake_what_another_one_holds(grip: Grip, eventually) -> None:
    child = grip.children["normalizer"]
    pause = asyncio.create_task(grip.pause(child, 0.2))
    await asyncio.sleep(0)
    async with grip.frozen("normalizer*"):
        await pause

        assert stopped(child)
    await eventually(lambda: not stopped(child))


async def test_an_outage_lasts_although_somebody_supervises(grip: Grip, eventually) -> None:
    outage = asyncio.create_task(grip.down("normalizer*", 0.3))
    await eventually(lambda: not any(grip.children[name].alive() for name in ("normalizer", "normalizer-2")))
    grip.supervisor.check()
    during = [grip.children[name].alive() for name in grip.children]
    await outage
    grip.supervisor.check()

    assert during == [False, False, True]
    assert all(child.alive() for child in grip.children.values())


async def test_a_child_that_is_killed_while_paused_starts_again_unpaused(grip: Grip, eventually) -> None:
    child = grip.children["collector"]
    pause = asyncio.create_task(grip.pause(child, 0.2))
    await eventually(lambda: stopped(child))
    child.kill()
    grip.supervisor.check()
    await pause

    assert child.alive()
    assert not stopped(child)

"""Children that are paused, or stay dead for a while, while somebody supervises them."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aoc_cli.local.process import Child
from aoc_cli.local.supervisor import Supervisor
from aoc_cli.verify.process_control import ProcessControl

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[ProcessControl]:
    names = ("normalizer", "normalizer-2", "collector")
    argv = [sys.executable, "-c", "import time; time.sleep(60)"]
    children = {name: Child(name, argv, tmp_path / f"{name}.log") for name in names}
    with Supervisor(lambda _: None, patience=100) as supervisor:
        list(supervisor.start(list(children.values())))
        yield ProcessControl(children, supervisor)


def stopped(child: Child) -> bool:
    return Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


async def test_a_group_is_frozen_and_goes_on(processes: ProcessControl, eventually) -> None:
    async with processes.frozen("normalizer*"):
        await eventually(lambda: all(stopped(processes.children[name]) for name in ("normalizer", "normalizer-2")))

        assert not stopped(processes.children["collector"])
    assert not any(stopped(child) for child in processes.children.values())


async def test_what_is_dead_stays_so_while_its_group_is_frozen(processes: ProcessControl) -> None:
    processes.children["normalizer"].kill()
    async with processes.frozen("normalizer*"):
        processes.supervisor.check()

        assert not processes.children["normalizer"].alive()
    processes.supervisor.check()
    assert processes.children["normalizer"].alive()


async def test_a_pause_that_ends_does_not_wake_what_another_one_holds(processes: ProcessControl, eventually) -> None:
    child = processes.children["normalizer"]
    pause = asyncio.create_task(processes.pause(child, 0.2))
    await asyncio.sleep(0)
    async with processes.frozen("normalizer*"):
        await pause

        assert stopped(child)
    await eventually(lambda: not stopped(child))


async def test_an_outage_lasts_although_somebody_supervises(processes: ProcessControl, eventually) -> None:
    outage = asyncio.create_task(processes.down("normalizer*", 0.3))
    await eventually(lambda: not any(processes.children[name].alive() for name in ("normalizer", "normalizer-2")))
    processes.supervisor.check()
    during = [processes.children[name].alive() for name in processes.children]
    await outage
    processes.supervisor.check()

    assert during == [False, False, True]
    assert all(child.alive() for child in processes.children.values())


async def test_a_child_that_is_killed_while_paused_starts_again_unpaused(processes: ProcessControl, eventually) -> None:
    child = processes.children["collector"]
    pause = asyncio.create_task(processes.pause(child, 0.2))
    await eventually(lambda: stopped(child))
    child.kill()
    processes.supervisor.check()
    await pause

    assert child.alive()
    assert not stopped(child)

"""Pauses and kills child processes of a run, and keeps them paused or stopped for a while."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from aoc_cli.local.process import Child
    from aoc_cli.local.supervisor import Supervisor


@dataclass(slots=True)
class ProcessControl:
    """Pauses and kills children. Pauses of one process may overlap: it continues when the last one ends."""

    children: Mapping[str, Child]
    supervisor: Supervisor
    _pauses: Counter[int] = field(default_factory=Counter)

    def named(self, group: str) -> list[Child]:
        """A child by its name; with a final `*` all children with that prefix (replicas)."""
        if not group.endswith("*"):
            return [self.children[group]]
        return [child for name, child in self.children.items() if name.startswith(group[:-1])]

    async def pause(self, child: Child, seconds: float) -> None:
        """Pause a process. If it is killed meanwhile, its successor is not touched."""
        pid = self._stop(child)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._go_on(child, pid)

    async def down(self, group: str, seconds: float) -> None:
        """Kill -9, and prevent the restart for a while."""
        victims = self.named(group)
        self.supervisor.held.update(child.name for child in victims)
        try:
            for child in victims:
                child.kill()
            await asyncio.sleep(seconds)
        finally:
            self.supervisor.held.difference_update(child.name for child in victims)

    @asynccontextmanager
    async def frozen(self, group: str) -> AsyncIterator[None]:
        """Within the context no child of this group runs: live ones are paused, dead ones are not restarted."""
        victims = self.named(group)
        self.supervisor.held.update(child.name for child in victims)
        stopped = [(child, self._stop(child)) for child in victims if child.alive()]
        try:
            yield
        finally:
            for child, pid in stopped:
                self._go_on(child, pid)
            self.supervisor.held.difference_update(child.name for child in victims)

    def _stop(self, child: Child) -> int:
        pid = child.pid
        self._pauses[pid] += 1
        if child.alive():
            os.kill(pid, signal.SIGSTOP)
        return pid

    def _go_on(self, child: Child, pid: int) -> None:
        self._pauses[pid] -= 1
        if not self._pauses[pid]:
            del self._pauses[pid]
            if child.alive() and child.pid == pid:
                os.kill(pid, signal.SIGCONT)

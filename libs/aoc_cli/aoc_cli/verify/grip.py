"""Holds on to child processes while a run strikes them: paused ones, and ones that stay dead for a while."""

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
class Grip:
    """Pauses and kills children. Pauses of one process may overlap: it goes on when the last one is over."""

    children: Mapping[str, Child]
    supervisor: Supervisor
    _pauses: Counter[int] = field(default_factory=Counter)

    def named(self, group: str) -> list[Child]:
        """A child by its name, or with `*` at the end all whose name starts so: replicas."""
        if not group.endswith("*"):
            return [self.children[group]]
        return [child for name, child in self.children.items() if name.startswith(group[:-1])]

    async def pause(self, child: Child, seconds: float) -> None:
        """Stop a process for a while. One that is killed meanwhile is another process by the end."""
        pid = self._stop(child)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._go_on(child, pid)

    async def down(self, group: str, seconds: float) -> None:
        """Kill -9, and keep down for a while."""
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
        """Nothing of this group does anything inside: what runs is stopped, what is dead stays so."""
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

"""Steps the clocks of services and of the simulator, for a while."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from aoc_cli.verify import clock_override

if TYPE_CHECKING:
    from pathlib import Path

SIMULATOR = "simulator"


def launcher(directory: Path, service: str) -> tuple[str, str]:
    """Module and argument that run a service with a clock that is stepped by a file in this directory."""
    return (clock_override.__name__, str(directory / service))


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks of a run: a file for each service (see `clock_override`), the control plane for the simulator."""

    directory: Path
    simulator: httpx.AsyncClient

    async def step(self, owner: str, ahead_s: float, seconds: float) -> None:
        """Set a clock ahead (or back) for that many seconds, then correct it."""
        await self._set(owner, ahead_s)
        try:
            await asyncio.sleep(seconds)
        finally:
            await self._set(owner, 0)

    async def _set(self, owner: str, ahead_s: float) -> None:
        if owner == SIMULATOR:
            (await self.simulator.put("/_clock", json={"ahead_s": ahead_s})).raise_for_status()
        else:
            clock_override.write(self.directory / owner, ahead_s)

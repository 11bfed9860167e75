from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from aoc_sim.faults import FaultDice
from aoc_sim.settings import SimSettings
from aoc_sim.timeline import World
from manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 1, 14, 15, 0, tzinfo=UTC)


@pytest.fixture
def make_world() -> Callable[..., World]:
    def make(now: datetime = NOW, **options: Any) -> World:
        settings = SimSettings(**({"live_rate": 0} | options))
        return World(settings, ManualClock(now), FaultDice(settings.starting_faults(), settings.seed))

    return make

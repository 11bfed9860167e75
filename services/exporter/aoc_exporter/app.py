"""What the exporter is made of."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aoc_common.service.shared_time import LOOK_S, SharedTime
from aoc_common.service.worker import Worker
from aoc_common.settings import load
from aoc_exporter import metrics
from aoc_exporter.parts import groups, sinks
from aoc_exporter.settings import ExporterSettings

if TYPE_CHECKING:
    from aoc_common.service.run import Service
    from aoc_common.service.worker import Parts


def make() -> Service:
    """The exporter that the environment describes. Raises `BadConfiguration`."""
    return worker(load(ExporterSettings)).service()


def worker(settings: ExporterSettings) -> Worker[ExporterSettings]:
    """An exporter with these settings. It goes by the database's time: what came late, and whose lease is over."""
    shared = SharedTime(compared=metrics.CLOCK_AHEAD_SECONDS.set)
    return Worker("exporter", settings, partial(build, shared), clock=shared.clock)


async def build(shared: SharedTime, settings: ExporterSettings, parts: Parts) -> None:
    """Add the parts of an exporter. Raises `BadConfiguration` for a sinks file that cannot be read."""
    metrics.CATALOGUE.export()
    look = partial(shared.look, parts.resources.database)
    await look()
    parts.every(LOOK_S, "asking the database for the time", look)
    await sinks.add(settings, await groups.follow(settings, parts), parts)

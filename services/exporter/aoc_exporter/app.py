"""What the exporter is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    """An exporter with these settings."""
    return Worker("exporter", settings, build)


async def build(settings: ExporterSettings, parts: Parts) -> None:
    """Add the parts of an exporter. Raises `BadConfiguration` for a sinks file that cannot be read."""
    metrics.CATALOGUE.export()
    await sinks.add(settings, await groups.follow(settings, parts), parts)

"""What the normalizer is made of."""

from __future__ import annotations

import gc
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from aoc_common.service.worker import Worker
from aoc_common.settings import load
from aoc_common.store.mongo.events import MongoEvents
from aoc_normalizer.enrich.lookup import nowhere
from aoc_normalizer.parts import pages, tenants, upkeep
from aoc_normalizer.settings import NormalizerSettings

if TYPE_CHECKING:
    from aoc_common.service.run import Service
    from aoc_common.service.worker import Parts
    from aoc_normalizer.enrich.lookup import Locate

#: How often all garbage is collected, seconds.
_GARBAGE_S: Final = 30.0


def collect_garbage_seldom() -> None:
    """Look for cycles a tenth as often: records make many objects and next to no cycles. Saves a tenth of the CPU."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def collect_garbage() -> None:
    """Collect all garbage, which takes some 30 ms.

    While a server is away, errors hold the batches that failed in cycles: few objects with many bytes, for which it
    would not be time by their number.
    """
    gc.collect()


def make() -> Service:
    """The normalizer that the environment describes. Raises `BadConfiguration`."""
    settings = load(NormalizerSettings)
    locate = pages.locating(settings.location_database)
    collect_garbage_seldom()
    return process(worker(settings, locate)).service()


def process(normalizer: Worker[NormalizerSettings]) -> Worker[NormalizerSettings]:
    """A normalizer with what only a process of its own does."""

    async def build_process(settings: NormalizerSettings, parts: Parts) -> None:
        await normalizer.build(settings, parts)
        parts.every(_GARBAGE_S, "collecting garbage", collect_garbage)

    return replace(normalizer, build=build_process)


def worker(settings: NormalizerSettings, locate: Locate = nowhere) -> Worker[NormalizerSettings]:
    """A normalizer that locates addresses so."""
    return Worker("normalizer", settings, partial(build, locate), pages.account)


async def build(locate: Locate, settings: NormalizerSettings, parts: Parts) -> None:
    """Add the parts of a normalizer."""
    stored = await tenants.follow(parts)
    events = MongoEvents(
        parts.resources.database, tenants.retention(stored, settings.retention.keep), parts.resources.clock
    )
    look_up = pages.look_up_of(settings, locate, parts.resources)
    pages.add(settings, look_up, events, stored, parts)
    upkeep.add(settings, look_up, events, parts)
    tenants.add(settings, stored, parts)

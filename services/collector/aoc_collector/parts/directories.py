"""The directories of all tenants are synchronised."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

from aoc_collector.bulkhead import Bulkhead
from aoc_collector.directory.schedule import DirectoryScheduler
from aoc_collector.directory.sync import DirectorySync, Stores, Target
from aoc_collector.flow import redelivery
from aoc_common.bus import consumers
from aoc_common.bus.jobs import job_handler, publish_job
from aoc_common.contracts.directory import KINDS
from aoc_common.contracts.jobs import DirectoryJob
from aoc_common.store.mongo.directory import MongoDirectory, MongoDirectoryStates

if TYPE_CHECKING:
    from aoc_collector.parts.shared import Shared
    from aoc_common.tenants.registry import TenantChange


def add(shared: Shared) -> None:
    """Add the schedule of directories, and the workers that read them."""
    settings, parts, resources = shared.settings.directory, shared.parts, shared.parts.resources
    directory, states = MongoDirectory(resources.database), MongoDirectoryStates(resources.database)
    # Roles come last: their holders are users and groups.
    kinds = [kind for kind in KINDS if kind in settings.kinds]
    targets: dict[str, Target] = {}

    def follow(change: TenantChange) -> None:
        if change.before is not None:
            targets.pop(change.before.name, None)
        if (tenant := change.after) is not None:
            targets[tenant.name] = Target(tenant.name, shared.apis.api(tenant, "graph_directory"), kinds)

    shared.fleet.follow(follow)
    publish, interval = partial(publish_job, resources.js), timedelta(seconds=settings.interval_s)
    scheduler = DirectoryScheduler(targets.keys(), kinds, interval, states, publish, resources.clock)
    parts.every(shared.settings.poll_interval_s, "scheduling directories", scheduler.tick)
    sync = DirectorySync(targets.get, Stores(directory, states, directory), resources.clock, resources.stopping)
    bulkhead = Bulkhead[DirectoryJob](settings.workers, attrgetter("tenant"), resources.clock)
    handler = job_handler(DirectoryJob, partial(bulkhead.run, sync.run))
    parts.consume(consumers.DIRECTORY, handler, settings.workers, redelivery(shared.settings.max_backoff_s))

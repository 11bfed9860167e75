"""Exports in the background: their stores, who makes them, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aoc_api.export.stores import ExportStores
from aoc_api.export_jobs.background import BackgroundExports
from aoc_api.export_jobs.making import Making
from aoc_common.service.tasks import Task
from aoc_common.store.mongo.export_jobs import MongoExportJobs, MongoExportWork
from aoc_common.store.mongo.export_parts import MongoExportParts

if TYPE_CHECKING:
    from aoc_api.access.policy import AccessPolicy
    from aoc_api.admission import Admission
    from aoc_api.audit.trail import AuditTrail
    from aoc_api.export_jobs.making import OwnerNow
    from aoc_api.settings import ExportJobOptions
    from aoc_common.clock import Clock
    from aoc_common.store.mongo.client import Database
    from aoc_common.store.searches import EventSearch

#: Seconds between two looks for files that have expired.
_SWEEP_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class MakeExports:
    """Makes it, of what this gateway has."""

    search: EventSearch
    admission: Admission
    policy: AccessPolicy
    owner_now: OwnerNow
    trail: AuditTrail

    def __call__(
        self, database: Database, options: ExportJobOptions, clock: Clock
    ) -> tuple[ExportStores, BackgroundExports, list[Task]]:
        """The stores, for routes; and the work."""
        stores = ExportStores(MongoExportJobs(database), MongoExportWork(database), MongoExportParts(database))
        making = Making(stores, self.search, self.admission, self.policy, self.owner_now, options, clock)
        background = BackgroundExports(stores, making, self.trail, options, clock)
        work = [
            Task("exports", background.pause_s, background.look),
            Task("expired exports", _SWEEP_S, background.sweep),
        ]
        return stores, background, work

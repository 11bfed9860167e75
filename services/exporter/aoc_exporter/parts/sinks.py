"""All sinks, kept in step with what there is to be, and what is asked about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_common.bus import consumers
from aoc_common.bus.jobs import job_handler
from aoc_common.contracts.jobs import ExportJob, SinkJob
from aoc_common.service.worker import job_account
from aoc_common.store.mongo.message_log import MongoMessageLog
from aoc_common.store.mongo.publications import MongoPublications
from aoc_common.store.mongo.published import PublishedEvents
from aoc_common.store.mongo.readers import MongoReaders
from aoc_common.store.mongo.sink_accounts import MongoSinkAccounts
from aoc_common.store.mongo.sink_answers import MongoSinkAnswers
from aoc_common.store.mongo.sink_marks import MongoSinkMarks
from aoc_common.store.mongo.sink_states import MongoSinkStates
from aoc_common.store.mongo.sink_stretches import MongoSinkStretches
from aoc_common.store.mongo.sinks import MongoSinks
from aoc_exporter.answers import Answers
from aoc_exporter.catalogue import Catalogue
from aoc_exporter.dead_letters import SinkDeadLetters
from aoc_exporter.fleet import Fleet
from aoc_exporter.flow import MESSAGE_STREAMS, Backends

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aoc_common.service.worker import Parts
    from aoc_exporter.selection import Groups
    from aoc_exporter.settings import ExporterSettings

_JOB_WORKERS: Final = 4


async def add(settings: ExporterSettings, groups: Callable[[], Awaitable[Groups]], parts: Parts) -> None:
    """Add the sinks. Raises `BadConfiguration` for a sinks file that cannot be read."""
    resources = parts.resources
    database, clock = resources.database, resources.clock
    store = MongoSinks(database)
    catalogue = Catalogue(settings.sinks_file, store)
    await catalogue.start()
    backends = Backends(
        resources,
        parts.failures,
        MongoReaders(database),
        MongoPublications(database),
        {lane: MongoMessageLog(database, stream) for lane, stream in MESSAGE_STREAMS.items()},
        MongoSinkStates(database),
        MongoSinkAccounts(database),
        MongoSinkStretches(database),
        MongoSinkMarks(database),
        SinkDeadLetters(job_account(database), lambda: resources.js, clock),
        settings.export,
    )
    fleet = Fleet(catalogue, store, backends, groups)
    await parts.enter(fleet.running())
    parts.every(settings.export.look_s, "following sinks", fleet.follow)
    answers = Answers(fleet, catalogue, backends, MongoSinkAnswers(database, clock), PublishedEvents(database))
    parts.consume(consumers.SINK_JOBS, job_handler(SinkJob, answers.answer), _JOB_WORKERS)
    parts.consume(consumers.EXPORT_JOBS, job_handler(ExportJob, answers.export), _JOB_WORKERS)

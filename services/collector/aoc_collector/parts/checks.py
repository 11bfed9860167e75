"""The settings of tenants are checked before they are saved: this service alone has secrets and a way to Microsoft."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_collector.microsoft.auth import Tokens
from aoc_collector.sources import SOURCES
from aoc_collector.tenant_check import TenantCheck
from aoc_common import http
from aoc_common.bus import consumers
from aoc_common.bus.jobs import job_handler
from aoc_common.contracts.jobs import CheckJob
from aoc_common.errors import BadConfiguration
from aoc_common.store.mongo.tenant_checks import MongoTenantChecks
from aoc_common.tenants.checks import CheckFinding
from aoc_common.tenants.file import check_collecting, validated

if TYPE_CHECKING:
    from aoc_collector.parts.shared import Shared

_HTTP_S: Final = 8.0
_WORKERS: Final = 2


def add(shared: Shared) -> None:
    """Add the worker that checks."""
    resources = shared.parts.resources
    answers, clock = MongoTenantChecks(resources.database, resources.clock), resources.clock

    async def run(job: CheckJob) -> None:
        try:
            tenant = validated(f"tenant {job.tenant}", job.settings)
            check_collecting(f"tenant {job.tenant}", tenant, SOURCES)
        except BadConfiguration as error:
            await answers.answer(job.ticket, [CheckFinding("settings", "fail", str(error))])
            return
        # With tokens of its own: what is collected meanwhile goes on with those that it has.
        async with http.make_client(timeout_s=_HTTP_S) as client:
            found = await TenantCheck(tenant, client, Tokens(client, clock, attempts=1)).run()
        await answers.answer(
            job.ticket, [CheckFinding(one.check, one.grade.value, one.found, one.fix) for one in found]
        )

    shared.parts.consume(consumers.CHECKS, job_handler(CheckJob, run), _WORKERS)

"""The check of a tenant's settings, as a request waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aoc_api import problems
from aoc_common.bus.broker import connected, jetstream
from aoc_common.bus.jobs import publish_job
from aoc_common.errors import Transient, Unreachable
from aoc_common.gateway.events import FieldError
from aoc_common.tenants.checks import CheckFailed, TenantChecks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from faststream.nats import NatsBroker

    from aoc_common.clock import Clock
    from aoc_common.contracts.jobs import CheckJob
    from aoc_common.tenants.checks import CheckAnswers

type CheckTenant = Callable[[Mapping[str, Any]], Awaitable[str]]
"""What a collector finds of a tenant's settings. Raises a problem when it refuses them, or nobody answers."""


def tenant_checker(broker: NatsBroker, answers: CheckAnswers, clock: Clock) -> CheckTenant:
    """Checks over this broker, which need not be connected yet."""

    async def publish(job: CheckJob) -> bool:
        if not connected(broker):
            raise Unreachable("the bus is not connected")
        return await publish_job(jetstream(broker), job)

    checks = TenantChecks(publish, answers, clock)

    async def check(settings: Mapping[str, Any]) -> str:
        try:
            return await checks.check(settings)
        except CheckFailed as error:
            errors = [
                FieldError(
                    location="microsoft",
                    name=finding.check,
                    detail=". ".join(filter(None, (finding.found, finding.fix))),
                )
                for finding in error.findings
            ]
            raise problems.Problem(
                "check-failed", "The tenant cannot be collected with these settings.", errors
            ) from None
        except Transient as error:
            advice = f"Not checked: {error}. check=false saves the settings all the same."
            raise problems.not_now(advice) from error

    return check

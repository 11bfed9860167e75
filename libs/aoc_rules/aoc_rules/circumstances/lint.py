"""What of a rule's circumstances can never be so in a tenant, each with its reason. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from aoc_rules.circumstances.conditions import ANY
from aoc_rules.sigma.lint import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_common.tenants.tenant import Tenant
    from aoc_rules.circumstances.conditions import Circumstances, Side
    from aoc_rules.circumstances.schedule import Schedule

_CODE: Final = "not-here"
#: A Monday.
_WEEK: Final = datetime(2026, 1, 5)  # noqa: DTZ001  # by any clock
_DAY: Final = timedelta(days=1)


def lint_circumstances(asked: Circumstances, tenant: Tenant | None, now: datetime) -> tuple[Finding, ...]:
    """Findings about a rule in a tenant, None for one in no registry: why it finds nothing there, whatever happens."""
    return tuple(_findings(asked, tenant, now) if tenant is not None else _of_unknown(asked))


def _of_unknown(asked: Circumstances) -> Iterator[Finding]:
    settings = {
        "working_hours": asked.working_hours,
        "trusted_networks": asked.trusted_networks,
        "schedule": asked.schedule,
        "groups": asked.groups.only and not asked.tenants.only,
    }
    for name, wanted in settings.items():
        if wanted:
            message = "the tenant is in no registry, so its settings are not known"
            yield Finding(_CODE, f"aoc.{name}", message, "add the tenant (aoc tenants)")


def _findings(asked: Circumstances, tenant: Tenant, now: datetime) -> Iterator[Finding]:
    if not asked.of_tenant(tenant.name, frozenset(tenant.groups)):
        place = "aoc.tenants" if asked.tenants != ANY else "aoc.groups"
        yield Finding(_CODE, place, f"the rule is not for {tenant.name}, nor for a group that it is in")
        return
    if asked.trusted_networks is not None and not tenant.trusted_networks:
        message = "the tenant names no trusted networks: no address is inside or outside of them"
        yield Finding(_CODE, "aoc.trusted_networks", message, "name the tenant's own networks (trusted_networks)")
    if asked.schedule is not None and asked.schedule.is_over(now, tenant.time_zone):
        yield Finding(_CODE, "aoc.schedule.until", f"the schedule is over since {asked.schedule.until}", "remove it")
        return
    if asked.working_hours is not None and not _ever(asked.working_hours, asked.schedule, tenant, now):
        yield Finding(_CODE, "aoc.working_hours", _why(asked.working_hours, asked.schedule))


def _why(side: Side, schedule: Schedule | None) -> str:
    if schedule is not None:
        other = "within" if side == "outside" else "outside of"
        return f"whenever the schedule lets the rule work is {other} the tenant's working hours"
    return "the tenant is at work all the time: nothing is outside of its working hours"


def _ever(side: Side, schedule: Schedule | None, tenant: Tenant, now: datetime) -> bool:
    """Whether there is a time of the week on that side of the working hours at which the rule is at work.

    Both change only at the times that they name, so it is enough to look at these. A holiday to come is outside.
    """
    today = now.astimezone(tenant.time_zone).date()
    if side == "outside" and any(day >= today for day in tenant.holidays):
        return True
    hours = [tenant.working_hours, *([schedule.hours] if schedule is not None else [])]
    times = {time(), *(at for one in hours for at in (one.start, one.end))}
    moments = [datetime.combine((_WEEK + number * _DAY).date(), at, UTC) for number in range(7) for at in times]
    return any(
        tenant.working_hours.include(moment) is (side == "inside") and all(one.include(moment) for one in hours[1:])
        for moment in moments
    )

"""What a tenant's licences let us read, found out by asking for one record of each kind.

A licence is not in a token: without it, Graph answers 403 although the permission is granted.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aoc_collector.findings import Finding, Grade
from aoc_collector.microsoft.errors import classify
from aoc_collector.sources import pim_alerts
from aoc_common.contracts.troubles import Trouble
from aoc_common.errors import AocError
from aoc_common.tenants.remedies import next_action

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

type Ask = Callable[[str], Awaitable[Any]]
"""Gets the JSON of a path at Graph. Raises `AocError` or `TimeoutError`."""


class _Reading(NamedTuple):
    """What is read under one licence: how it is called, by which sources, and a request that the licence decides."""

    name: str
    path: str
    sources: tuple[str, ...]


#: Requests to one of these groups follow each other: Identity Protection takes one a second.
_GROUPS: Final = (
    (
        _Reading(
            "sign-ins",
            "/v1.0/auditLogs/signIns?$top=1",
            (
                "graph-signins",
                "graph-signins-noninteractive",
                "graph-signins-serviceprincipal",
                "graph-signins-managedidentity",
            ),
        ),
    ),
    (
        _Reading("risk detections", "/v1.0/identityProtection/riskDetections?$top=1", ("graph-risk-detections",)),
        _Reading("risky users", "/v1.0/identityProtection/riskyUsers?$top=1", ("graph-risky-users",)),
        _Reading(
            "risk detections of service principals",
            "/v1.0/identityProtection/servicePrincipalRiskDetections?$top=1",
            ("graph-risk-detections-serviceprincipal",),
        ),
        _Reading(
            "risky service principals",
            "/v1.0/identityProtection/riskyServicePrincipals?$top=1",
            ("graph-risky-serviceprincipals",),
        ),
    ),
    (_Reading("PIM alerts", pim_alerts.PATH, ("graph-pim-alerts",)),),
)


async def licence_findings(where: str, sources: Collection[str], ask: Ask) -> list[Finding]:
    """What can be read of what the `sources` of a tenant need a licence for."""
    groups = await asyncio.gather(*(_group(where, group, sources, ask) for group in _GROUPS))
    return [finding for group in groups for finding in group]


async def _group(where: str, group: tuple[_Reading, ...], sources: Collection[str], ask: Ask) -> list[Finding]:
    asked = [reading for reading in group if set(reading.sources) & set(sources)]
    found = [await _finding(where, reading, ask) for reading in asked]
    return [finding for finding in found if finding is not None]


async def _finding(where: str, reading: _Reading, ask: Ask) -> Finding | None:
    check = f"licence, {reading.name}"
    try:
        await ask(reading.path)
    except (AocError, TimeoutError, ValueError) as error:
        trouble = classify(error)
        if trouble is Trouble.NOT_LICENSED:
            fix = next_action(reading.sources[0], trouble) or ""
            return Finding(where, check, Grade.WARN, "Microsoft says that it is missing", fix)
        if trouble is Trouble.NO_PERMISSION:
            return None  # the permissions check reports it
        return Finding(where, check, Grade.WARN, f"could not be seen: {error or 'no answer'}")
    return Finding(where, check, Grade.OK, f"{reading.name} can be read")

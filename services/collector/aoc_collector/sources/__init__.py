"""The sources, in one table. A new one is a file with a `SPEC` and a line here (docs/howto/add-a-source.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_collector.sources import (
    alerts,
    directory_audits,
    intune,
    o365_azuread,
    o365_dlp,
    o365_exchange,
    o365_general,
    o365_sharepoint,
    pim_alerts,
    risk_detections,
    risk_detections_serviceprincipal,
    risky_serviceprincipals,
    risky_users,
    signins,
    signins_managedidentity,
    signins_noninteractive,
    signins_serviceprincipal,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_collector.sources.base import Spec

SOURCES: Final[Mapping[str, Spec]] = {
    spec.name: spec
    for spec in (
        directory_audits.SPEC,
        signins.SPEC,
        signins_noninteractive.SPEC,
        signins_serviceprincipal.SPEC,
        signins_managedidentity.SPEC,
        intune.SPEC,
        alerts.SPEC,
        risk_detections.SPEC,
        risk_detections_serviceprincipal.SPEC,
        risky_users.SPEC,
        risky_serviceprincipals.SPEC,
        pim_alerts.SPEC,
        o365_azuread.SPEC,
        o365_exchange.SPEC,
        o365_sharepoint.SPEC,
        o365_general.SPEC,
        o365_dlp.SPEC,
    )
}

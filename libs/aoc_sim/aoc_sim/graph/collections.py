"""The collections that are served, and what each can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aoc_sim.graph.filters import Fields
from aoc_sim.graph.gate import Needs

if TYPE_CHECKING:
    from aoc_sim.records.base import Source

type Version = Literal["v1.0", "beta"]

SIGNIN_KINDS: dict[str, Source] = {
    "interactiveUser": "graph-signins",
    "nonInteractiveUser": "graph-signins-noninteractive",
    "servicePrincipal": "graph-signins-serviceprincipal",
    "managedIdentity": "graph-signins-managedidentity",
}


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection of Graph."""

    path: str
    """Path below the version, as in `@odata.context`."""
    source: Source
    """The source it lists when the filter names no other."""
    fields: Fields
    needs: Needs
    premium: bool = False
    """Needs a P1 or P2 licence."""
    kinds: bool = False
    """Filters on signInEventTypes, in beta only."""


COLLECTIONS = (
    # graph-docs, directoryaudit-list.md: createdDateTime is no property here, so filtering on it is a 400
    Collection(
        path="auditLogs/directoryAudits",
        source="graph-directory-audits",
        fields=Fields(
            times=("activityDateTime",),
            texts=frozenset(
                {
                    "id",
                    "activityDisplayName",
                    "category",
                    "correlationId",
                    "loggedByService",
                    "operationType",
                    "result",
                    "initiatedBy/user/id",
                    "initiatedBy/user/displayName",
                    "initiatedBy/user/userPrincipalName",
                    "initiatedBy/app/appId",
                    "initiatedBy/app/displayName",
                }
            ),
        ),
        needs=Needs("graph_audit", ("AuditLog.Read.All",), "Authentication_MSGraphPermissionMissing"),
    ),
    # graph-docs, signin-list.md
    Collection(
        path="auditLogs/signIns",
        source="graph-signins",
        fields=Fields(
            times=("createdDateTime",),
            texts=frozenset(
                {
                    "id",
                    "userId",
                    "userPrincipalName",
                    "userDisplayName",
                    "appId",
                    "appDisplayName",
                    "ipAddress",
                    "clientAppUsed",
                    "correlationId",
                    "conditionalAccessStatus",
                    "isInteractive",
                    "resourceId",
                    "resourceDisplayName",
                    "riskState",
                    "riskLevelAggregated",
                    "riskLevelDuringSignIn",
                    "servicePrincipalId",
                    "servicePrincipalName",
                    "location/city",
                    "location/countryOrRegion",
                    "deviceDetail/operatingSystem",
                }
            ),
            numbers=frozenset({"status/errorCode"}),
        ),
        needs=Needs("graph_audit", ("AuditLog.Read.All",), "Authentication_MSGraphPermissionMissing"),
        premium=True,
        kinds=True,
    ),
    # graph-docs, intune-auditing-auditevent-list.md
    Collection(
        path="deviceManagement/auditEvents",
        source="graph-intune",
        fields=Fields(
            times=("activityDateTime",),
            texts=frozenset(
                {
                    "id",
                    "displayName",
                    "componentName",
                    "activityType",
                    "activityOperationType",
                    "activityResult",
                    "category",
                    "correlationId",
                    "actor/userPrincipalName",
                    "actor/userId",
                }
            ),
        ),
        needs=Needs(
            "graph_intune", ("DeviceManagementApps.Read.All", "DeviceManagementConfiguration.Read.All"), "Forbidden"
        ),
    ),
    # graph-docs, security-list-alerts_v2.md
    Collection(
        path="security/alerts_v2",
        source="graph-alerts",
        fields=Fields(
            times=("createdDateTime", "lastUpdateDateTime"),
            texts=frozenset(
                {"id", "severity", "status", "serviceSource", "classification", "determination", "assignedTo"}
            ),
        ),
        needs=Needs("graph_security", ("SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All"), "Forbidden"),
    ),
)

"""The collections that are served, and what each can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aoc_sim.graph import errors
from aoc_sim.graph.filters import Fields
from aoc_sim.graph.gate import Needs
from aoc_sim.records.pim import RELATIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_sim.graph.errors import GraphError
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
    unlicensed: Callable[[], GraphError] | None = None
    """How it refuses a tenant without the licence; None if it needs none."""
    kinds: bool = False
    """Filters on signInEventTypes, in beta only."""
    versions: tuple[Version, ...] = ("v1.0", "beta")
    """Where it is served."""
    demands: frozenset[str] = frozenset()
    """Fields that a filter must test."""
    relations: tuple[str, ...] = ()
    """What is in an answer only when it is expanded."""

    def hidden(self, expand: str | None) -> frozenset[str]:
        """What an answer leaves out; raises GraphError 400 for what cannot be expanded."""
        asked = {name.strip() for name in (expand or "").split(",")} - {""}
        if "*" in asked:
            return frozenset()
        if strangers := asked - set(self.relations):
            raise errors.bad_request(f"Cannot expand '{min(strangers)}'.")
        return frozenset(self.relations) - asked


def _risk_needs(*permissions: str) -> Needs:
    return Needs("graph_risk", permissions, "Forbidden", limit="IdentityProtection")


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
        unlicensed=errors.not_premium,
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
    # graph-docs, riskdetection-list.md
    Collection(
        path="identityProtection/riskDetections",
        source="graph-risk-detections",
        fields=Fields(
            times=("activityDateTime", "detectedDateTime", "lastUpdatedDateTime"),
            texts=frozenset({"id", "riskEventType", "riskLevel", "riskState", "riskDetail", "userId", "requestId"}),
        ),
        needs=_risk_needs("IdentityRiskEvent.Read.All"),
        unlicensed=errors.not_licensed,
    ),
    # graph-docs, resources/serviceprincipalriskdetection.md: no time is said to be filtered on
    Collection(
        path="identityProtection/servicePrincipalRiskDetections",
        source="graph-risk-detections-serviceprincipal",
        fields=Fields(
            times=("activityDateTime",),
            texts=frozenset({"id", "riskEventType", "riskLevel", "riskState", "servicePrincipalId", "requestId"}),
            bounded=False,
        ),
        needs=_risk_needs("IdentityRiskEvent.Read.All"),
        unlicensed=errors.not_licensed,
    ),
    # graph-docs, riskyuser-list.md
    Collection(
        path="identityProtection/riskyUsers",
        source="graph-risky-users",
        fields=Fields(
            times=("riskLastUpdatedDateTime",),
            texts=frozenset({"id", "riskLevel", "riskState", "riskDetail", "userPrincipalName", "userDisplayName"}),
        ),
        needs=_risk_needs("IdentityRiskyUser.Read.All", "IdentityRiskyUser.ReadWrite.All"),
        unlicensed=errors.not_licensed,
    ),
    # graph-docs, resources/riskyserviceprincipal.md: riskLastUpdatedDateTime takes eq only
    Collection(
        path="identityProtection/riskyServicePrincipals",
        source="graph-risky-serviceprincipals",
        fields=Fields(
            times=("riskLastUpdatedDateTime",),
            texts=frozenset({"id", "riskLevel", "riskState", "riskDetail", "appId", "displayName"}),
            bounded=False,
        ),
        needs=_risk_needs("IdentityRiskyServicePrincipal.Read.All", "IdentityRiskyServicePrincipal.ReadWrite.All"),
        unlicensed=errors.not_licensed,
    ),
    # graph-docs, how-to-pim-alerts.md: without the scope, or with another one, it is a 400
    Collection(
        path="identityGovernance/roleManagementAlerts/alerts",
        source="graph-pim-alerts",
        fields=Fields(
            times=("lastModifiedDateTime",),
            texts=frozenset({"id", "alertDefinitionId", "scopeId", "scopeType", "isActive"}),
            bounded=False,
        ),
        needs=Needs(
            "graph_directory",
            ("RoleManagementAlert.Read.Directory", "RoleManagementAlert.ReadWrite.Directory"),
            "UnknownError",
        ),
        unlicensed=errors.premium_required,
        versions=("beta",),
        demands=frozenset({"scopeId", "scopeType"}),
        relations=RELATIONS,
    ),
)

"""What each source needs of a tenant: permissions of the app registration, and licences.

Sources: graph-docs, the permissions table of each list operation; office-365-management-activity-api-reference.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

type Resource = Literal["Microsoft Graph", "Office 365 Management APIs"]

GRAPH: Final[Resource] = "Microsoft Graph"
MANAGEMENT: Final[Resource] = "Office 365 Management APIs"


@dataclass(frozen=True, slots=True)
class Need:
    """What reading something asks of an app registration and its tenant.

    `permissions`: every one of them is asked for. `instead`: permission -> wider ones that hold it too. `licence`: what
    the tenant must have bought.
    """

    resource: Resource
    permissions: tuple[str, ...]
    instead: Mapping[str, tuple[str, ...]]
    licence: str | None = None

    def missing(self, roles: frozenset[str]) -> list[str]:
        """The permissions that neither they nor wider ones are among the `roles` of a token."""
        return [
            permission for permission in self.permissions if not roles & {permission, *self.instead.get(permission, ())}
        ]


def _need(resource: Resource, *permissions: str, licence: str | None = None, instead: tuple[str, ...] = ()) -> Need:
    return Need(resource, permissions, {permissions[0]: instead}, licence)


_P1: Final = "Microsoft Entra ID P1 or P2"
_P2: Final = "Microsoft Entra ID P2"
_GOVERNANCE: Final = "Microsoft Entra ID P2 or Microsoft Entra ID Governance"
_WORKLOAD: Final = "Microsoft Entra Workload ID Premium"
_AUDIT: Final = _need(GRAPH, "AuditLog.Read.All")
_SIGNINS: Final = _need(GRAPH, "AuditLog.Read.All", licence=_P1)
_FEED: Final = _need(MANAGEMENT, "ActivityFeed.Read")

#: Source of the collector, or `directory/` and a kind of the directory -> what it needs.
NEEDS: Final[Mapping[str, Need]] = {
    "graph-directory-audits": _AUDIT,
    "graph-signins": _SIGNINS,
    "graph-signins-noninteractive": _SIGNINS,
    "graph-signins-serviceprincipal": _SIGNINS,
    "graph-signins-managedidentity": _SIGNINS,
    "graph-intune": _need(
        GRAPH,
        "DeviceManagementApps.Read.All",
        licence="Microsoft Intune",
        instead=(
            "DeviceManagementApps.ReadWrite.All",
            "DeviceManagementConfiguration.Read.All",
            "DeviceManagementConfiguration.ReadWrite.All",
        ),
    ),
    "graph-alerts": _need(
        GRAPH, "SecurityAlert.Read.All", licence="a Microsoft Defender plan", instead=("SecurityAlert.ReadWrite.All",)
    ),
    "graph-risk-detections": _need(GRAPH, "IdentityRiskEvent.Read.All", licence=_P1),
    "graph-risk-detections-serviceprincipal": _need(GRAPH, "IdentityRiskEvent.Read.All", licence=_WORKLOAD),
    "graph-risky-users": _need(
        GRAPH, "IdentityRiskyUser.Read.All", licence=_P2, instead=("IdentityRiskyUser.ReadWrite.All",)
    ),
    "graph-risky-serviceprincipals": _need(
        GRAPH,
        "IdentityRiskyServicePrincipal.Read.All",
        licence=_WORKLOAD,
        instead=("IdentityRiskyServicePrincipal.ReadWrite.All",),
    ),
    "graph-pim-alerts": _need(
        GRAPH,
        "RoleManagementAlert.Read.Directory",
        licence=_GOVERNANCE,
        instead=("RoleManagementAlert.ReadWrite.Directory",),
    ),
    "o365-azuread": _FEED,
    "o365-exchange": _FEED,
    "o365-sharepoint": _FEED,
    "o365-general": _FEED,
    "o365-dlp": _need(MANAGEMENT, "ActivityFeed.Read", "ActivityFeed.ReadDlp"),
    "directory/user": _need(GRAPH, "User.Read.All", instead=("User.ReadWrite.All", "Directory.Read.All")),
    "directory/group": _need(
        GRAPH, "Group.Read.All", instead=("GroupMember.Read.All", "Group.ReadWrite.All", "Directory.Read.All")
    ),
    "directory/service principal": _need(
        GRAPH, "Application.Read.All", instead=("Application.ReadWrite.All", "Directory.Read.All")
    ),
    "directory/device": _need(GRAPH, "Device.Read.All", instead=("Device.ReadWrite.All", "Directory.Read.All")),
    "directory/role": _need(
        GRAPH,
        "RoleManagement.Read.Directory",
        instead=("RoleManagement.Read.All", "RoleManagement.ReadWrite.Directory", "Directory.Read.All"),
    ),
}


def needs_text(source: str) -> str:
    """What a source needs, e.g. `AuditLog.Read.All (Microsoft Graph)`; empty for one that is not known."""
    need = NEEDS.get(source)
    return f"{' and '.join(need.permissions)} ({need.resource})" if need else ""

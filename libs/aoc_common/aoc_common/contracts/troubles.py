"""Why a source cannot be collected, what each source needs, and what to do: the same words for health and doctor.

Sources: graph-docs, the permissions table of each list operation; office-365-management-activity-api-reference.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

type Resource = Literal["Microsoft Graph", "Office 365 Management APIs"]

GRAPH: Final[Resource] = "Microsoft Graph"
MANAGEMENT: Final[Resource] = "Office 365 Management APIs"


class Trouble(StrEnum):
    """The class of a source's failure."""

    NO_PERMISSION = "no-permission"
    """The token is good and lacks an application permission."""
    NOT_LICENSED = "not-licensed"
    """The tenant lacks a licence, or Microsoft says so."""
    SUBSCRIPTION_DISABLED = "subscription-disabled"
    """A content type's subscription at the Management API does not run."""
    CREDENTIALS = "credentials-expired"
    """The app cannot sign in: secret or certificate wrong or expired, consent or registration gone."""
    UNREACHABLE = "unreachable"
    """No answer, a broken one, or a server error."""
    THROTTLED = "throttled"
    """Microsoft asked for fewer requests."""
    OTHER = "other"
    """Anything else; the source's last error says what."""


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
        return [one for one in self.permissions if not roles & {one, *self.instead.get(one, ())}]


def _need(resource: Resource, *permissions: str, licence: str | None = None, instead: tuple[str, ...] = ()) -> Need:
    return Need(resource, permissions, {permissions[0]: instead}, licence)


_P1: Final = "Microsoft Entra ID P1 or P2"
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

_CREDENTIALS: Final[Mapping[str, str]] = {
    "AADSTS7000215": "The client secret is wrong: put the secret's value (not its id) where the tenants file points",
    "AADSTS7000222": "The client secret has expired: create a new one for the app (Certificates & secrets) and put it"
    " where the tenants file points; it is read again without a restart",
    "AADSTS700027": "Entra does not accept the certificate: upload the public part of the one that client_certificate"
    " names (Certificates & secrets), or renew it if it has expired",
    "AADSTS700016": "Entra knows no such app in this tenant: check client_id and tenant_id, and grant admin consent",
    "AADSTS65001": "Consent is missing or was revoked: grant admin consent to the app",
    "AADSTS7000112": "The app is disabled in this tenant: enable it (Enterprise applications, Properties, Enabled for"
    " users to sign in)",
    "AADSTS90002": "Entra knows no such tenant: check tenant_id and cloud in the tenants file",
}


def needs_text(source: str) -> str:
    """What a source needs, e.g. `AuditLog.Read.All (Microsoft Graph)`; empty for one that is not known."""
    need = NEEDS.get(source)
    return f"{' and '.join(need.permissions)} ({need.resource})" if need else ""


def next_action(source: str, trouble: str | None, code: str = "") -> str | None:
    """What somebody should do about a source in trouble; None when there is nothing to do but to wait.

    `code`: Microsoft's own, e.g. AADSTS7000222; it makes the words exact.
    """
    need = NEEDS.get(source)
    match trouble:
        case Trouble.NO_PERMISSION:
            wanted = needs_text(source) or "the permission that the last error names"
            return f"Grant the application permission {wanted} to the app and grant admin consent."
        case Trouble.NOT_LICENSED:
            licence = (need.licence if need else None) or "the licence that the last error names"
            return f"The tenant needs {licence}; without it, leave the source out in the tenants file (sources)."
        case Trouble.SUBSCRIPTION_DISABLED:
            return (
                "Turn on auditing in the tenant (Set-AdminAuditLogConfig -UnifiedAuditLogIngestionEnabled $true);"
                " AOC starts the subscription again by itself."
            )
        case Trouble.CREDENTIALS:
            return f"{_CREDENTIALS.get(code, 'Check client_id, tenant_id and the secret or certificate of the app')}."
        case Trouble.OTHER:
            return "Read the last error; aoc doctor looks at the tenant from outside."
        case _:
            return None

"""Alerts of Privileged Identity Management, with all that can be expanded.

Sources: graph-docs, how-to-pim-alerts.md; resources/unifiedrolemanagementalert.md and those it refers to. The titles
are ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aoc_sim.records.base import graph_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aoc_sim.records.base import Builder, Json, Scene

#: What a request may expand; without, these are not in an answer.
RELATIONS: Final = ("alertDefinition", "alertConfiguration", "alertIncidents")
_NEVER: Final = "0001-01-01T08:00:00Z"
_MOST_PEOPLE: Final = 4


class _Kind(NamedTuple):
    """A kind of alert: the end of its id, what it says, how grave it is, and the type of its incidents."""

    alert: str
    title: str
    severity: str
    incident: str
    of_roles: bool = False


_KINDS: Final = (
    _Kind("InvalidLicenseAlert", "The licence for this is missing", "low", "invalidLicenseAlertIncident"),
    _Kind(
        "NoMfaOnRoleActivationAlert",
        "Roles are activated without a second factor",
        "low",
        "noMfaOnRoleActivationAlertIncident",
        of_roles=True,
    ),
    _Kind("RedundantAssignmentAlert", "Roles are held and not used", "low", "redundantAssignmentAlertIncident"),
    _Kind(
        "RolesAssignedOutsidePimAlert",
        "Roles are assigned past this service",
        "high",
        "rolesAssignedOutsidePrivilegedIdentityManagementAlertIncident",
    ),
    _Kind(
        "SequentialActivationRenewalsAlert",
        "Roles are activated too often",
        "low",
        "sequentialActivationRenewalsAlertIncident",
    ),
    _Kind("StaleSignInAlert", "Holders of roles have not signed in lately", "medium", "staleSignInAlertIncident"),
    _Kind(
        "TooManyGlobalAdminsAssignedToTenantAlert",
        "Too many people hold the highest role",
        "low",
        "tooManyGlobalAdminsAssignedToTenantAlertIncident",
    ),
)
OUTSIDE_PIM: Final = 3
#: Neither the one that a story tells, nor a licence that is missing.
_HARMLESS: Final = tuple(kind for kind in _KINDS[1:] if kind is not _KINDS[OUTSIDE_PIM])
_TOO_MANY: Final = 6


def alert(scene: Scene, number: int | None = None) -> Json:
    """An alert that is active from this moment on."""
    kind = scene.rng.choice(_HARMLESS) if number is None else _KINDS[number]
    name = _name(scene.tenant.tenant_id, kind)
    incidents = list(_incidents(scene, kind))
    at = graph_time(scene.at, scene.rng)
    return _head(name, active=True, count=len(incidents), modified=at, scanned=at) | _relations(name, kind, incidents)


def never_active(tenant_id: str, known: Iterable[str], scanned: str) -> list[Json]:
    """The alerts of which a tenant never had a state; `known`: the ids of the others."""
    there = set(known)
    names = ((kind, _name(tenant_id, kind)) for kind in _KINDS)
    return [
        _head(name, active=False, count=0, modified=_NEVER, scanned=scanned) | _relations(name, kind, [])
        for kind, name in names
        if name not in there
    ]


def _name(tenant_id: str, kind: _Kind) -> str:
    return f"DirectoryRole_{tenant_id}_{kind.alert}"


def _head(name: str, *, active: bool, count: int, modified: str, scanned: str) -> Json:
    return {
        "id": name,
        "alertDefinitionId": name,
        "scopeId": "/",
        "scopeType": "DirectoryRole",
        "incidentCount": count,
        "isActive": active,
        "lastModifiedDateTime": modified,
        "lastScannedDateTime": scanned,
    }


def _relations(name: str, kind: _Kind, incidents: list[Json]) -> Json:
    scope = {"id": name, "scopeId": "/", "scopeType": "DirectoryRole"}
    configuration = kind.incident.removesuffix("Incident") + "Configuration"
    return {
        "alertDefinition": scope
        | {
            "displayName": kind.title,
            "description": f"{kind.title}.",
            "severityLevel": kind.severity,
            "isRemediatable": True,
            "isConfigurable": True,
        },
        "alertConfiguration": {"@odata.type": f"#microsoft.graph.{configuration}"}
        | scope
        | {"alertDefinitionId": name, "isEnabled": True},
        "alertIncidents": incidents,
    }


def _incidents(scene: Scene, kind: _Kind) -> Iterable[Json]:
    people = scene.rng.sample(scene.tenant.admins, min(len(scene.tenant.admins), scene.rng.randint(1, _MOST_PEOPLE)))
    role = scene.tenant.roles[0]
    of_role: dict[str, Any] = {"roleDisplayName": role.name, "roleTemplateId": role.id}
    head = {"@odata.type": f"#microsoft.graph.{kind.incident}", "id": scene.guid()}
    if kind.of_roles:
        yield head | of_role
        return
    for person in people:
        who = {
            "assigneeId": person.id,
            "assigneeDisplayName": person.name,
            "assigneeUserPrincipalName": person.upn,
        }
        yield head | {"id": scene.guid()} | who | ({} if kind is _KINDS[_TOO_MANY] else of_role)


ALERTS: tuple[tuple[float, Builder, bool], ...] = ((1, alert, True),)

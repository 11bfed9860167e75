"""Graph directory audits (resource type directoryAudit)."""

# ruff: noqa: PLR2004 - the numbers are shares and rates of invented traffic

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from aoc_sim.records.base import graph_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_sim.inventory import Group, Person
    from aoc_sim.records.base import Builder, Json, Scene

_SUFFIX = "ABCDEFGHJKMNPQRSTVWXYZ23456789"


def quoted(value: str) -> str:
    """The value as JSON in a string, quotes included."""
    return orjson.dumps(value).decode()


def change(name: str, old: str | None, new: str | None) -> Json:
    """One modified property."""
    return {"displayName": name, "oldValue": old, "newValue": new}


def user_target(person: Person, *modified: Json) -> Json:
    """A user as target."""
    return {
        "id": person.id,
        "displayName": None,
        "type": "User",
        "userPrincipalName": person.upn,
        "groupType": None,
        "modifiedProperties": list(modified),
    }


def object_target(kind: str, id_: str, name: str | None, *modified: Json) -> Json:
    """A group, application, device, ... as target. The docs' own example writes `Type`; groups here do too."""
    key = "Type" if kind == "Group" else "type"
    target: Json = {"id": id_, "displayName": name, key: kind, "userPrincipalName": None}
    target["groupType"] = "unifiedGroups" if kind == "Group" else None
    target["modifiedProperties"] = list(modified)
    return target


def by_user(scene: Scene, person: Person) -> Json:
    """Done by somebody: `app` is null."""
    return {
        "user": {
            "id": person.id,
            "displayName": None,
            "userPrincipalName": person.upn,
            "ipAddress": scene.ip,
            "userType": None,
            "homeTenantId": None,
            "homeTenantName": None,
        },
        "app": None,
    }


def by_app(name: str, object_id: str) -> Json:
    """Done by an application: `user` is null."""
    return {
        "user": None,
        "app": {"appId": None, "displayName": name, "servicePrincipalId": object_id, "servicePrincipalName": None},
    }


def audit(
    scene: Scene,
    activity: str,
    category: str,
    operation: str,
    targets: Sequence[Json],
    *,
    initiated_by: Json | None = None,
    service: str = "Core Directory",
    result: str = "success",
    reason: str = "",
    details: Sequence[tuple[str, str]] = (),
) -> Json:
    """A directory audit. Source: graph-docs, resources/directoryaudit.md."""
    rng = scene.rng
    correlation = scene.guid()
    prefix = {"Core Directory": "Directory", "Self-service Group Management": "SSGM"}.get(service, service)
    tag = "".join(rng.choices(_SUFFIX, k=5))
    record: Json = {
        "id": f"{prefix}_{correlation}_{tag}_{rng.randrange(10**6, 10**9)}",
        "category": category,
        "correlationId": correlation,
        "result": result,
        "resultReason": reason,
        "activityDisplayName": activity,
        "activityDateTime": graph_time(scene.at, rng),
        "loggedByService": service,
        "operationType": operation,
        "initiatedBy": initiated_by if initiated_by is not None else by_user(scene, scene.who),
        "targetResources": list(targets),
    }
    # an empty list is sometimes left out
    if details or rng.random() < 0.9:
        record["additionalDetails"] = [{"key": key, "value": value} for key, value in details]
    return record


def update_user(scene: Scene) -> Json:
    """A property of a user changes, often through directory synchronisation."""
    new = quoted(scene.rng.choice(("Projects", "Facilities", "Treasury")))
    target = user_target(
        scene.other(),
        change("Department", f"[{quoted(scene.who.department)}]", f"[{new}]"),
        change("Included Updated Properties", None, quoted("Department")),
    )
    who = by_app("Directory synchronisation", scene.tenant.apps[0].id) if scene.rng.random() < 0.4 else None
    return audit(scene, "Update user", "UserManagement", "Update", [target], initiated_by=who)


def add_user(scene: Scene) -> Json:
    """A new account."""
    target = user_target(scene.other(), change("AccountEnabled", "[]", "[true]"))
    return audit(scene, "Add user", "UserManagement", "Add", [target])


def reset_password(scene: Scene) -> Json:
    """The help desk resets a password."""
    return audit(scene, "Reset user password", "UserManagement", "Update", [user_target(scene.other())])


def self_service_reset(scene: Scene) -> Json:
    """Somebody resets a password alone, or gives up."""
    failed = scene.rng.random() < 0.3
    return audit(
        scene,
        "Reset password (self-service)",
        "UserManagement",
        "Update",
        [user_target(scene.who)],
        service="Self-service Password Management",
        result="failure" if failed else "success",
        reason="The user left before the end." if failed else "Done.",
    )


def security_info(scene: Scene) -> Json:
    """Somebody registers a sign-in method."""
    return audit(
        scene,
        "User registered security info",
        "UserManagement",
        "Add",
        [user_target(scene.who)],
        service="Authentication Methods",
        reason="User registered an authenticator app",
    )


def group_member(scene: Scene, *, add: bool = True, group: Group | None = None, person: Person | None = None) -> Json:
    """Membership of a group: two targets, the user and the group."""
    group = group or scene.rng.choice(scene.tenant.groups)
    name = quoted(group.name)
    facts = change("Group.DisplayName", None if add else name, name if add else None)
    return audit(
        scene,
        "Add member to group" if add else "Remove member from group",
        "GroupManagement",
        "Assign" if add else "Unassign",
        [user_target(person or scene.other(), facts), object_target("Group", group.id, None)],
    )


def role_member(scene: Scene, *, add: bool = True, role: Group | None = None, person: Person | None = None) -> Json:
    """Membership of a directory role."""
    role = role or scene.rng.choice(scene.tenant.roles[1:])
    facts = [("Role.ObjectID", role.id), ("Role.DisplayName", role.name), ("Role.TemplateId", role.id)]
    rows = [change(name, *((None, quoted(v)) if add else (quoted(v), None))) for name, v in facts]
    return audit(
        scene,
        "Add member to role" if add else "Remove member from role",
        "RoleManagement",
        "Assign" if add else "Unassign",
        [user_target(person or scene.other(), *rows), object_target("Role", role.id, role.name)],
    )


def pim_activation(scene: Scene) -> Json:
    """An eligible role is activated."""
    role = scene.rng.choice(scene.tenant.roles[1:])
    return audit(
        scene,
        "Add member to role completed (PIM activation)",
        "RoleManagement",
        "ActivateRole",
        [object_target("Role", role.id, role.name), user_target(scene.who)],
        service="PIM",
        reason="Weekly maintenance",
        details=[("RoleDefinitionOriginType", "BuiltInRole"), ("ipaddr", scene.ip)],
    )


def update_device(scene: Scene) -> Json:
    """A device reports its system's version; done by the registration service."""
    device = scene.device
    return audit(
        scene,
        "Update device",
        "Device",
        "Update",
        [
            object_target(
                "Device",
                device.id,
                device.name,
                change("DeviceOSVersion", '["10.0.22631.4317"]', '["10.0.22631.4460"]'),
                change("Included Updated Properties", None, quoted("DeviceOSVersion")),
            )
        ],
        initiated_by=by_app("Device Registration Service", scene.tenant.apps[1].id),
        details=[("DeviceId", device.id), ("DeviceOSType", device.system), ("DeviceTrustType", "AzureAd")],
    )


def update_application(scene: Scene) -> Json:
    """A secret is added to an app: note the en dash and the trailing blank of the name."""
    app = scene.rng.choice(scene.tenant.apps)
    new = f'["[KeyIdentifier={scene.guid()},KeyType=Password,KeyUsage=Verify,DisplayName=rotation]"]'
    return audit(
        scene,
        "Update application \N{EN DASH} Certificates and secrets management ",
        "ApplicationManagement",
        "Update",
        [object_target("Application", app.app_id, app.name, change("KeyDescription", "[]", new))],
    )


def consent(scene: Scene) -> Json:
    """Somebody consents to an application."""
    app = scene.rng.choice(scene.tenant.apps)
    return consent_to(scene, app.id, app.name, "User.Read openid profile", admin=False)


def consent_to(scene: Scene, object_id: str, name: str, scopes: str, *, admin: bool) -> Json:
    """Consent to that application; the permissions look like JSON and are not."""
    kind = "AllPrincipals" if admin else "Principal"
    grant = f"[] => [[Id: {scene.guid()[:22]}, ConsentType: {kind}, Scope: {scopes}]]; "
    return audit(
        scene,
        "Consent to application",
        "ApplicationManagement",
        "Assign",
        [
            object_target(
                "ServicePrincipal",
                object_id,
                name,
                change("ConsentContext.IsAdminConsent", None, quoted(str(admin))),
                change("ConsentContext.OnBehalfOfAll", None, quoted(str(admin))),
                change("ConsentAction.Permissions", None, quoted(grant)),
            )
        ],
        details=[("User-Agent", "EvoSTS"), ("AppId", object_id)],
    )


def lifecycle_check(scene: Scene) -> Json:
    """A housekeeping read whose actor is all zeros and whose names are null."""
    zero = "00000000-0000-0000-0000-000000000000"
    actor = by_user(scene, scene.who)
    actor["user"] |= {"id": zero, "userPrincipalName": None, "ipAddress": "10.0.0.0"}
    return audit(
        scene,
        "GroupLifecyclePolicies_Get",
        "GroupManagement",
        "Update",
        [object_target("N/A", zero, None)],
        initiated_by=actor,
        service="Self-service Group Management",
        reason="OK",
    )


def update_policy(scene: Scene) -> Json:
    """A Conditional Access policy is edited."""
    policy = scene.rng.choice(scene.tenant.policies)
    target = object_target("Policy", policy.id, policy.name, change("State", quoted("enabled"), quoted("enabled")))
    return audit(scene, "Update conditional access policy", "Policy", "Update", [target], service="Conditional Access")


# weight, builder; those by administrators are marked
BENIGN: tuple[tuple[float, Builder, bool], ...] = (
    (30, update_user, True),
    (3, add_user, True),
    (6, reset_password, True),
    (6, self_service_reset, False),
    (5, security_info, False),
    (18, group_member, True),
    (6, lambda scene: group_member(scene, add=False), True),
    (1, role_member, True),
    (3, pim_activation, True),
    (25, update_device, False),
    (2, update_application, True),
    (2, consent, False),
    (4, lifecycle_check, False),
    (1, update_policy, True),
)

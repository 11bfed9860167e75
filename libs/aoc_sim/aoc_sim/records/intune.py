"""Intune audit events (resource type auditEvent). Source: graph-docs, resources/intune-auditing-auditevent.md."""

# ruff: noqa: PLR2004 - the numbers are shares and rates of invented traffic

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_sim.records.base import graph_time, offset_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_sim.records.base import Builder, Json, Scene

_PORTAL = ("5926fc8e-304e-4f59-8bed-58ca97cc39a4", "Microsoft Intune portal extension")


def actor(scene: Scene, *, app_only: bool = False) -> Json:
    """Who did it: a person through the portal (user *and* application), or an application alone."""
    app = scene.tenant.apps[3]
    return {
        "type": None,
        "auditActorType": "Application" if app_only else "ItPro",
        "userPermissions": ["DeviceManagementManagedDevices.ReadWrite.All"] if app_only else ["*"],
        "applicationId": app.app_id if app_only else _PORTAL[0],
        "applicationDisplayName": app.name if app_only else _PORTAL[1],
        "userPrincipalName": None if app_only else scene.who.upn,
        "servicePrincipalName": None,
        "ipAddress": None,
        "userId": None if app_only else scene.who.id,
    }


def resource(kind: str, id_: str, name: str | None, *props: tuple[str, str | None, str | None]) -> Json:
    """One resource of an event; without a name its `displayName` is absent."""
    item: Json = {"displayName": name} if name is not None else {}
    item |= {"type": kind, "auditResourceType": kind, "resourceId": id_}
    item["modifiedProperties"] = [{"displayName": p, "oldValue": old, "newValue": new} for p, old, new in props]
    return item


def event(
    scene: Scene,
    activity: str,
    operation: str,
    category: str,
    resources: Sequence[Json],
    *,
    app_only: bool = False,
    result: str = "Success",
) -> Json:
    """An Intune audit event; one in ten writes its time with an offset."""
    component = activity.rsplit(" ", 1)[-1]
    moment = graph_time(scene.at, scene.rng)
    if scene.rng.random() < 0.1:
        moment = offset_time(scene.at, -8)
    return {
        "id": scene.guid(),
        "displayName": activity,
        "componentName": component,
        "activity": None,
        "activityDateTime": moment,
        "activityType": activity,
        "activityOperationType": operation,
        "activityResult": result,
        "correlationId": scene.guid(),
        "category": category,
        "actor": actor(scene, app_only=app_only),
        "resources": list(resources),
    }


def device_action(scene: Scene, action: str, device_id: str, name: str | None = None) -> Json:
    """A remote action on a device: `wipe`, `retire`, `syncDevice`, ..."""
    item = resource("ManagedDevice", device_id, name, ("DeviceManagementAPIVersion", None, "5025-05-19"))
    return event(scene, f"{action} ManagedDevice", "Action", "Device", [item])


def sync_device(scene: Scene) -> Json:
    """Somebody asks a device to report; its name is the literal `<null>`."""
    return device_action(scene, "syncDevice", scene.other().device.id, "<null>")


def patch_device(scene: Scene) -> Json:
    """A device's category is set by an application; the resource has no name and no properties."""
    return event(
        scene,
        "Patch ManagedDevice",
        "Patch",
        "Device",
        [resource("ManagedDevice", scene.other().device.id, None)],
        app_only=True,
    )


def update_policy(scene: Scene) -> Json:
    """A configuration policy changes; two resources."""
    return event(
        scene,
        "Patch DeviceConfiguration",
        "Patch",
        "DeviceConfiguration",
        [
            resource(
                "Windows10GeneralConfiguration", scene.guid(), "Baseline laptops", ("PasswordRequired", "False", "True")
            ),
            resource("DeviceConfigurationAssignment", scene.guid(), None),
        ],
    )


def assign_app(scene: Scene) -> Json:
    """An application is assigned to a group."""
    group = scene.rng.choice(scene.tenant.groups)
    return event(
        scene,
        "Create MobileAppAssignment",
        "Create",
        "Application",
        [
            resource(
                "MobileAppAssignment",
                f"{scene.guid()}_{group.id}",
                "<null>",
                ("Intent", None, "Required"),
                ("Target.GroupId", None, group.id),
                ("Target.DeviceAndAppManagementAssignmentFilterId", None, "<null>"),
            )
        ],
    )


def compliance_policy(scene: Scene) -> Json:
    """A compliance policy is created, now and then in vain."""
    return event(
        scene,
        "Create DeviceCompliancePolicy",
        "Create",
        "Compliance",
        [resource("Windows10CompliancePolicy", scene.guid(), "Disk encryption", ("BitLockerEnabled", None, "True"))],
        result="Success" if scene.rng.random() < 0.85 else "Failure",
    )


BENIGN: tuple[tuple[float, Builder, bool], ...] = (
    (10, sync_device, True),
    (6, patch_device, True),
    (4, update_policy, True),
    (4, assign_app, True),
    (1, compliance_policy, True),
)

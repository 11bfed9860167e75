"""The directory as it is now: objects that are created, changed and deleted, each change with a version.

People, apps, groups, devices and roles come from `inventory`, under the ids that records name them by. Later changes
come from the directory audits (`apply_audit`), so that the directory agrees with the records, or from the control
plane.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args
from uuid import UUID, uuid5

import orjson

from aoc_sim.vocabulary import OFFICE_APPS, RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_sim.inventory import App, Device, Directory, Person
    from aoc_sim.records.base import Json

type Name = Literal[
    "users", "groups", "servicePrincipals", "devices", "directoryRoles", "roleDefinitions", "roleAssignments"
]
NAMES: tuple[Name, ...] = get_args(Name.__value__)

_SPACE = UUID("d12ec702-0000-4000-8000-0a0c51a00000")
_LICENCE = [{"skuId": "05e9a617-0261-4cee-bb44-138d3ef5d965", "disabledPlans": []}]
_SERVICE_ACCOUNTS = (("svc-backup", "Backup Harbour service"), ("sa-badges", "Badge Printer Sync"))
#: A group that holds a role, by its place among the tenant's groups, and how many of the people are in it.
_ROLE_GROUP, _ROLE_GROUP_SIZE = 1, 3


@dataclass(slots=True)
class Item:
    """One object. `properties` are those that were ever set; `set_at`: property -> version of its last change."""

    id: str
    properties: Json
    born: int
    changed: int
    set_at: dict[str, int] = field(default_factory=dict)
    removed: bool = False

    def shown(self, names: tuple[str, ...] | None, since: int | None = None) -> Json:
        """The id and these properties (None: all); with `since` only those that changed after that version."""
        body: Json = {"id": self.id}
        for name, value in self.properties.items():
            if (names is None or name in names) and (since is None or self.set_at[name] > since):
                body[name] = value
        return body


class Register:
    """One tenant's directory objects, by collection."""

    def __init__(self) -> None:
        self.version = 0
        self._items: dict[Name, dict[str, Item]] = {name: {} for name in NAMES}
        self._members: dict[str, list[str]] = {}

    def put(self, collection: Name, object_id: str, **properties: Any) -> Item:
        """Create an object (also one that was removed), or change properties of one."""
        items = self._items[collection]
        item = items.get(object_id)
        self.version += 1
        if item is None or item.removed:
            item = items[object_id] = Item(object_id, {}, self.version, self.version)
        news = {name: value for name, value in properties.items() if item.properties.get(name, item) != value}
        item.properties |= news
        item.set_at |= dict.fromkeys(news, self.version)
        if news:
            item.changed = self.version
        return item

    def remove(self, collection: Name, object_id: str) -> bool:
        """Remove an object; whether it was there."""
        item = self._items[collection].get(object_id)
        if item is None or item.removed:
            return False
        self.version += 1
        item.removed, item.changed = True, self.version
        return True

    def find(self, collection: Name, object_id: str) -> Item | None:
        """An object that is there."""
        item = self._items[collection].get(object_id)
        return None if item is None or item.removed else item

    def there(self, collection: Name) -> Iterator[Item]:
        """The objects that are there, oldest first."""
        items = (item for item in self._items[collection].values() if not item.removed)
        return iter(sorted(items, key=lambda item: item.born))

    def since(self, collection: Name, version: int) -> Iterator[Item]:
        """The objects that changed after a version, or were removed, in the order of their changes."""
        items = (item for item in self._items[collection].values() if item.changed > version)
        return iter(sorted(items, key=lambda item: item.changed))

    def members(self, group_id: str) -> list[str]:
        """Object ids of a group's members."""
        return self._members.get(group_id, [])

    def gather(self, group_id: str, members: list[str]) -> None:
        """Set a group's members."""
        self._members[group_id] = members

    def assign(self, role_id: str, principal_id: str) -> Item:
        """Give a role to somebody."""
        return self.put(
            "roleAssignments",
            _assignment_id(role_id, principal_id),
            roleDefinitionId=role_id,
            principalId=principal_id,
            directoryScopeId="/",
        )

    def unassign(self, role_id: str, principal_id: str) -> bool:
        """Take a role from somebody."""
        return self.remove("roleAssignments", _assignment_id(role_id, principal_id))

    def apply_audit(self, audit: Json) -> None:
        """Apply the change of a directory audit."""
        change = _AUDITED_CHANGES.get(audit["activityDisplayName"])
        if change is not None and audit["result"] == "success":
            change(self, audit)


def build_register(directory: Directory) -> Register:
    """A tenant's register at the beginning; the same directory gives the same one."""
    register = Register()
    for person in (*directory.people, *directory.guests):
        _put_person(register, person)
        _put_device(register, person.device)
    for alias, name in _SERVICE_ACCOUNTS:
        _put_service_account(register, f"{alias}@{directory.domain}", name)
    for group in directory.groups:
        register.put("groups", group.id, displayName=group.name)
    for app in (*directory.apps, *directory.identities):
        _put_app(register, app)
    for app_id, name in dict.fromkeys((*OFFICE_APPS, *RESOURCES)):
        object_id = str(uuid5(_SPACE, directory.tenant_id + app_id))
        register.put("servicePrincipals", object_id, displayName=name, appId=app_id, accountEnabled=True)
    for role in directory.roles:
        register.put("roleDefinitions", role.id, displayName=role.name, templateId=role.id, isBuiltIn=True)
        register.put("directoryRoles", role.id, displayName=role.name, roleTemplateId=role.id)
    for index, admin in enumerate(directory.admins):
        register.assign(directory.roles[index % len(directory.roles)].id, admin.id)
    ordinary = [person for person in directory.people if not person.admin]
    register.gather(directory.groups[_ROLE_GROUP].id, [person.id for person in ordinary[:_ROLE_GROUP_SIZE]])
    register.assign(directory.roles[-1].id, directory.groups[_ROLE_GROUP].id)
    return register


def _put_person(register: Register, person: Person) -> None:
    register.put(
        "users",
        person.id,
        displayName=person.name,
        userPrincipalName=person.upn,
        userType="Guest" if person.guest else "Member",
        accountEnabled=True,
        assignedLicenses=[] if person.guest else _LICENCE,
        # a property that was never set is not shown, and guests bring none
        **({} if person.guest else {"department": person.department, "jobTitle": person.title}),
    )


def _put_service_account(register: Register, upn: str, name: str) -> None:
    register.put(
        "users",
        str(uuid5(_SPACE, upn)),
        displayName=name,
        userPrincipalName=upn,
        userType="Member",
        accountEnabled=True,
        assignedLicenses=[],
    )


def _put_device(register: Register, device: Device) -> None:
    """Records name devices by their device id; the object has another one."""
    register.put(
        "devices",
        str(uuid5(_SPACE, device.id)),
        displayName=device.name,
        deviceId=device.id,
        operatingSystem=device.system,
        isCompliant=device.compliant,
        accountEnabled=True,
    )


def _put_app(register: Register, app: App) -> None:
    register.put(
        "servicePrincipals",
        app.id,
        displayName=app.name,
        appId=app.app_id,
        servicePrincipalType="ManagedIdentity" if app.managed else "Application",
        accountEnabled=True,
    )


def _assignment_id(role_id: str, principal_id: str) -> str:
    return str(uuid5(_SPACE, f"{role_id}/{principal_id}"))


def _target(audit: Json, kind: str) -> Json | None:
    """The first target of a kind; the key is `type`, or `Type` for groups."""
    return next(
        (target for target in audit["targetResources"] if kind in (target.get("type"), target.get("Type"))), None
    )


def _role_added(register: Register, audit: Json) -> None:
    user, role = _target(audit, "User"), _target(audit, "Role")
    if user and role:
        register.assign(role["id"], user["id"])


def _role_removed(register: Register, audit: Json) -> None:
    user, role = _target(audit, "User"), _target(audit, "Role")
    if user and role:
        register.unassign(role["id"], user["id"])


def _principal_added(register: Register, audit: Json) -> None:
    """The audit does not hold the application id: an invented one."""
    target = _target(audit, "ServicePrincipal")
    if target:
        app_id = str(uuid5(_SPACE, target["id"]))
        register.put(
            "servicePrincipals", target["id"], displayName=target["displayName"], appId=app_id, accountEnabled=True
        )


def _user_updated(register: Register, audit: Json) -> None:
    target = _target(audit, "User")
    for changed in target["modifiedProperties"] if target else ():
        if target and changed["displayName"] == "Department" and register.find("users", target["id"]):
            register.put("users", target["id"], department=orjson.loads(changed["newValue"])[0])


def _user_added(register: Register, audit: Json) -> None:
    """Create the account, unless it exists already."""
    target = _target(audit, "User")
    if target is None or register.find("users", target["id"]):
        return
    values = {changed["displayName"]: changed["newValue"] for changed in target["modifiedProperties"]}
    register.put(
        "users",
        target["id"],
        displayName=orjson.loads(values["DisplayName"])[0] if "DisplayName" in values else None,
        userPrincipalName=target["userPrincipalName"],
        userType="Member",
        accountEnabled=True,
        assignedLicenses=_LICENCE,
    )


def _user_deleted(register: Register, audit: Json) -> None:
    """Its assignments of roles go with it."""
    target = _target(audit, "User")
    if target and register.remove("users", target["id"]):
        for assignment in list(register.there("roleAssignments")):
            if assignment.properties["principalId"] == target["id"]:
                register.remove("roleAssignments", assignment.id)


_AUDITED_CHANGES = {
    "Add user": _user_added,
    "Delete user": _user_deleted,
    "Add member to role": _role_added,
    "Remove member from role": _role_removed,
    "Add service principal": _principal_added,
    "Update user": _user_updated,
}

"""Unified audit: Entra sign-ins (record type 15) and directory changes (record type 8)."""

# ruff: noqa: PLR2004 - the numbers are shares and rates of invented traffic

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_sim.records.base import changes, json_list, named, pairs, ual, ual_time
from aoc_sim.vocabulary import OFFICE_APPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_sim.inventory import Group, Person
    from aoc_sim.records.base import Builder, Json, Scene

_WORKLOAD = "AzureActiveDirectory"

# error number -> LogonError, as real records pair them
LOGON_ERRORS = {
    50126: "InvalidUserNameOrPassword",
    50053: "IdsLocked",
    50074: "UserStrongAuthClientAuthNRequiredInterrupt",
    50140: "KmsiInterrupt",
    53003: "BlockedByConditionalAccess",
}


def logged_in(scene: Scene) -> Json:
    """`UserLoggedIn`; now and then it carries an error number all the same."""
    return logon(scene, error=50140 if scene.rng.random() < 0.04 else 0, operation="UserLoggedIn")


def login_failed(scene: Scene) -> Json:
    """`UserLoginFailed`; most of these say `Success` in ResultStatus."""
    return logon(scene, error=scene.rng.choice((50126, 50126, 50053, 50074, 53003)), operation="UserLoginFailed")


def logon(scene: Scene, *, error: int, operation: str, user_agent: str | None = None) -> Json:
    """A sign-in as the unified audit log has it."""
    rng, who = scene.rng, scene.who
    target = rng.choice(OFFICE_APPS)[0]
    ip = scene.ip if rng.random() < 0.9 else f"::ffff:{scene.ip}" if "." in scene.ip else scene.ip
    record = ual(
        scene,
        operation,
        15,
        _WORKLOAD,
        user_key=who.id,
        # one person, two spellings: this workload lowers the name only sometimes
        user_id=who.upn if rng.random() < 0.9 else who.upn.title(),
        result="Success" if error == 0 or rng.random() < 0.7 else "Failed",
        ip=ip,
        object_id=target if rng.random() < 0.9 else "Unknown",
    )
    extended = [("ResultStatusDetail", rng.choice(("Success", "Redirect")))]
    extended += [("UserAgent", user_agent or scene.device.user_agent), ("RequestType", "OAuth2:Authorize")]
    if rng.random() < 0.3:
        extended.append(("UserAuthenticationMethod", "1"))
    record |= {
        "AzureActiveDirectoryEventType": 1,
        "ExtendedProperties": named(extended),
        "ModifiedProperties": [],
        "Actor": [{"ID": who.id, "Type": 0}, {"ID": who.upn, "Type": 5}],
        "ActorContextId": scene.tenant.tenant_id,
        "ActorIpAddress": ip,
        "InterSystemsId": scene.guid(),
        "IntraSystemId": record["Id"],
        "SupportTicketId": "",
        "Target": [{"ID": target, "Type": 0}],
        "TargetContextId": scene.tenant.tenant_id,
        "ApplicationId": rng.choice(OFFICE_APPS)[0],
    }
    if rng.random() < 0.6:
        device = [("OS", scene.device.system), ("BrowserType", scene.device.browser.split()[0])]
        device += [("IsCompliantAndManaged", str(scene.device.compliant)), ("SessionId", scene.guid())]
        record["DeviceProperties"] = named(device)
    record["ErrorNumber"] = str(error)
    if operation == "UserLoginFailed" and error in LOGON_ERRORS:
        record["LogonError"] = LOGON_ERRORS[error]
    return record


def change(
    scene: Scene,
    operation: str,
    category: str,
    target: Sequence[tuple[str, int]],
    modified: Sequence[tuple[str, str, str]],
    *,
    object_id: str | None,
    by: str | None = None,
    by_id: str | None = None,
    result: str = "Success",
    details: str = "{}",
) -> Json:
    """A directory change. `by` names an application instead of the scene's person."""
    who = scene.who
    app_id = by_id or scene.tenant.apps[0].id
    record = ual(
        scene,
        operation,
        8,
        _WORKLOAD,
        user_id=f"ServicePrincipal_{app_id}" if by else who.upn,
        user_key="Not Available" if by else f"{who.puid}@{scene.tenant.domain}",
        user_type=4 if by else 0,
        result=result,
        object_id=object_id,
    )
    # the same entity under several ids: name (1), ids and words (2), PUID (3), SPN (4), UPN (5)
    actor = (
        [(by, 1), (app_id, 2), (f"ServicePrincipal_{app_id}", 2), ("ServicePrincipal", 2)]
        if by
        else [(who.upn, 5), (who.puid, 3), (f"User_{who.id}", 2), (who.id, 2), ("User", 2)]
    )
    record |= {
        "AzureActiveDirectoryEventType": 1,
        "ExtendedProperties": named([("additionalDetails", details), ("extendedAuditEventCategory", category)]),
        "ModifiedProperties": changes(*modified),
        "Actor": [{"ID": id_, "Type": kind} for id_, kind in actor],
        "ActorContextId": scene.tenant.tenant_id,
        "InterSystemsId": scene.guid(),
        "IntraSystemId": scene.guid(),
        "SupportTicketId": "",
        "Target": [{"ID": id_, "Type": kind} for id_, kind in target],
        "TargetContextId": scene.tenant.tenant_id,
    }
    if not by and scene.rng.random() < 0.4:
        record["ClientIP"] = record["ActorIpAddress"] = scene.ip if scene.rng.random() < 0.8 else "<null>"
    return record


def user_ids(person: Person) -> list[tuple[str, int]]:
    """All the ids by which a change names a user."""
    return [(f"User_{person.id}", 2), (person.id, 2), ("User", 2), (person.upn, 5), (person.puid, 3)]


def object_ids(kind: str, id_: str, name: str) -> list[tuple[str, int]]:
    """All the ids by which a change names a group, application, ..."""
    return [(f"{kind}_{id_}", 2), (id_, 2), (kind, 2), (name, 1)]


def update_user(scene: Scene) -> Json:
    """`Update user.`: values are JSON arrays in strings, with line breaks."""
    person = scene.other()
    moment = json_list(ual_time(scene.at) + "Z")
    modified = [("LastDirSyncTime", json_list(), moment), ("Included Updated Properties", "", "LastDirSyncTime")]
    by = "Directory synchronisation" if scene.rng.random() < 0.5 else None
    return change(scene, "Update user.", "User", user_ids(person), modified, object_id=person.upn, by=by)


def account_enabled(scene: Scene) -> Json:
    """`Disable account.`, without the object id that others have."""
    person = scene.other()
    modified = [("AccountEnabled", "[\r\n  true\r\n]", "[\r\n  false\r\n]")]
    return change(scene, "Disable account.", "User", user_ids(person), modified, object_id=None)


def reset_password(scene: Scene) -> Json:
    """The help desk resets a password."""
    person = scene.other()
    return change(scene, "Reset user password.", "User", user_ids(person), [], object_id=person.upn)


def change_password(scene: Scene) -> Json:
    """Somebody changes their own password."""
    return change(scene, "Change user password.", "User", user_ids(scene.who), [], object_id=scene.who.upn)


def refresh_tokens(scene: Scene) -> Json:
    """All refresh tokens of a user are declared void."""
    modified = [("StsRefreshTokensValidFrom", json_list(), json_list(ual_time(scene.at) + "Z"))]
    return change(
        scene,
        "Update StsRefreshTokenValidFrom Timestamp.",
        "User",
        user_ids(scene.who),
        modified,
        object_id=scene.who.upn,
    )


def group_member(scene: Scene) -> Json:
    """Somebody joins a group."""
    person, group = scene.other(), scene.rng.choice(scene.tenant.groups)
    modified = [("Group.ObjectID", "", group.id), ("Group.DisplayName", "", group.name)]
    return change(scene, "Add member to group.", "Group", user_ids(person), modified, object_id=person.upn)


def role_member(scene: Scene, *, add: bool = True, role: Group | None = None, person: Person | None = None) -> Json:
    """A directory role is given or taken; the operation ends in a dot."""
    role = role or scene.rng.choice(scene.tenant.roles[1:])
    person = person or scene.other()
    facts = [("Role.ObjectID", role.id), ("Role.DisplayName", role.name), ("Role.TemplateId", role.id)]
    modified = [(name, "" if add else value, value if add else "") for name, value in facts]
    operation = "Add member to role." if add else "Remove member from role."
    return change(scene, operation, "Role", user_ids(person), modified, object_id=person.upn)


def update_group(scene: Scene) -> Json:
    """`Update group.`, by an application."""
    group = scene.rng.choice(scene.tenant.groups)
    modified = [("Description", json_list(), json_list("Reviewed")), ("Included Updated Properties", "", "Description")]
    ids = object_ids("Group", group.id, group.name)
    return change(scene, "Update group.", "Group", ids, modified, object_id=f"Group_{group.id}", by="Group Keeper")


def update_service_principal(scene: Scene) -> Json:
    """A service principal changes, without saying what."""
    app = scene.rng.choice(scene.tenant.apps)
    modified = [("Included Updated Properties", "", ""), ("TargetId.ServicePrincipalNames", "", app.app_id)]
    ids = [*object_ids("ServicePrincipal", app.id, app.name), (app.app_id, 4)]
    return change(scene, "Update service principal.", "ServicePrincipal", ids, modified, object_id=app.app_id)


def add_service_principal(scene: Scene) -> Json:
    """`Add service principal.`, sometimes refused."""
    app = scene.rng.choice(scene.tenant.apps)
    ids = [*object_ids("ServicePrincipal", app.id, app.name), (app.app_id, 4)]
    modified = [("AccountEnabled", json_list(), "[\r\n  true\r\n]"), ("DisplayName", json_list(), json_list(app.name))]
    return change(
        scene,
        "Add service principal.",
        "ServicePrincipal",
        ids,
        modified,
        object_id=app.app_id,
        result="Success" if scene.rng.random() < 0.8 else "Failure",
    )


def secrets_management(scene: Scene) -> Json:
    """The operation with an en dash and a trailing blank."""
    app = scene.rng.choice(scene.tenant.apps)
    key = f"[KeyIdentifier={scene.guid()},KeyType=Password,KeyUsage=Verify,DisplayName=rotation]"
    return change(
        scene,
        "Update application \N{EN DASH} Certificates and secrets management ",
        "Application",
        object_ids("Application", app.app_id, app.name),
        [("KeyDescription", "[]", json_list(key)), ("Included Updated Properties", "", "KeyDescription")],
        object_id=f"Application_{app.app_id}",
    )


def add_group(scene: Scene) -> Json:
    """A new group."""
    group = scene.rng.choice(scene.tenant.groups)
    modified = [("DisplayName", json_list(), json_list(group.name)), ("SecurityEnabled", "[]", "[\r\n  true\r\n]")]
    ids = object_ids("Group", group.id, group.name)
    return change(scene, "Add group.", "Group", ids, modified, object_id=f"Group_{group.id}")


def add_application(scene: Scene) -> Json:
    """A new application is registered."""
    app = scene.rng.choice(scene.tenant.apps)
    modified = [("AppId", json_list(), json_list(app.app_id)), ("AvailableToOtherTenants", "[]", "[\r\n  false\r\n]")]
    ids = object_ids("Application", app.id, app.name)
    return change(scene, "Add application.", "Application", ids, modified, object_id=f"Application_{app.id}")


def app_role(scene: Scene) -> Json:
    """An application is granted a role on Microsoft Graph."""
    app = scene.rng.choice(scene.tenant.apps)
    facts = [("AppRole.Value", "", "Calendars.Read"), ("ServicePrincipal.DisplayName", "", app.name)]
    ids = [*object_ids("ServicePrincipal", app.id, "Microsoft Graph"), ("https://graph.microsoft.com", 4)]
    operation = "Add app role assignment to service principal."
    return change(scene, operation, "ServicePrincipal", ids, facts, object_id="https://graph.microsoft.com")


def create_company(scene: Scene) -> Json:
    """`Set Company Information.`, old style: resultType and `<null>` in the properties."""
    record = ual(
        scene,
        "Set Company Information.",
        8,
        _WORKLOAD,
        result="Success",
        ip="<null>",
        object_id="Not Available",
        user_key=f"{scene.who.puid}@{scene.tenant.domain}",
    )
    record["AzureActiveDirectoryEventType"] = 1
    record["ExtendedProperties"] = pairs(
        resultType="Success", auditEventCategory="DirectoryManagement", nCloud="<null>"
    )
    return record


def consent_to(scene: Scene, object_id: str, name: str, scopes: str, *, admin: bool) -> Json:
    """Consent; the permissions look like JSON and are not."""
    kind = "AllPrincipals" if admin else "Principal"
    grant = f"[] => [[Id: {scene.guid()[:22]}, ConsentType: {kind}, Scope: {scopes}, CreatedDateTime: ]]; "
    return change(
        scene,
        "Consent to application.",
        "ServicePrincipal",
        object_ids("ServicePrincipal", object_id, name),
        [
            ("ConsentContext.IsAdminConsent", "", str(admin)),
            ("ConsentContext.IsAppOnly", "", "False"),
            ("ConsentContext.OnBehalfOfAll", "", str(admin)),
            ("ConsentAction.Permissions", "", grant),
        ],
        object_id=object_id,
        details=f'{{"User-Agent":"EvoSTS","AppId":"{object_id}"}}',
    )


def strong_authentication(scene: Scene, person: Person | None = None, *, enable: bool = True) -> Json:
    """The per-user second factor is switched on or off."""
    person = person or scene.other()
    on, off = '[{"RelyingParty":"*","State":1}]', "[]"
    return change(
        scene,
        f"{'Enable' if enable else 'Disable'} Strong Authentication.",
        "User",
        user_ids(person),
        [("StrongAuthenticationRequirement", off if enable else on, on if enable else off)],
        object_id=person.upn,
    )


LOGONS: tuple[tuple[float, Builder, bool], ...] = ((88, logged_in, False), (12, login_failed, False))
BENIGN: tuple[tuple[float, Builder, bool], ...] = (
    (30, update_user, True),
    (2, account_enabled, True),
    (5, reset_password, True),
    (5, change_password, False),
    (6, refresh_tokens, False),
    (14, group_member, True),
    (1, role_member, True),
    (8, update_group, True),
    (8, update_service_principal, True),
    (3, add_service_principal, True),
    (2, secrets_management, True),
    (2, add_group, True),
    (1, add_application, True),
    (1, app_role, True),
    (1, lambda scene: role_member(scene, add=False), True),
    (1, create_company, True),
    (1, strong_authentication, True),
)
